//! Where plugins are looked for, and in which order.
//!
//! Files and directories that are named come first, in the order given; then those of
//! [`PATH_VARIABLE`], the user's data directory and the system's directories. In a directory,
//! every file with the platform's extension of libraries is a candidate, by file name.

mod failure;
mod surroundings;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    ffi::OsStr,
    fmt, fs, io,
    path::{Path, PathBuf},
};

pub use self::{
    failure::{Attempt, DuplicateName, Outcome, SearchFailure, check_unique_names},
    surroundings::{PATH_VARIABLE, Surroundings},
};

/// The platforms' extensions of libraries.
const EXTENSIONS: [&str; 3] = ["so", "dylib", "dll"];

/// Who names a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A file given by name.
    PluginFile,
    /// A directory given by name.
    PluginDir,
    /// The environment variable.
    Environment,
    /// The user's data directory.
    UserData,
    /// A directory of the system.
    System,
}

impl Origin {
    /// Whether nobody named the path, so that it may be missing.
    fn is_default(self) -> bool {
        matches!(self, Self::UserData | Self::System)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PluginFile => "plugin file",
            Self::PluginDir => "plugin directory",
            Self::Environment => PATH_VARIABLE,
            Self::UserData => "user data directory",
            Self::System => "system directory",
        })
    }
}

/// The paths to look for plugins, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath {
    named: Vec<(Origin, PathBuf)>,
    others: Vec<(Origin, PathBuf)>,
}

impl SearchPath {
    /// No paths.
    pub fn new() -> Self {
        Self::default()
    }

    /// The paths of the environment variable, the user and the system.
    pub fn standard(surroundings: &Surroundings) -> Self {
        Self {
            named: Vec::new(),
            others: surroundings.paths(),
        }
    }

    /// Adds a file, before the paths that are not named and after those that are.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.named.push((Origin::PluginFile, path.into()));
        self
    }

    /// Adds a directory, placed as [`SearchPath::with_file`] does.
    #[must_use]
    pub fn with_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.named.push((Origin::PluginDir, path.into()));
        self
    }

    /// The paths in the order in which they are looked at.
    pub fn paths(&self) -> impl Iterator<Item = (Origin, &Path)> {
        let paths = self.named.iter().chain(&self.others);
        paths.map(|(origin, path)| (*origin, path.as_path()))
    }

    /// Looks at every path. Reads directories, but no plugin.
    pub fn find(&self) -> Found {
        let mut search = Search::default();
        for (origin, path) in self.paths() {
            let outcome = match search.look_at(origin, path) {
                Ok(candidates) => Outcome::Candidates(candidates),
                Err(error) if error.kind() == io::ErrorKind::NotFound && origin.is_default() => {
                    Outcome::Missing
                }
                Err(error) => Outcome::Failed(error.to_string()),
            };
            search.found.tried.push(Attempt {
                path: path.to_owned(),
                origin,
                outcome,
            });
        }
        search.found
    }
}

/// A file that may be a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The file.
    pub path: PathBuf,
    /// Who named it or its directory.
    pub origin: Origin,
}

/// A file that was not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The file.
    pub path: PathBuf,
    /// Who named it or its directory.
    pub origin: Origin,
    /// Why.
    pub reason: PassedOverReason,
}

/// Why a file was not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassedOverReason {
    /// Its extension is that of another platform's libraries.
    OtherPlatform,
    /// It is the same file as an earlier candidate.
    SameFile(PathBuf),
}

impl fmt::Display for PassedOverReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPlatform => write!(
                f,
                "for another platform: libraries here end in '.{}'",
                std::env::consts::DLL_EXTENSION
            ),
            Self::SameFile(path) => write!(f, "the same file as {}", path.display()),
        }
    }
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Files that may be plugins, in order, none twice.
    pub candidates: Vec<Candidate>,
    /// Files that were not looked into. Files that look like no library are not listed.
    pub passed_over: Vec<PassedOver>,
    /// Every path of the search and what came of it.
    pub tried: Vec<Attempt>,
}

impl Found {
    /// The candidates, when no path of the search failed.
    ///
    /// # Errors
    /// A [`SearchFailure`] with every path tried, when one that somebody named is missing or
    /// one cannot be read.
    pub fn complete(self) -> Result<Self, SearchFailure> {
        let failed = |attempt: &Attempt| matches!(attempt.outcome, Outcome::Failed(_));
        if self.tried.iter().any(failed) {
            return Err(SearchFailure {
                attempts: self.tried,
            });
        }
        Ok(self)
    }
}

#[derive(Default)]
struct Search {
    found: Found,
    /// Canonical path to the candidate's path.
    seen: HashMap<PathBuf, PathBuf>,
}

impl Search {
    /// How many candidates a path yields.
    fn look_at(&mut self, origin: Origin, path: &Path) -> io::Result<usize> {
        let is_dir = fs::metadata(path)?.is_dir();
        if origin == Origin::PluginFile || (origin == Origin::Environment && !is_dir) {
            if is_dir {
                return Err(io::Error::other("expected a file, found a directory"));
            }
            return Ok(self.add(origin, path.to_owned()));
        }
        let mut files = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        files.sort();
        let mut count = 0;
        for file in files {
            match extension(&file) {
                // A link that leads nowhere is a candidate, so that it is reported.
                Some(std::env::consts::DLL_EXTENSION) if !file.is_dir() => {
                    count += self.add(origin, file);
                }
                Some(_) if file.is_file() => self.found.passed_over.push(PassedOver {
                    path: file,
                    origin,
                    reason: PassedOverReason::OtherPlatform,
                }),
                _ => {}
            }
        }
        Ok(count)
    }

    /// 1 when the file is new, 0 when it is there already.
    fn add(&mut self, origin: Origin, path: PathBuf) -> usize {
        let canonical = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if let Some(first) = self.seen.get(&canonical) {
            self.found.passed_over.push(PassedOver {
                path,
                origin,
                reason: PassedOverReason::SameFile(first.clone()),
            });
            return 0;
        }
        self.seen.insert(canonical, path.clone());
        self.found.candidates.push(Candidate { path, origin });
        1
    }
}

/// The extension, if it is one of libraries.
pub(crate) fn extension(path: &Path) -> Option<&'static str> {
    let found = path.extension().and_then(OsStr::to_str)?;
    EXTENSIONS.into_iter().find(|known| *known == found)
}
