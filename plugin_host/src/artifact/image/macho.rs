//! Mach-O, of one architecture and of several.

use datafusion_plugin_api::abi::manifest::SECTION_MACHO;
use object::{
    BigEndian, Endianness,
    macho::{self, FatArch32, FatArch64, FatHeader, MachHeader32, MachHeader64},
    read::{
        ReadCacheOps, ReadRef,
        macho::{FatArch, LoadCommandIterator, MachHeader, MachOFatFile, Section, Segment},
    },
};

use super::{ArtifactProblem, Bytes, Format, Image, MAX_ENTRIES};

/// More architectures than this are another kind of file: Java classes have the same magic.
const MAX_ARCHITECTURES: u32 = 40;
/// The longest load commands that are read.
const MAX_COMMANDS_LEN: u32 = 1 << 20;

pub(super) fn read_fat<S: ReadCacheOps>(
    bytes: Bytes<'_, S>,
) -> Result<Vec<Image>, ArtifactProblem> {
    let header: &FatHeader = bytes
        .cache
        .read_at(0)
        .map_err(|()| bytes.truncated(Format::MachO, "header"))?;
    if header.nfat_arch.get(BigEndian) > MAX_ARCHITECTURES {
        return Err(ArtifactProblem::Unknown);
    }
    if header.magic.get(BigEndian) == macho::FAT_MAGIC_64 {
        read_slices::<FatArch64, S>(bytes)
    } else {
        read_slices::<FatArch32, S>(bytes)
    }
}

fn read_slices<F: FatArch, S: ReadCacheOps>(
    bytes: Bytes<'_, S>,
) -> Result<Vec<Image>, ArtifactProblem> {
    let fat = MachOFatFile::<F>::parse(bytes.cache)
        .map_err(|_| bytes.truncated(Format::MachO, "table of architectures"))?;
    if fat.arches().is_empty() {
        return Err(ArtifactProblem::Damaged {
            format: Format::MachO,
            what: "a file of several architectures that has none",
        });
    }
    fat.arches()
        .iter()
        .map(|arch| {
            let (start, len) = arch.file_range();
            let end = start
                .checked_add(len)
                .filter(|end| *end <= bytes.len)
                .ok_or_else(|| bytes.truncated(Format::MachO, "an architecture"))?;
            let mut image = read(bytes, start, end)?;
            image.end = image.end.max(end);
            Ok(image)
        })
        .collect()
}

/// Reads the image at `start..end` of the file.
pub(super) fn read<S: ReadCacheOps>(
    bytes: Bytes<'_, S>,
    start: u64,
    end: u64,
) -> Result<Image, ArtifactProblem> {
    let magic = bytes.range(start, 4);
    match magic {
        Some([0xfe, 0xed, 0xfa, 0xcf] | [0xcf, 0xfa, 0xed, 0xfe]) => {
            read_class::<MachHeader64<Endianness>, S>(bytes, start, end)
        }
        Some([0xfe, 0xed, 0xfa, 0xce] | [0xce, 0xfa, 0xed, 0xfe]) => {
            read_class::<MachHeader32<Endianness>, S>(bytes, start, end)
        }
        Some(_) => Ok(Image {
            format: Format::MachO,
            architecture: "unknown",
            bits: 0,
            other_kind: Some("a Mach-O file that holds no image"),
            manifest: None,
            end,
        }),
        None => Err(bytes.truncated(Format::MachO, "header")),
    }
}

fn read_class<H, S>(bytes: Bytes<'_, S>, start: u64, end: u64) -> Result<Image, ArtifactProblem>
where
    H: MachHeader<Endian = Endianness>,
    S: ReadCacheOps,
{
    let truncated = |what| bytes.truncated(Format::MachO, what);
    let damaged = |what| ArtifactProblem::Damaged {
        format: Format::MachO,
        what,
    };
    let data = bytes.cache;
    let header: &H = data.read_at(start).map_err(|()| truncated("header"))?;
    let endian = header.endian().map_err(|_| damaged("unknown byte order"))?;
    let mut image = Image {
        format: Format::MachO,
        architecture: architecture(header.cputype(endian)),
        bits: if header.is_type_64() { 64 } else { 32 },
        other_kind: match header.filetype(endian) {
            macho::MH_DYLIB | macho::MH_BUNDLE => None,
            macho::MH_OBJECT => Some("an object file"),
            macho::MH_EXECUTE => Some("an executable"),
            _ => Some("a Mach-O file of another type"),
        },
        manifest: None,
        end: start,
    };
    if image.other_kind.is_some() {
        return Ok(image);
    }
    if header.sizeofcmds(endian) > MAX_COMMANDS_LEN {
        return Err(damaged("more load commands than any linker writes"));
    }
    let commands = header
        .load_commands(endian, data, start)
        .map_err(|_| truncated("load commands"))?;
    segments::<H>(commands, endian, start, &mut image).ok_or_else(|| damaged("load commands"))?;
    if image.end > end {
        return Err(truncated("a segment"));
    }
    Ok(image)
}

/// `None` when a command is not of its form.
fn segments<H: MachHeader<Endian = Endianness>>(
    mut commands: LoadCommandIterator<'_, Endianness>,
    endian: Endianness,
    start: u64,
    image: &mut Image,
) -> Option<()> {
    let mut seen = 0;
    while let Some(command) = commands.next().ok()? {
        seen += 1;
        if seen > MAX_ENTRIES {
            return None;
        }
        let Some((segment, rest)) = H::Segment::from_command(command).ok()? else {
            continue;
        };
        let (offset, len) = segment.file_range(endian);
        let offset = start.saturating_add(offset);
        image.end = image.end.max(offset.saturating_add(len));
        for section in segment.sections(endian, rest).ok()? {
            if section.segment_name() == SECTION_MACHO.0.as_bytes()
                && section.name() == SECTION_MACHO.1.as_bytes()
            {
                let offset = start.saturating_add(section.offset(endian).into());
                image.manifest = Some((offset, section.size(endian).into()));
            }
        }
    }
    Some(())
}

fn architecture(cpu: macho::CpuType) -> &'static str {
    match cpu {
        macho::CPU_TYPE_X86_64 => "x86_64",
        macho::CPU_TYPE_X86 => "x86",
        macho::CPU_TYPE_ARM64 => "aarch64",
        macho::CPU_TYPE_ARM => "arm",
        _ => "unknown",
    }
}
