//! Packing: putting a description at the end of a library.

use std::{
    fs, io,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use object::read::ReadCache;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{
    Artifact, ArtifactError, ArtifactProblem, DescriptionError,
    description::{Description, record},
    image::{self, Bytes},
    read,
};

/// Why a file was not packed. The file is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackError {
    /// The file is no plugin.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The description is too large.
    #[error("{}: {source}", path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: DescriptionError,
    },
    /// The new file could not be written.
    #[error("{}: cannot be replaced: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// What packing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// The file has the description now.
    Written,
    /// It had this very description before.
    Unchanged,
}

/// Puts `description` at the end of the library `path`, in place of one that is there.
///
/// The file is replaced in one step and keeps its permissions: whoever opens it sees the old or
/// the new one. Packing the same description twice leaves the same bytes. The name may be a
/// symbolic link; the file it leads to is replaced.
///
/// # Errors
/// A [`PackError`]; the file is then as it was.
pub fn pack(path: &Path, description: &Description) -> Result<Packed, PackError> {
    let artifact_error = |problem: ArtifactProblem| {
        PackError::from(ArtifactError {
            path: path.to_owned(),
            problem,
        })
    };
    let write_error = |source| PackError::Write {
        path: path.to_owned(),
        source,
    };
    let file = fs::canonicalize(path).map_err(|error| artifact_error(error.into()))?;
    read::open(&file).map_err(artifact_error)?;
    let old = fs::read(&file).map_err(|error| artifact_error(error.into()))?;
    let library = library(&old);
    let artifact = Artifact::from_bytes(library).map_err(artifact_error)?;
    let record = record::write(description, artifact.manifest()).map_err(|source| {
        PackError::Description {
            path: path.to_owned(),
            source,
        }
    })?;
    if old[library.len()..] == record {
        return Ok(Packed::Unchanged);
    }
    replace(&file, &[library, &record]).map_err(write_error)?;
    Ok(Packed::Written)
}

/// The bytes of a library without its packed description, whole or damaged; `None` when the file
/// has none. The file stays as it is.
///
/// # Errors
/// A file that cannot be read.
pub fn unpacked(path: &Path) -> Result<Option<Vec<u8>>, ArtifactError> {
    let error = |problem| ArtifactError {
        path: path.to_owned(),
        problem,
    };
    read::open(path).map_err(error)?;
    let mut bytes = fs::read(path).map_err(|source| error(source.into()))?;
    let len = library(&bytes).len();
    if len == bytes.len() {
        return Ok(None);
    }
    bytes.truncate(len);
    Ok(Some(bytes))
}

/// The bytes before the packed record, whole or damaged.
fn library(bytes: &[u8]) -> &[u8] {
    let cache = ReadCache::new(Cursor::new(bytes));
    let reader = Bytes::new(&cache);
    let images = image::read(reader).unwrap_or_default();
    let library_end = images.iter().map(|image| image.end).max().unwrap_or(0);
    let record_len = record::len(reader, library_end);
    &bytes[..bytes.len() - record_len.min(reader.len) as usize]
}

/// Writes a new file beside the old one, then gives it the old one's name.
fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut new = NamedTempFile::new_in(directory)?;
    for part in parts {
        new.write_all(part)?;
    }
    new.as_file()
        .set_permissions(fs::metadata(path)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    // The rename itself lasts once the directory is on disk; not every system can do that.
    if let Ok(directory) = fs::File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(())
}
