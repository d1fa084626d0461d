//! How the command ends: exit codes and errors.

use std::{io, process::ExitCode};

use datafusion_plugin_host::{config::ConfigError, discover::SearchFailure};
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
    Search(#[from] SearchFailure),
}

impl CliError {
    /// The exit code that the error stands for.
    pub(crate) fn exit(&self) -> Exit {
        Exit::Failure
    }
}
