//! ELF.

use datafusion_plugin_api::abi::manifest::SECTION_ELF;
use object::{
    Endianness,
    elf::{self, FileHeader32, FileHeader64},
    read::{
        ReadCacheOps, ReadRef,
        elf::{FileHeader, ProgramHeader, SectionHeader},
    },
};

use super::{ArtifactProblem, Bytes, Format, Image, MAX_ENTRIES};

pub(super) fn read<S: ReadCacheOps>(bytes: Bytes<'_, S>) -> Result<Image, ArtifactProblem> {
    let truncated = |what| bytes.truncated(Format::Elf, what);
    let class = bytes.range(4, 1).ok_or_else(|| truncated("header"))?;
    match class {
        [1] => read_class::<FileHeader32<Endianness>, S>(bytes),
        [2] => read_class::<FileHeader64<Endianness>, S>(bytes),
        _ => Err(ArtifactProblem::Damaged {
            format: Format::Elf,
            what: "neither 32 nor 64 bits",
        }),
    }
}

fn read_class<H, S>(bytes: Bytes<'_, S>) -> Result<Image, ArtifactProblem>
where
    H: FileHeader<Endian = Endianness>,
    S: ReadCacheOps,
{
    let truncated = |what| bytes.truncated(Format::Elf, what);
    let damaged = |what| ArtifactProblem::Damaged {
        format: Format::Elf,
        what,
    };
    let data = bytes.cache;
    let header: &H = data.read_at(0).map_err(|()| truncated("header"))?;
    if !header.is_supported() {
        return Err(damaged("an impossible header"));
    }
    let endian = header.endian().map_err(|_| damaged("unknown byte order"))?;
    let bits = if header.is_type_64() { 64 } else { 32 };
    let mut image = Image {
        format: Format::Elf,
        architecture: architecture(header.e_machine(endian), bits),
        bits,
        other_kind: match header.e_type(endian) {
            elf::ET_DYN => None,
            elf::ET_REL => Some("an object file"),
            elf::ET_EXEC => Some("an executable"),
            elf::ET_CORE => Some("a core dump"),
            _ => Some("an ELF file of an unknown type"),
        },
        manifest: None,
        end: 0,
    };
    if image.other_kind.is_some() {
        return Ok(image);
    }

    let bounded = |count: u32| {
        if u64::from(count) > MAX_ENTRIES {
            Err(damaged("more table entries than any linker writes"))
        } else {
            Ok(())
        }
    };
    let table = |_| truncated("program header table");
    bounded(header.phnum(endian, data).map_err(table)?)?;
    for segment in header.program_headers(endian, data).map_err(table)? {
        if segment.p_type(endian) == elf::PT_INTERP {
            image.other_kind = Some("an executable");
        }
        let offset: u64 = segment.p_offset(endian).into();
        let len: u64 = segment.p_filesz(endian).into();
        image.end = image.end.max(offset.saturating_add(len));
    }

    let table = |_| truncated("section table");
    let count = header.shnum(endian, data).map_err(table)?;
    bounded(count)?;
    let sections = header.sections(endian, data).map_err(table)?;
    let start: u64 = header.e_shoff(endian).into();
    let len = u64::from(count) * u64::from(header.e_shentsize(endian));
    image.end = image.end.max(start.saturating_add(len));
    for section in sections.iter() {
        if let Some((offset, len)) = section.file_range(endian) {
            image.end = image.end.max(offset.saturating_add(len));
        }
    }
    image.manifest = sections
        .section_by_name(endian, SECTION_ELF.as_bytes())
        .and_then(|(_, section)| section.file_range(endian));
    Ok(image)
}

fn architecture(machine: elf::Machine, bits: u8) -> &'static str {
    match (machine, bits) {
        (elf::EM_X86_64, _) => "x86_64",
        (elf::EM_386, _) => "x86",
        (elf::EM_AARCH64, _) => "aarch64",
        (elf::EM_ARM, _) => "arm",
        (elf::EM_RISCV, 64) => "riscv64",
        (elf::EM_RISCV, _) => "riscv32",
        (elf::EM_PPC64, _) => "powerpc64",
        (elf::EM_S390, 64) => "s390x",
        (elf::EM_LOONGARCH, 64) => "loongarch64",
        _ => "unknown",
    }
}
