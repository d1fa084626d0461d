//! From bytes to an [`Artifact`].

use std::{
    fs::{File, Metadata},
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
    let opened = open_regular(path)?;
    let (file, len) = opened.map_err(|found| ArtifactProblem::NotAFile { found })?;
    within_bounds(len)?;
    Ok((file, len))
}

/// Opens a regular file, of which the length is told; or tells what else it is. Does not wait, as opening a pipe
/// does for its other end.
pub(crate) fn open_regular(path: &Path) -> io::Result<Result<(File, u64), &'static str>> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let other = |metadata: &Metadata| match metadata.is_dir() {
        true => "a directory",
        false => "something that is no regular file",
    };
    let file = match options.open(path) {
        Ok(file) => file,
        // Sockets cannot be opened, and not everywhere directories.
        Err(error) => {
            return match std::fs::metadata(path) {
                Ok(metadata) if !metadata.is_file() => Ok(Err(other(&metadata))),
                _ => Err(error),
            };
        }
    };
    let metadata = file.metadata()?;
    Ok(match metadata.is_file() {
        true => Ok((file, metadata.len())),
        false => Err(other(&metadata)),
    })
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
