//! `plugin-host pack`

use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

use datafusion_plugin_host::{
    PluginHost,
    artifact::{Artifact, ArtifactProblem, description::Description, pack, unpacked},
    config::Config,
    trust::TrustConfig,
};
use tempfile::NamedTempFile;

use crate::{
    child::{self, Told},
    cli::PackArgs,
    exit::{CliError, Exit},
};

pub(crate) fn run(args: &PackArgs) -> Result<Exit, CliError> {
    let file = &args.file;
    match Artifact::read(file) {
        // What is packed is to be replaced, be it damaged.
        Err(error) if !matches!(error.problem, ArtifactProblem::Description(_)) => {
            return Err(error.into());
        }
        _ => {}
    }
    let description = describe(file, args.time_limit.duration())?;
    pack(file, &description)?;
    Ok(Exit::Success)
}

/// Asks the plugin, in a process of its own.
fn describe(file: &Path, limit: Duration) -> Result<Description, CliError> {
    // A host refuses a plugin that differs from its description: ask one without.
    let copy = copy_unpacked(file)?;
    let asked = copy.as_ref().map_or(file, NamedTempFile::path);
    let mut told: Told<Result<Description, String>> =
        child::ask("child-describe", asked, &[], limit);
    let problem = match (told.end, told.answers.pop()) {
        (Ok(()), Some(Ok(description))) => return Ok(description),
        (Ok(()), Some(Err(problem))) => problem,
        (Ok(()), None) => "the process with the plugin gave no description".to_owned(),
        (Err(failure), _) => failure.to_string(),
    };
    Err(CliError::Child {
        path: file.to_owned(),
        problem,
    })
}

/// A copy without its description, beside the file so that it finds the libraries it needs;
/// `None` when the file has no description.
fn copy_unpacked(file: &Path) -> Result<Option<NamedTempFile>, CliError> {
    let Some(bytes) = unpacked(file)? else {
        return Ok(None);
    };
    let write = || -> io::Result<NamedTempFile> {
        let file = file.canonicalize()?;
        let mut copy = NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        copy.write_all(&bytes)?;
        Ok(copy)
    };
    write().map(Some).map_err(|source| CliError::Copy {
        path: file.to_owned(),
        source,
    })
}

/// In the child: activates the plugin and answers with its description.
pub(crate) fn child(file: &Path, out: &mut dyn Write) -> Result<Exit, CliError> {
    child::begin()?;
    child::step(out, "loading and activating")?;
    // What is packed is looked into, not used: its lock will have another digest afterwards.
    let config = Config::default().with_trust(TrustConfig::unchecked());
    let host = PluginHost::builder().plugin_file(file).config(config);
    let description = match host.load() {
        Ok(host) => match &*host.plugins() {
            [plugin] => {
                let (exports, types) = plugin.exports();
                Ok(Description::of(exports, types))
            }
            plugins => Err(format!("expected one plugin, found {}", plugins.len())),
        },
        Err(error) => Err(error.to_string()),
    };
    child::answer(out, description)?;
    child::done(out)?;
    Ok(Exit::Success)
}
