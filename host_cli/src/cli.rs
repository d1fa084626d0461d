//! The command line.

mod ordered;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use datafusion_plugin_host::{
    config::Config,
    discover::{SearchPath, Surroundings},
};

pub(crate) use self::ordered::{Named, NamedPaths};
use crate::exit::CliError;

/// Inspects, packs, lists, checks and runs DataFusion plugins.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell what plugins say of themselves, without running them
    ///
    /// Exit status: 0 when all can be loaded here, 1 when some can be read but not loaded here,
    /// 2 when something cannot be read or is no plugin.
    Inspect(InspectArgs),
    /// Tell which plugins would be loaded, in which order, and what is passed over
    ///
    /// Exit status: 0 when every library found would be loaded, 1 otherwise.
    List(ListArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Plugin libraries, or directories of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which plugins.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    #[command(flatten)]
    pub(crate) named: NamedPaths,
    /// What is decided about the plugins, as TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Selection {
    /// The named paths in the order given, then the standard ones.
    pub(crate) fn search_path(&self) -> SearchPath {
        let standard = SearchPath::standard(&Surroundings::current());
        self.named
            .0
            .iter()
            .fold(standard, |search, named| match named {
                Named::File(path) => search.with_file(path),
                Named::Dir(path) => search.with_dir(path),
            })
    }

    /// The configuration; the default when no file is named.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        Ok(match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        })
    }
}
