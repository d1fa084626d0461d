//! Why plugins could not be loaded.

use std::{fmt, path::PathBuf};

use datafusion_plugin_api::abi::CallError;
use thiserror::Error;

use crate::{
    artifact::ArtifactError,
    discover::{DuplicateName, SearchFailure},
    judge::Refusal,
    load::LoadError,
    trust::TrustProblem,
};

/// Why a host has no plugins. Nothing is installed then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// A path of the search is missing or cannot be read.
    #[error(transparent)]
    Search(#[from] SearchFailure),
    /// Two files hold plugins of one name.
    #[error(transparent)]
    DuplicateName(#[from] DuplicateName),
    /// Files could not be loaded.
    #[error("{0}")]
    Load(LoadFailures),
    /// The policies of a plugin that is linked in could not be taken.
    #[error("plugin '{plugin}', linked in: {source}")]
    LinkedIn {
        /// The plugin's name.
        plugin: String,
        /// Its error.
        source: CallError,
    },
}

/// Every file that was tried and why it failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoadFailures {
    /// The failures, in the order of the search.
    pub failures: Vec<LoadFailure>,
    /// How many other files could be loaded, and are not used either.
    pub others: usize,
}

impl fmt::Display for LoadFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.failures.len() + self.others;
        write!(
            f,
            "{} of {total} plugins cannot be loaded:",
            self.failures.len()
        )?;
        for failure in &self.failures {
            write!(f, "\n  {}: {}", failure.path.display(), failure.problem)?;
        }
        Ok(())
    }
}

/// A file that could not be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoadFailure {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub problem: LoadProblem,
}

/// Why a file could not be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// Its bytes are no plugin.
    #[error("{}", .0.problem)]
    Artifact(ArtifactError),
    /// Nothing vouches for it, or it lies where it should not.
    #[error(transparent)]
    Trust(#[from] TrustProblem),
    /// Its manifest asks for what this host is not.
    #[error("plugin '{plugin}' is refused: {}", join(.reasons))]
    Refused {
        /// The plugin's name.
        plugin: String,
        /// Every reason.
        reasons: Vec<Refusal>,
    },
    /// The system or the layout check refused the library.
    #[error("plugin '{plugin}': {source}")]
    Open {
        /// The plugin's name.
        plugin: String,
        /// The reason.
        source: LoadError,
    },
    /// Loading and activating it took longer than the configuration lets it.
    #[error("plugin '{plugin}': loading and activating: {problem}")]
    NoAnswer {
        /// The plugin's name.
        plugin: String,
        /// The limit.
        problem: String,
    },
    /// Its activation failed.
    #[error("activation failed: {0}")]
    Activate(CallError),
    /// It exports something else than its manifest declares.
    #[error("plugin '{plugin}' {problem}")]
    Undeclared {
        /// The plugin's name.
        plugin: String,
        /// What differs, with expected and found.
        problem: String,
    },
}

fn join(reasons: &[Refusal]) -> String {
    reasons
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
