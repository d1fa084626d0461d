//! From bytes to an [`Artifact`].

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use datafusion_plugin_api::abi::manifest::{
    HEADER_LEN, MAX_LEN, Manifest, SECTION_ELF, SECTION_MACHO, SECTION_PE,
};
use object::read::{ReadCache, ReadCacheOps};

use super::{
    Artifact, ArtifactProblem, Format, MAX_FILE_LEN, description,
    image::{self, Bytes},
};

pub(super) fn file(path: &Path) -> Result<Artifact, ArtifactProblem> {
    let (file, len) = open(path)?;
    opened(file, len, path)
}

/// Reads an open file; `path` is what it is known as.
pub(super) fn opened(file: File, len: u64, path: &Path) -> Result<Artifact, ArtifactProblem> {
    let cache = ReadCache::new(Source {
        file,
        len,
        failure: None,
    });
    let result = examine(&cache, path);
    // What looks like a short file may be a disk that failed.
    match cache.into_inner().failure {
        Some(failure) if result.is_err() => Err(failure.into()),
        _ => result,
    }
}

pub(super) fn memory(bytes: &[u8]) -> Result<Artifact, ArtifactProblem> {
    within_bounds(bytes.len() as u64)?;
    examine(&ReadCache::new(Cursor::new(bytes)), Path::new(""))
}

/// Opens a regular file of a length that is read.
pub(crate) fn open(path: &Path) -> Result<(File, u64), ArtifactProblem> {
    // Asked before opening: opening a pipe waits for its other end.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ArtifactProblem::NotAFile {
            found: if metadata.is_dir() {
                "a directory"
            } else {
                "something that is no regular file"
            },
        });
    }
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    within_bounds(len)?;
    Ok((file, len))
}

fn within_bounds(len: u64) -> Result<(), ArtifactProblem> {
    match len {
        0 => Err(ArtifactProblem::Empty),
        len if len > MAX_FILE_LEN => Err(ArtifactProblem::TooLong { found: len }),
        _ => Ok(()),
    }
}

fn examine<S: ReadCacheOps>(
    cache: &ReadCache<S>,
    path: &Path,
) -> Result<Artifact, ArtifactProblem> {
    let bytes = Bytes::new(cache);
    let images = image::read(bytes)?;
    let end = images.iter().map(|image| image.end).max().unwrap_or(0);
    if let Some(found) = images.iter().find_map(|image| image.other_kind) {
        return Err(ArtifactProblem::NotSharedLibrary { found });
    }
    // A file has at least one image, and the running machine's is the first.
    let Some(image) = images
        .iter()
        .find(|image| image.manifest.is_some())
        .or(images.first())
    else {
        return Err(ArtifactProblem::Unknown);
    };
    let (offset, len) = image.manifest.ok_or_else(|| ArtifactProblem::NoManifest {
        format: image.format,
        section: section_name(image.format),
    })?;
    let section = bytes
        .range(offset, len.min((HEADER_LEN + MAX_LEN) as u64))
        .ok_or(ArtifactProblem::Truncated {
            format: image.format,
            what: "manifest",
            len: bytes.len,
        })?;
    let manifest = Manifest::parse(section)?;
    let description = description::record::read(bytes, end, &manifest)?;
    Ok(Artifact {
        path: PathBuf::from(path),
        len: bytes.len,
        format: image.format,
        architecture: image.architecture,
        bits: image.bits,
        manifest,
        description,
    })
}

fn section_name(format: Format) -> String {
    match format {
        Format::Elf => SECTION_ELF.to_owned(),
        Format::MachO => format!("{},{}", SECTION_MACHO.0, SECTION_MACHO.1),
        Format::Pe => SECTION_PE.to_owned(),
    }
}

/// A file that remembers why reading failed.
struct Source {
    file: File,
    len: u64,
    failure: Option<io::Error>,
}

impl Source {
    fn note<T>(&mut self, result: io::Result<T>) -> Result<T, ()> {
        result.map_err(|error| {
            // A file that became shorter is cut short, not unreadable.
            if error.kind() != io::ErrorKind::UnexpectedEof {
                self.failure = Some(error);
            }
        })
    }
}

impl ReadCacheOps for Source {
    fn len(&mut self) -> Result<u64, ()> {
        Ok(self.len)
    }

    fn seek(&mut self, position: u64) -> Result<u64, ()> {
        let result = Seek::seek(&mut self.file, SeekFrom::Start(position));
        self.note(result)
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ()> {
        let result = Read::read(&mut self.file, buffer);
        self.note(result)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), ()> {
        let result = Read::read_exact(&mut self.file, buffer);
        self.note(result)
    }
}
