//! `plugin-host verify`

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use datafusion_plugin_host::{
    config::Config,
    discover::{Candidate, Origin, SearchPath},
    trust::{
        Examined, Grant, LOCK_FILE, Lock, LockEntry, Signature, Snapshot, Trust, TrustMode,
        TrustProblem,
    },
};
use serde::Serialize;

use crate::{
    cli::{self, VerifyArgs, absolute},
    exit::{CliError, Exit},
    output::{self, clean},
};

/// How a directory and a lock compare.
#[derive(Serialize)]
struct Report {
    directory: PathBuf,
    lock: PathBuf,
    /// Whether each has what the other has.
    ok: bool,
    /// What the lock has.
    plugins: Vec<Verified>,
    /// Libraries that the lock does not have.
    unlisted: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Verified {
    name: String,
    version: String,
    file: String,
    signer: Option<String>,
    /// What is wrong.
    problems: Vec<String>,
}

pub(crate) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let directory = absolute(&cli::directory(args.directory.as_ref())?);
    let path = args.lock.as_deref().map(absolute);
    let path = path.unwrap_or_else(|| directory.join(LOCK_FILE));
    let Some(lock) = Lock::read(&path)? else {
        let problem = Box::new(TrustProblem::NoLock { path });
        writeln!(out, "{}", clean(&problem.to_string()))?;
        return Ok(Exit::Unusable);
    };
    let config = args.keys.config()?;
    let mut trust = config.trust;
    trust.mode = Some(TrustMode::Locked);
    trust.lock = Some(path.clone());
    // Without what is decided about single plugins: a disabled one is verified too.
    let own = Config::default().with_trust(trust);
    let mut trust = Trust::new(&own);
    let entries = lock.plugins().iter();
    let plugins: Vec<_> = entries
        .map(|entry| verify(entry, &directory, &lock, &own, &mut trust))
        .collect();
    let found = SearchPath::new().with_dir(&directory).find().complete();
    let found = found.map_err(datafusion_plugin_host::HostError::from)?;
    let unlisted: Vec<_> = found
        .candidates
        .into_iter()
        .map(|candidate| candidate.path)
        .filter(|path| lock.plugin_of_file(path).is_none())
        .collect();
    let ok = unlisted.is_empty() && plugins.iter().all(|plugin| plugin.problems.is_empty());
    let report = Report {
        directory,
        lock: path,
        ok,
        plugins,
        unlisted,
    };
    if args.json {
        output::json(out, &report)?;
    } else {
        report.write(out)?;
    }
    Ok(if ok { Exit::Success } else { Exit::Failure })
}

fn verify(
    entry: &LockEntry,
    directory: &Path,
    lock: &Lock,
    config: &Config,
    trust: &mut Trust<'_>,
) -> Verified {
    Verified {
        name: entry.name.clone(),
        version: entry.version.clone(),
        file: entry.file.clone(),
        signer: entry.signer.clone(),
        problems: problems(entry, directory, lock, config, trust),
    }
}

/// What the lock says of a plugin and the directory does not bear out.
fn problems(
    entry: &LockEntry,
    directory: &Path,
    lock: &Lock,
    config: &Config,
    trust: &mut Trust<'_>,
) -> Vec<String> {
    let path = directory.join(&entry.file);
    if !path.exists() {
        let missing = TrustProblem::Missing {
            plugin: entry.name.clone(),
            lock: lock.path().to_owned(),
            file: path,
        };
        return vec![missing.to_string()];
    }
    let candidate = Candidate {
        path: path.clone(),
        origin: Origin::PluginFile,
    };
    let checked = match trust.examine(&candidate) {
        Ok(Examined::Plugin(checked)) => checked,
        Ok(Examined::PassedOver(reason) | Examined::NotLocked(reason)) => return vec![reason],
        Err(problem) => return vec![problem.to_string()],
    };
    let mut problems = Vec::new();
    let manifest = checked.artifact().manifest();
    for (what, expected, found) in [
        ("name", &entry.name, &manifest.name),
        ("version", &entry.version, &manifest.version),
    ] {
        if expected != found {
            problems.push(format!(
                "{what}: the lock has '{expected}', the file '{found}'"
            ));
        }
    }
    for grant in &entry.capabilities {
        let declares = manifest.capabilities.iter();
        let declared = declares
            .map(|capability| capability.kind.name())
            .any(|kind| kind == grant.name());
        if !declared && *grant != Grant::ReplaceBuiltins {
            problems.push(format!(
                "the lock grants '{grant}', which the plugin does not declare"
            ));
        }
    }
    problems.extend(signature_problem(entry, &path, lock, config));
    problems
}

/// With keys, whatever is signed must be signed by one of them.
fn signature_problem(
    entry: &LockEntry,
    file: &Path,
    lock: &Lock,
    config: &Config,
) -> Option<String> {
    let keys = &config.trust.keys;
    if keys.is_empty() {
        return None;
    }
    let Some(text) = &entry.signature else {
        return entry.signer.as_ref().map(|signer| {
            format!("the lock names the signer {signer}, and has no signature to verify")
        });
    };
    let signature = match Signature::parse(text) {
        Ok(signature) => signature,
        Err(problem) => {
            let path = lock.path().to_owned();
            return Some(TrustProblem::Signature { path, problem }.to_string());
        }
    };
    let content = match Snapshot::of(file).map(|snapshot| snapshot.reader()) {
        Ok(Ok(content)) => content,
        Ok(Err(error)) => return Some(error.to_string()),
        Err(error) => return Some(error.to_string()),
    };
    match signature.verify(keys, content) {
        Err(problem) => Some(problem.to_string()),
        Ok(signer) if entry.signer.as_deref() != Some(&signer.to_string()) => Some(format!(
            "the lock names the signer {}, the signature is by {signer}",
            entry.signer.as_deref().unwrap_or("none")
        )),
        Ok(_) => None,
    }
}

impl Report {
    /// Writes it for people.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let line = |out: &mut dyn Write, text: String| writeln!(out, "{}", clean(&text));
        let (directory, lock) = (self.directory.display(), self.lock.display());
        line(out, format!("{directory} with {lock}"))?;
        for plugin in &self.plugins {
            let verdict = if plugin.problems.is_empty() {
                "ok"
            } else {
                "differs"
            };
            let Verified {
                name,
                version,
                file,
                ..
            } = plugin;
            line(out, format!("  {name} {version}  ({file}): {verdict}"))?;
            for problem in &plugin.problems {
                line(out, format!("    - {problem}"))?;
            }
        }
        for path in &self.unlisted {
            line(out, format!("  {}: not in the lock", path.display()))?;
        }
        let verdict = if self.ok {
            "directory and lock are the same"
        } else {
            "directory and lock differ"
        };
        writeln!(out, "{verdict}")
    }
}
