//! Trust: which files may be loaded, told from where they lie, their digest or their signature, and
//! what a plugin may do.
//!
//! What was checked is what is loaded: a file that a lock or a signature vouches for is copied to where
//! nobody can change it, and checked and opened there.

mod examine;
mod grants;
mod key;
mod lock;
mod place;
mod problem;
mod snapshot;
mod store;

pub use self::{
    examine::{Checked, Examined, Trust, TrustBasis},
    grants::{Grant, Grants},
    key::{KeyId, KeyProblem, PublicKey, Signature, signature_path},
    lock::{LOCK_FILE, Lock, LockEntry, LockError, LockProblem},
    problem::TrustProblem,
    snapshot::Snapshot,
    store::{Step, Store, StoreError},
};

#[cfg(feature = "watch")]
pub(crate) use self::key::SIGNATURE_EXTENSION;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What must vouch for a file before it is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrustMode {
    /// A lock that has its digest.
    Locked,
    /// A signature by a listed key.
    Signed,
    /// Nothing but where it lies.
    Any,
}

impl fmt::Display for TrustMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "locked",
            Self::Signed => "signed",
            Self::Any => "any",
        })
    }
}

/// `[trust]` in `plugins.toml`: what must vouch for a file before it is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrustConfig {
    /// The mode. When absent, [`TrustMode::Locked`] for a directory with a lock; for one without,
    /// [`TrustMode::Signed`] where keys are listed, and [`TrustMode::Any`] where none are.
    pub mode: Option<TrustMode>,
    /// Whose signatures count.
    pub keys: Vec<PublicKey>,
    /// The lock for all directories; when absent, `plugins.lock` in each. A relative path is one from
    /// the configuration's own directory. What is read from a file or a text is absolute.
    pub lock: Option<PathBuf>,
    /// Take plugins by relative paths, which mean another file in another working directory.
    pub allow_relative_paths: bool,
    /// Take plugins from where other users can write.
    pub allow_writable_directories: bool,
    /// Take links that leave their directory.
    pub allow_outside_links: bool,
}

impl TrustConfig {
    /// Mode `any`, from anywhere: for a file that is to be looked into, not used.
    pub fn unchecked() -> Self {
        Self {
            mode: Some(TrustMode::Any),
            keys: Vec::new(),
            lock: None,
            allow_relative_paths: true,
            allow_writable_directories: true,
            allow_outside_links: true,
        }
    }
}

/// Whether nobody else can change a file that decides on plugins, or put another in its place.
///
/// # Errors
/// A path that cannot be followed, or the problem.
pub(crate) fn check_file(path: &Path) -> io::Result<Result<(), TrustProblem>> {
    place::check_owners(path, &TrustConfig::default())
}
