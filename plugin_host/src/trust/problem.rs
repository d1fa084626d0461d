//! Why a file is not trusted.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{KeyId, LockError, lock::join};

/// Why a file is not trusted: what the host expected, what it found, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustProblem {
    /// A path that depends on the working directory.
    #[error(
        "expected an absolute path, found {}, which is another file in another working directory; \
         name the whole path, or set trust.allow_relative_paths", path.display()
    )]
    RelativePath {
        /// The path.
        path: PathBuf,
    },
    /// Others can change the file, or put another in its place.
    #[error(
        "{}, or set trust.allow_writable_directories",
        writable(.path, .expected, .found)
    )]
    Writable {
        /// The file, its directory, or one above.
        path: PathBuf,
        /// The permissions without those of others to write.
        expected: u32,
        /// Its permissions.
        found: u32,
    },
    /// It belongs to somebody else, who can change it whatever its permissions are.
    #[error(
        "{}, or set trust.allow_writable_directories",
        foreign(.path, .expected, .found)
    )]
    ForeignOwner {
        /// The file, its directory, one above, or a link on the way.
        path: PathBuf,
        /// The number of the user who loads plugins.
        expected: u32,
        /// The number of its owner.
        found: u32,
    },
    /// A link to elsewhere.
    #[error(
        "a link out of its directory: expected a file in {}, found {}; put the file itself there, \
         or set trust.allow_outside_links", expected.display(), found.display()
    )]
    OutsideLink {
        /// The directory.
        expected: PathBuf,
        /// Where the link leads.
        found: PathBuf,
    },
    /// The lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Mode `locked` without a lock.
    #[error(
        "trust is 'locked', and there is no lock {}; write it with 'plugin-host install', or set \
         trust.lock", path.display()
    )]
    NoLock {
        /// The lock that is missing.
        path: PathBuf,
    },
    /// The lock does not have the plugin.
    #[error(
        "plugin '{plugin}' is not in {}; review it and add it with 'plugin-host install'",
        lock.display()
    )]
    NotLocked {
        /// The plugin.
        plugin: String,
        /// The lock.
        lock: PathBuf,
    },
    /// The lock has a file that is not there.
    #[error(
        "plugin '{plugin}' is in {} with the file {}, which is not there; install it again, or \
         'plugin-host remove' it", lock.display(), file.display()
    )]
    Missing {
        /// The plugin.
        plugin: String,
        /// The lock.
        lock: PathBuf,
        /// The file.
        file: PathBuf,
    },
    /// The file has another length than the locked one.
    #[error(
        "the file is not the one that was locked: expected {expected} bytes as {} has it, found \
         {found}; review the file and install it again", lock.display()
    )]
    Size {
        /// The lock.
        lock: PathBuf,
        /// The length in the lock.
        expected: u64,
        /// The file's length.
        found: u64,
    },
    /// The file has other bytes than the locked one.
    #[error(
        "the file is not the one that was locked: expected SHA-256 {expected} as {} has it, found \
         {found}; review the file and install it again", lock.display()
    )]
    Digest {
        /// The lock.
        lock: PathBuf,
        /// The digest in the lock.
        expected: String,
        /// The file's digest.
        found: String,
    },
    /// Mode `signed` without keys.
    #[error("trust is 'signed', and no key is listed; list public keys in trust.keys")]
    NoKeys,
    /// There is no signature.
    #[error(
        "expected a signature by {} in {} or in the lock, found none; have it signed",
        keys(.expected), path.display()
    )]
    Unsigned {
        /// The keys that count.
        expected: Vec<KeyId>,
        /// Where the signature would lie.
        path: PathBuf,
    },
    /// What should be a signature is none.
    #[error("{}: no minisign signature: {problem}; get it again", path.display())]
    Signature {
        /// The signature's file, or the lock.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A signature of a kind that is no longer made.
    #[error("the signature by key {key} is of an old kind: {problem}; sign the file again")]
    Legacy {
        /// The key.
        key: KeyId,
        /// What is wrong.
        problem: String,
    },
    /// A signature by somebody else.
    #[error(
        "signed by key {found}, expected {}; list the key in trust.keys if you trust it",
        keys(.expected)
    )]
    UnknownKey {
        /// The key, as the signature says.
        found: KeyId,
        /// The keys that count.
        expected: Vec<KeyId>,
    },
    /// The signature is not of these bytes.
    #[error(
        "the signature by key {key} is not of this file: one of the two was changed; get both again"
    )]
    Tampered {
        /// The key, as the signature says.
        key: KeyId,
    },
    /// The file's bytes cannot be copied to be checked.
    #[error("cannot be copied to be checked: {0}")]
    Read(#[source] io::Error),
}

impl TrustProblem {
    /// What is wrong with a place, and how to mend it, without the setting that allows it.
    pub(crate) fn of_place(&self) -> String {
        match self {
            Self::Writable {
                path,
                expected,
                found,
            } => writable(path, expected, found),
            Self::ForeignOwner {
                path,
                expected,
                found,
            } => foreign(path, expected, found),
            other => other.to_string(),
        }
    }
}

fn writable(path: &Path, expected: &u32, found: &u32) -> String {
    format!(
        "other users can write to {}: expected mode {expected:03o}, found {found:03o}; take their permission away",
        path.display()
    )
}

fn foreign(path: &Path, expected: &u32, found: &u32) -> String {
    format!(
        "{} belongs to user {found}, who can change it: expected user {expected} or root; have it belong to one of them",
        path.display()
    )
}

fn keys(keys: &[KeyId]) -> String {
    match keys {
        [] => "a listed key (none is)".to_owned(),
        [one] => format!("key {one}"),
        several => format!("one of the keys {}", join(several)),
    }
}
