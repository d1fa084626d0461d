//! PE.

use datafusion_plugin_api::abi::manifest::SECTION_PE;
use object::{
    LittleEndian as LE,
    pe::{self, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64},
    read::{
        ReadCacheOps,
        pe::{ImageNtHeaders, optional_header_magic},
    },
};

use super::{ArtifactProblem, Bytes, Format, Image};

pub(super) fn read<S: ReadCacheOps>(bytes: Bytes<'_, S>) -> Result<Image, ArtifactProblem> {
    match optional_header_magic(bytes.cache) {
        Ok(pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC) => read_class::<ImageNtHeaders64, S>(bytes, 64),
        Ok(pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC) => read_class::<ImageNtHeaders32, S>(bytes, 32),
        Ok(_) => Err(ArtifactProblem::Damaged {
            format: Format::Pe,
            what: "neither 32 nor 64 bits",
        }),
        Err(_) => Err(bytes.truncated(Format::Pe, "header")),
    }
}

fn read_class<H: ImageNtHeaders, S: ReadCacheOps>(
    bytes: Bytes<'_, S>,
    bits: u8,
) -> Result<Image, ArtifactProblem> {
    let truncated = |what| bytes.truncated(Format::Pe, what);
    let data = bytes.cache;
    let dos = ImageDosHeader::parse(data).map_err(|_| truncated("header"))?;
    let mut offset = dos.nt_headers_offset().into();
    let (headers, directories) = H::parse(data, &mut offset).map_err(|_| truncated("header"))?;
    let file = headers.file_header();
    let is_library = file.characteristics.get(LE).contains(pe::IMAGE_FILE_DLL);
    let mut image = Image {
        format: Format::Pe,
        architecture: architecture(file.machine.get(LE)),
        bits,
        other_kind: (!is_library).then_some("an executable"),
        manifest: None,
        end: 0,
    };
    let sections = headers
        .sections(data, offset)
        .map_err(|_| truncated("section table"))?;
    image.end = sections.max_section_file_offset();
    // The certificate's address is, alone among the directories, an offset in the file.
    if let Some(certificate) = directories.get(pe::IMAGE_DIRECTORY_ENTRY_SECURITY) {
        let (start, len) = certificate.address_range();
        image.end = image.end.max(u64::from(start) + u64::from(len));
    }
    image.manifest = sections
        .iter()
        .find(|section| section.raw_name() == SECTION_PE.as_bytes())
        .map(|section| section.pe_file_range())
        .map(|(offset, len)| (offset.into(), len.into()));
    Ok(image)
}

fn architecture(machine: pe::Machine) -> &'static str {
    match machine {
        pe::IMAGE_FILE_MACHINE_AMD64 => "x86_64",
        pe::IMAGE_FILE_MACHINE_I386 => "x86",
        pe::IMAGE_FILE_MACHINE_ARM64 => "aarch64",
        _ => "unknown",
    }
}
