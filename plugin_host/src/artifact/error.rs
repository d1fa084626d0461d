//! Why a file is no plugin.

use std::{fmt, io, path::PathBuf};

use datafusion_plugin_api::abi::manifest::ManifestError;
use thiserror::Error;

use super::{Format, MAX_FILE_LEN};

/// A file that could not be read as a plugin.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct ArtifactError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: ArtifactProblem,
}

/// What keeps a byte string from being a plugin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArtifactProblem {
    /// The operating system does not let it be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A directory, a pipe or a device.
    #[error("expected a plugin library, found {found}")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// Longer than any library is read.
    #[error("expected at most {MAX_FILE_LEN} bytes, found {found}")]
    TooLong {
        /// Its length.
        found: u64,
    },
    /// No bytes.
    #[error("expected a plugin library, found an empty file")]
    Empty,
    /// Text.
    #[error("expected a plugin library, found a text file")]
    Text,
    /// No known format of libraries.
    #[error("expected a plugin library (ELF, Mach-O or PE), found an unknown kind of file")]
    Unknown,
    /// The file's tables point past its end.
    #[error("{format} file cut short or damaged: {what} lies outside its {len} bytes")]
    Truncated {
        /// Its format.
        format: Format,
        /// What could not be read.
        what: &'static str,
        /// The file's length.
        len: u64,
    },
    /// A table says something that no linker writes.
    #[error("damaged {format} file: {what}")]
    Damaged {
        /// Its format.
        format: Format,
        /// What is wrong.
        what: &'static str,
    },
    /// Machine code, but not a shared library.
    #[error(
        "expected a shared library, found {found}; build the plugin with crate-type = [\"cdylib\"]"
    )]
    NotSharedLibrary {
        /// What it is.
        found: &'static str,
    },
    /// A shared library that says nothing of itself.
    #[error(
        "a {format} shared library, but no plugin: expected section '{section}', found none; \
         export the plugin with the SDK's macro"
    )]
    NoManifest {
        /// Its format.
        format: Format,
        /// The section looked for.
        section: String,
    },
    /// What it says of itself cannot be understood.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Its packed description cannot be understood.
    #[error(transparent)]
    Description(#[from] DescriptionError),
}

/// Why a packed description cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// The file ends inside the record.
    #[error("packed description cut short: its end mark is missing; pack the file again")]
    Truncated,
    /// The record is of another layout.
    #[error(
        "packed description has layout version {found}, expected {expected}; pack the file again"
    )]
    Version {
        /// The version found.
        found: u32,
        /// The version read here.
        expected: u32,
    },
    /// The record's length is impossible.
    #[error("packed description claims {found} bytes, expected at most {limit}")]
    Length {
        /// The length claimed.
        found: u64,
        /// The most that is there or is read.
        limit: u64,
    },
    /// The record's bytes are not those that were written.
    #[error("packed description is damaged: expected checksum {expected:08x}, found {found:08x}")]
    Checksum {
        /// The checksum written.
        expected: u32,
        /// The checksum of the bytes there.
        found: u32,
    },
    /// The record is not of the form that this host knows.
    #[error("packed description cannot be understood: {0}")]
    Form(String),
    /// More functions than are read.
    #[error("packed description has {found} functions, expected at most {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many are read.
        limit: usize,
    },
    /// The record describes another plugin than the manifest.
    #[error(
        "packed description is of {found}, expected {expected} as the manifest says; \
         pack the file again"
    )]
    OtherPlugin {
        /// Name and version in the manifest.
        expected: String,
        /// Name and version in the record.
        found: String,
    },
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elf => "ELF",
            Self::MachO => "Mach-O",
            Self::Pe => "PE",
        })
    }
}
