//! `plugin-host verify`

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use datafusion_plugin_host::{
    config::Config,
    discover::{Candidate, Origin, SearchPath},
    trust::{
        Examined, Grant, Lock, LockEntry, PublicKey, Signature, Snapshot, Trust, TrustMode,
        TrustProblem, signature_path,
    },
};
use serde::Serialize;

use crate::{
    cli::{self, VerifyArgs, absolute},
    exit::{CliError, Exit},
    output::{self, clean},
    trust::lock_path,
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
    let config = args.keys.config()?;
    let path = args.lock.as_deref().map(absolute);
    let path = path.unwrap_or_else(|| lock_path(&directory, &config));
    let Some(lock) = Lock::read(&path)? else {
        let problem = Box::new(TrustProblem::NoLock { path });
        writeln!(out, "{}", clean(&problem.to_string()))?;
        return Ok(Exit::Unusable);
    };
    let mut trust = config.trust;
    let signed = trust.mode == Some(TrustMode::Signed);
    trust.mode = Some(TrustMode::Locked);
    trust.lock = Some(path.clone());
    // Without what is decided about single plugins: a disabled one is verified too.
    let own = Config::default().with_trust(trust);
    let expected = Expected {
        directory: &directory,
        lock: &lock,
        keys: &own.trust.keys,
        signed,
    };
    let mut trust = Trust::new(&own);
    let entries = lock.plugins().iter();
    let plugins: Vec<_> = entries
        .map(|entry| expected.verify(entry, &mut trust))
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

/// What a directory should be.
struct Expected<'a> {
    directory: &'a Path,
    lock: &'a Lock,
    /// Whose signatures count.
    keys: &'a [PublicKey],
    /// Whether a host asks for signatures.
    signed: bool,
}

impl Expected<'_> {
    fn verify(&self, entry: &LockEntry, trust: &mut Trust<'_>) -> Verified {
        Verified {
            name: entry.name.clone(),
            version: entry.version.clone(),
            file: entry.file.clone(),
            signer: entry.signer.clone(),
            problems: self.problems(entry, trust),
        }
    }

    /// What the lock says of a plugin and the directory does not bear out.
    fn problems(&self, entry: &LockEntry, trust: &mut Trust<'_>) -> Vec<String> {
        let path = self.directory.join(&entry.file);
        if !path.exists() {
            let missing = TrustProblem::Missing {
                plugin: entry.name.clone(),
                lock: self.lock.path().to_owned(),
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
        problems.extend(self.signature_problem(entry, &path));
        problems
    }

    /// With keys, each plugin must be signed by one of them, beside its file or in the lock.
    fn signature_problem(&self, entry: &LockEntry, file: &Path) -> Option<String> {
        if self.keys.is_empty() {
            return self.signed.then(|| TrustProblem::NoKeys.to_string());
        }
        let verified = || -> Result<(), String> {
            let text = |problem: TrustProblem| problem.to_string();
            let beside = Signature::beside(file).map_err(text)?;
            if beside.is_none() && entry.signature.is_none() {
                return Err(match &entry.signer {
                    Some(signer) => format!(
                        "the lock names the signer {signer}, and has no signature to verify"
                    ),
                    None => text(TrustProblem::Unsigned {
                        expected: self.keys.iter().map(PublicKey::id).collect(),
                        path: signature_path(file),
                    }),
                });
            }
            // A host takes the one beside the file first; the lock must tell the truth all the same.
            if let Some(signature) = beside {
                self.signer(&signature, file)?;
            }
            let Some(locked) = &entry.signature else {
                return Ok(());
            };
            let locked = Signature::parse(locked).map_err(|problem| {
                let path = self.lock.path().to_owned();
                text(TrustProblem::Signature { path, problem })
            })?;
            let signer = self.signer(&locked, file)?;
            match entry.signer.as_deref() {
                Some(named) if named == signer => Ok(()),
                named => Err(format!(
                    "the lock names the signer {}, the signature is by {signer}",
                    named.unwrap_or("none")
                )),
            }
        };
        verified().err()
    }

    fn signer(&self, signature: &Signature, file: &Path) -> Result<String, String> {
        let content = Snapshot::of(file).map_err(|error| error.to_string())?;
        let content = content.reader().map_err(|error| error.to_string())?;
        let signer = signature.verify(self.keys, content);
        let signer = signer.map_err(|problem| problem.to_string())?;
        Ok(signer.to_string())
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
