//! Arguments of the commands about trust.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use datafusion_plugin_host::{
    config::Config,
    discover::Surroundings,
    trust::{Grant, PublicKey, TrustMode},
};

use super::ConfigFile;
use crate::exit::CliError;

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Review plugins, copy them into a directory and put them into its plugins.lock
    ///
    /// Shows what each says of itself and what it asks to be granted, and asks whether to go on. Whatever
    /// ends it, directory and lock fit together. Exit status: 0 when all are installed, 1 when
    /// one is not, 2 when a file, a directory or the lock cannot be read, or has no plugin.
    Install(InstallArgs),
    /// Take a plugin out of a directory and its plugins.lock
    ///
    /// Exit status: 0 when it is gone, 1 when it is not in the lock or cannot be removed, 2 when the lock cannot be read.
    Remove(RemoveArgs),
    /// Compare a directory with its plugins.lock
    ///
    /// Exit status: 0 when each has what the other has, 1 when something differs, 2 when the lock is missing or
    /// cannot be read.
    Verify(VerifyArgs),
    /// Make a minisign key pair
    ///
    /// No file is replaced. Exit status: 0 when both are written, 1 otherwise.
    Keygen(KeygenArgs),
    /// Sign a plugin; the signature is written beside it, .minisig behind its name
    ///
    /// Pack first: packing changes the file. Exit status: 0 when the signature is written, 1 otherwise, 2 when the
    /// file is no plugin.
    Sign(SignArgs),
    /// Tell what changed between two packed plugins
    ///
    /// Exit status: 0 when whatever a query could rely on is still there, 1 when something of it is gone, 2
    /// when a file cannot be read, is no plugin or is not packed.
    Diff(DiffArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// Plugin libraries, or directories of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Install here; the user's directory of plugins when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Do not ask; grant a new plugin all that it asks for, and a new version what the old one has, unless --grant names what to grant
    #[arg(long)]
    pub(crate) yes: bool,
    /// Grant this beyond functions and tables, and nothing that is not named so; may be given more than once
    #[arg(long = "grant", value_name = "NAME", value_parser = grant)]
    pub(crate) grants: Vec<Grant>,
    #[command(flatten)]
    pub(crate) keys: Keys,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The plugin's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Remove it from here; the user's directory of plugins when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

impl RemoveArgs {
    /// The configuration; the default when no file is named.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        self.config.read()
    }
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The directory; the user's directory of plugins when absent
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Compare with this lock instead of that of the configuration or the directory's own
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keys: Keys,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Write the secret key here
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_key: PathBuf,
    /// Write the public key here
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: PathBuf,
    /// Do not ask for a password: whoever reads the secret key can sign
    #[arg(long)]
    pub(crate) no_password: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The plugin library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The secret key
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The packed library that queries were written for
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The packed library that is to take its place
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose signatures count.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// A public key whose signatures count, one of which there must be; may be given more than once
    #[arg(long = "key", value_name = "KEY", value_parser = PublicKey::parse)]
    keys: Vec<PublicKey>,
    #[command(flatten)]
    config: ConfigFile,
}

impl Keys {
    /// The configuration, with the keys among its own.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        let mut config = self.config.read()?;
        config.trust.keys.extend(self.keys.iter().cloned());
        Ok(config)
    }

    /// Whether what is installed must be signed: whoever names keys wants them to count, unless the configuration has
    /// both keys and a mode that does without.
    pub(crate) fn require_signatures(&self, config: &Config) -> bool {
        match config.trust.mode {
            Some(mode) => mode == TrustMode::Signed || !self.keys.is_empty(),
            None => !config.trust.keys.is_empty(),
        }
    }
}

fn grant(name: &str) -> Result<Grant, String> {
    Grant::from_name(name).ok_or_else(|| "no capability that this host knows".to_owned())
}

/// The directory that is named, or the user's.
pub(crate) fn directory(named: Option<&PathBuf>) -> Result<PathBuf, CliError> {
    let directory = named.cloned().or_else(|| Surroundings::current().user);
    directory.ok_or_else(|| {
        CliError::Refused(
            "there is no user's directory of plugins here; name a directory".to_owned(),
        )
    })
}
