//! The command line.

mod ordered;
mod trust;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use datafusion_plugin_host::{
    config::Config,
    discover::{SearchPath, Surroundings},
};

pub(crate) use self::{
    ordered::{Named, NamedPaths, Source, Statements},
    trust::{
        DiffArgs, InstallArgs, KeygenArgs, RemoveArgs, SignArgs, TrustCommand, VerifyArgs,
        directory,
    },
};
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
    /// Add the description of everything that a plugin exports to its library
    ///
    /// The plugin is activated in a process of its own to ask it. The file is replaced in one
    /// step; packing again changes nothing. Exit status: 0 when the file has its description,
    /// 1 when the plugin cannot be activated here, 2 when the file is no plugin.
    Pack(PackArgs),
    /// Load a plugin in a process of its own and call every function
    ///
    /// Exports are compared with the manifest; every function is called with empty, null and
    /// one-row input. A function that takes the process down or does not return is named, with the
    /// signal, and the others are still called. Exit status: 0 when nothing was found, 1 when
    /// something was, a crash among it, 2 when the file is no plugin.
    Check(CheckArgs),
    /// Run SQL with plugins installed
    ///
    /// Statements share a session; files can be queried by path: FROM 'x.parquet'. Results go to
    /// stdout, everything else to stderr. Exit status: 0, or 1 after an error.
    Sql(SqlArgs),
    #[command(flatten)]
    Trust(TrustCommand),
    /// Describe a plugin to the process that started this one
    #[command(hide = true)]
    ChildDescribe(FileArgs),
    /// Check a plugin for the process that started this one
    #[command(hide = true)]
    ChildCheck(ChildCheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The plugin library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// How long a process with a plugin may take.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct TimeLimit {
    /// How long one step may take: the activation, or a call
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: u64,
}

impl TimeLimit {
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.time_limit)
    }
}

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The plugin library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) time_limit: TimeLimit,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The plugin library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) time_limit: TimeLimit,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChildCheckArgs {
    /// The plugin library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// How many functions an earlier child has begun with
    #[arg(long, default_value_t = 0)]
    pub(crate) skip: usize,
}

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) statements: Statements,
    /// How results are written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// The user that policies are told sends the statements
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A role of the user; may be given more than once
    #[arg(long = "role", value_name = "NAME")]
    pub(crate) roles: Vec<String>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// Comma-separated values with a header
    Csv,
    /// One array of objects per statement
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Plugin libraries, or directories of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Show every function with its whole signature
    #[arg(long)]
    pub(crate) full: bool,
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
    #[command(flatten)]
    config: ConfigFile,
}

impl Selection {
    /// The named paths in the order given, then the standard ones.
    pub(crate) fn search_path(&self) -> SearchPath {
        let standard = SearchPath::standard(&Surroundings::current());
        self.named
            .0
            .iter()
            .fold(standard, |search, named| match named {
                Named::File(path) => search.with_file(absolute(path)),
                Named::Dir(path) => search.with_dir(absolute(path)),
            })
    }

    /// The configuration; the default when no file is named.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        self.config.read()
    }
}

/// The configuration.
#[derive(Debug, Args)]
struct ConfigFile {
    /// What is decided about plugins and whom to trust, as TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take the configuration although other users can change it
    #[arg(long, requires = "config")]
    allow_writable_config: bool,
}

impl ConfigFile {
    /// The default when no file is named.
    fn read(&self) -> Result<Config, CliError> {
        Ok(match &self.config {
            Some(path) if self.allow_writable_config => Config::read_unchecked(path)?,
            Some(path) => Config::read(path)?,
            None => Config::default(),
        })
    }
}

/// A path as whoever typed it means it: from the directory that the command was started in.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
