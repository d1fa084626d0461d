//! `plugins.lock`: the files that were reviewed.

use std::{
    collections::BTreeSet,
    fmt::{self, Display},
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Grant, Signature};
use crate::{artifact::open_regular, discover};

/// The name of a directory's lock.
pub const LOCK_FILE: &str = "plugins.lock";

/// The version of the lock's layout.
const VERSION: i64 = 1;
/// The longest lock that is read.
const MAX_LEN: u64 = 4 << 20;
const HEAD: &str = "# Written by 'plugin-host install' and 'remove'. Commit it, and review changes to it like code.\n";

/// A lock: which plugins were reviewed, by digest, and what each may do. It is text whose order depends on nothing but
/// what it says, made to be committed and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    path: PathBuf,
    /// By name.
    plugins: Vec<LockEntry>,
}

/// A plugin of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LockEntry {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name of its file, without directories.
    pub file: String,
    /// The digest of all the file's bytes, in 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The file's length in bytes.
    pub size: u64,
    /// The number of the key whose signature was verified when it was locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// What it may do, sorted: functions and tables that it has, and what was granted by name.
    pub capabilities: BTreeSet<Grant>,
    /// The text of its signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Why a lock cannot be used.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct LockError {
    /// The lock.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: LockProblem,
}

/// What is wrong with a lock.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LockProblem {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A directory, a pipe or a device.
    #[error("expected a lock, found {found}")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// Too long to be a lock.
    #[error("expected at most {MAX_LEN} bytes, found {found}")]
    TooLong {
        /// Its length.
        found: u64,
    },
    /// It has another layout.
    #[error("the lock has version {found}, expected {VERSION}; update the host")]
    Version {
        /// The version found.
        found: String,
    },
    /// Its text is no lock; the message names line and key.
    #[error("{0}")]
    Form(String),
    /// Something stands there twice.
    #[error("{what} '{found}' is there twice; keep the entry that was reviewed")]
    Duplicate {
        /// A name or a file.
        what: &'static str,
        /// Which.
        found: String,
    },
    /// An entry says what cannot be.
    #[error("plugin '{plugin}': expected {expected}, found '{found}'")]
    Entry {
        /// The plugin.
        plugin: String,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: i64,
    #[serde(default, rename = "plugin", skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<LockEntry>,
}

impl Lock {
    /// A lock without plugins, for a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            plugins: Vec::new(),
        }
    }

    /// Reads a lock; `None` when there is none.
    ///
    /// # Errors
    /// A [`LockError`] that names the file and what is wrong in it.
    pub fn read(path: impl AsRef<Path>) -> Result<Option<Self>, LockError> {
        let path = path.as_ref();
        let error = |problem| LockError {
            path: path.to_owned(),
            problem,
        };
        let opened = match open_regular(path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|e| error(e.into()))?,
        };
        let (file, len) = opened.map_err(|found| error(LockProblem::NotAFile { found }))?;
        // It may grow meanwhile.
        let mut text = String::new();
        let read = file.take(MAX_LEN + 1).read_to_string(&mut text);
        match read.map_err(|e| error(e.into()))? as u64 {
            read if read > MAX_LEN => Err(error(LockProblem::TooLong {
                found: len.max(read),
            })),
            _ => Self::parse(&text, path).map(Some),
        }
    }

    /// Reads the text of a lock; `path` is for messages.
    ///
    /// # Errors
    /// As [`Lock::read`].
    pub fn parse(text: &str, path: impl Into<PathBuf>) -> Result<Self, LockError> {
        let path = path.into();
        match parse(text) {
            Ok(plugins) => Ok(Self { path, plugins }),
            Err(problem) => Err(LockError { path, problem }),
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its plugins, by name.
    pub fn plugins(&self) -> &[LockEntry] {
        &self.plugins
    }

    /// A plugin by name.
    pub fn plugin(&self, name: &str) -> Option<&LockEntry> {
        self.plugins.iter().find(|entry| entry.name == name)
    }

    /// The plugin whose file has the name of this one.
    pub fn plugin_of_file(&self, path: &Path) -> Option<&LockEntry> {
        let name = path.file_name()?.to_str()?;
        self.plugins.iter().find(|entry| entry.file == name)
    }

    /// Puts a plugin in, in place of one of that name, which is returned.
    pub fn insert(&mut self, entry: LockEntry) -> Option<LockEntry> {
        let old = self.remove(&entry.name);
        let at = self
            .plugins
            .partition_point(|other| other.name < entry.name);
        self.plugins.insert(at, entry);
        old
    }

    /// Takes a plugin out.
    pub fn remove(&mut self, name: &str) -> Option<LockEntry> {
        let at = self.plugins.iter().position(|entry| entry.name == name)?;
        Some(self.plugins.remove(at))
    }
}

/// The text of a lock: the same for the same plugins.
impl Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = File {
            version: VERSION,
            plugins: self.plugins.clone(),
        };
        let text = toml::to_string_pretty(&file).map_err(|_| fmt::Error)?;
        f.write_str(HEAD)?;
        f.write_str(&text)
    }
}

impl LockEntry {
    /// An entry without a file, which [`super::Store::install`] gives it.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            file: String::new(),
            sha256: String::new(),
            size: 0,
            signer: None,
            capabilities: BTreeSet::new(),
            signature: None,
        }
    }

    /// Whether its version comes after another one; not if one of them is no semantic version.
    pub fn is_newer_than(&self, version: &str) -> bool {
        let parse = |version: &str| semver::Version::parse(version).ok();
        let both = parse(&self.version).zip(parse(version));
        both.is_some_and(|(own, other)| own.cmp_precedence(&other).is_gt())
    }

    /// Its signature, if it has one.
    pub(super) fn parsed_signature(&self) -> Option<Result<Signature, String>> {
        self.signature.as_deref().map(Signature::parse)
    }
}

fn parse(text: &str) -> Result<Vec<LockEntry>, LockProblem> {
    let form = |error: toml::de::Error| LockProblem::Form(error.to_string().trim_end().to_owned());
    // Another version may have other keys, so it is asked for first.
    let table: toml::Table = text.parse().map_err(form)?;
    match table.get("version") {
        Some(toml::Value::Integer(VERSION)) => {}
        found => {
            let found = found.map_or_else(|| "none".to_owned(), ToString::to_string);
            return Err(LockProblem::Version { found });
        }
    }
    let file: File = toml::from_str(text).map_err(form)?;
    let mut plugins = file.plugins;
    let (mut names, mut files) = (BTreeSet::new(), BTreeSet::new());
    for entry in &plugins {
        check(entry)?;
        for (what, set, found) in [
            ("plugin", &mut names, &entry.name),
            ("file", &mut files, &entry.file),
        ] {
            if !set.insert(found.clone()) {
                return Err(LockProblem::Duplicate {
                    what,
                    found: found.clone(),
                });
            }
        }
    }
    plugins.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(plugins)
}

fn check(entry: &LockEntry) -> Result<(), LockProblem> {
    let wrong = |expected, found: &str| {
        Err(LockProblem::Entry {
            plugin: entry.name.clone(),
            expected,
            found: found.to_owned(),
        })
    };
    let hexadecimal = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if entry.sha256.len() != 64 || !entry.sha256.bytes().all(hexadecimal) {
        return wrong("a SHA-256 of 64 hexadecimal digits", &entry.sha256);
    }
    // A name that is a path would lead out of the directory.
    let plain = Path::new(&entry.file).file_name() == Some(entry.file.as_ref());
    if !plain || entry.file.contains(['/', '\\']) {
        return wrong("the name of a file in the directory", &entry.file);
    }
    // What is removed with the plugin is nothing else of the directory, as the lock itself.
    if discover::extension(Path::new(&entry.file)).is_none() {
        return wrong("the name of a library (.so, .dylib or .dll)", &entry.file);
    }
    Ok(())
}

pub(super) fn join(values: &[impl Display]) -> String {
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    values.join(", ")
}

#[cfg(test)]
mod tests;
