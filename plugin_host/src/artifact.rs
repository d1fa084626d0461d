//! Reading plugin libraries as bytes: what they say of themselves, without running them.

pub mod description;
mod error;
mod image;
mod pack;
mod read;
#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};

use datafusion_plugin_api::abi::manifest::Manifest;

use self::description::Description;
pub(crate) use self::read::{open as open_library, open_regular};
pub use self::{
    error::{ArtifactError, ArtifactProblem, DescriptionError},
    pack::{PackError, Packed, pack, unpacked},
};

/// The longest file that is read: 1 GiB.
pub const MAX_FILE_LEN: u64 = 1 << 30;

/// A format of shared libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Linux and most other Unixes.
    Elf,
    /// macOS.
    MachO,
    /// Windows.
    Pe,
}

/// A plugin library as its bytes describe it.
///
/// Nothing of the file has been executed. Only headers, tables, the manifest and the packed
/// description have been read.
#[derive(Debug, Clone)]
pub struct Artifact {
    path: PathBuf,
    len: u64,
    format: Format,
    architecture: &'static str,
    bits: u8,
    manifest: Manifest,
    description: Option<Description>,
}

impl Artifact {
    /// Reads a file. Total: any content gives an artifact or an error.
    ///
    /// # Errors
    /// An [`ArtifactError`] that names the file and says what it is instead of a plugin.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ArtifactError> {
        let path = path.as_ref();
        read::file(path).map_err(|problem| ArtifactError {
            path: path.to_owned(),
            problem,
        })
    }

    /// Reads bytes that are not in a file; the path is empty.
    ///
    /// # Errors
    /// As [`Artifact::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactProblem> {
        read::memory(bytes)
    }

    /// Reads an open file; `path` is what it is known as.
    ///
    /// # Errors
    /// As [`Artifact::read`].
    pub fn from_file(file: std::fs::File, path: &Path) -> Result<Self, ArtifactProblem> {
        let len = file.metadata()?.len();
        read::opened(file, len, path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an artifact is never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The file's format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The machine it is for, as in [`std::env::consts::ARCH`]; `unknown` for a machine without
    /// a name there. Of a file for several machines, the running one's if it is among them.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// 32 or 64.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// What the plugin says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What was packed into it; `None` for an unpacked plugin.
    pub fn description(&self) -> Option<&Description> {
        self.description.as_ref()
    }
}
