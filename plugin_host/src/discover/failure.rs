//! What came of a search, and how it fails.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::Origin;

/// A path of a search and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The path.
    pub path: PathBuf,
    /// Who named it.
    pub origin: Origin,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of looking at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was read and yielded so many candidates.
    Candidates(usize),
    /// It is not there, and need not be.
    Missing,
    /// It could not be read, or loading from it failed; why.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Candidates(0) => f.write_str("no library there"),
            Self::Candidates(1) => f.write_str("1 library"),
            Self::Candidates(count) => write!(f, "{count} libraries"),
            Self::Missing => f.write_str("does not exist"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// A search that failed, with every path tried.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct SearchFailure {
    /// Every path tried, in order.
    pub attempts: Vec<Attempt>,
}

impl fmt::Display for SearchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("plugins could not be loaded; tried, in this order:")?;
        for attempt in &self.attempts {
            let mark = match attempt.outcome {
                Outcome::Failed(_) => "failed: ",
                _ => "",
            };
            let (path, origin) = (attempt.path.display(), attempt.origin);
            write!(f, "\n  {path} ({origin}): {mark}{}", attempt.outcome)?;
        }
        Ok(())
    }
}

/// Two files with plugins of one name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "plugin '{name}' is there twice: {} and {}; remove one, or disable the name",
    first.display(),
    second.display()
)]
pub struct DuplicateName {
    /// The name.
    pub name: String,
    /// The file found first.
    pub first: PathBuf,
    /// The file found later.
    pub second: PathBuf,
}

/// Makes sure that every plugin name stands for one file.
///
/// # Errors
/// The first name that appears twice, with both files.
pub fn check_unique_names<'a>(
    plugins: impl IntoIterator<Item = (&'a str, &'a Path)>,
) -> Result<(), DuplicateName> {
    let mut files = HashMap::new();
    for (name, file) in plugins {
        if let Some(first) = files.insert(name, file) {
            return Err(DuplicateName {
                name: name.to_owned(),
                first: first.to_owned(),
                second: file.to_owned(),
            });
        }
    }
    Ok(())
}
