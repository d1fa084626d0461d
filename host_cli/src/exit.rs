//! How the command ends: exit codes and errors.

use std::{io, path::PathBuf, process::ExitCode};

use arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion_plugin_host::{
    HostError,
    artifact::{ArtifactError, PackError},
    config::ConfigError,
    trust::{LockError, StoreError, TrustProblem},
};
use thiserror::Error;

/// The exit codes of every subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All is well.
    Success = 0,
    /// What was asked for was done or read, and something is wrong with it.
    Failure = 1,
    /// Something could not be read, or is no plugin. Wrong usage ends so too.
    Unusable = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What keeps a subcommand from finishing.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error("{}: cannot be copied to activate it: {source}", path.display())]
    Copy { path: PathBuf, source: io::Error },
    #[error("{}: {problem}", path.display())]
    Untrusted {
        path: PathBuf,
        problem: Box<TrustProblem>,
    },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{}: {problem}", path.display())]
    Key { path: PathBuf, problem: String },
    #[error("{}: not packed, so what it exports is not known; 'plugin-host pack' it first", path.display())]
    Unpacked { path: PathBuf },
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    NoPlugins(String),
    #[error("{}: {problem}", path.display())]
    Child { path: PathBuf, problem: String },
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("{}: cannot be read: {source}", path.display())]
    Script { path: PathBuf, source: io::Error },
    #[error("cannot start threads: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Query(#[from] DataFusionError),
    #[error("cannot write the result: {0}")]
    Result(#[from] ArrowError),
}

impl CliError {
    /// The exit code that the error stands for.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Artifact(_)
            | Self::Pack(PackError::Artifact(_))
            | Self::Lock(_)
            | Self::Store(StoreError::Lock(_))
            | Self::NoPlugins(_)
            | Self::Unpacked { .. } => Exit::Unusable,
            _ => Exit::Failure,
        }
    }
}
