//! `plugin-host install`

use std::{
    collections::BTreeSet,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
};

use datafusion_plugin_host::{
    artifact::{Artifact, ArtifactError, ArtifactProblem},
    config::Config,
    discover::{Candidate, Origin, SearchPath, check_unique_names},
    judge::JudgeOptions,
    trust::{Grant, Lock, LockEntry, Signature, Snapshot, Trust, TrustProblem},
};

use crate::{
    cli::{self, InstallArgs, absolute},
    exit::{CliError, Exit},
    output::{Output, WIDTH, clean, wrapped},
    report::Report,
    trust,
};

/// What changes nothing in a process that has loaded the plugins.
pub(crate) const RUNNING: &str =
    "running applications go on with what they have until they reload or start anew";

/// A plugin that may be installed.
struct Reviewed {
    snapshot: Snapshot,
    entry: LockEntry,
    /// What the lock has of it.
    old: Option<LockEntry>,
    /// What it asks for beyond functions and tables.
    asks: BTreeSet<Grant>,
    report: Report,
}

pub(crate) fn run(args: &InstallArgs, out: &mut Output) -> Result<Exit, CliError> {
    let config = args.keys.config()?;
    let signed = args.keys.require_signatures(&config);
    let directory = absolute(&cli::directory(args.to.as_ref())?);
    let known = Lock::read(trust::lock_path(&directory, &config))?;
    let mut plugins = Vec::new();
    for file in files(&args.paths)? {
        plugins.push(review(&file, &config, signed, known.as_ref())?);
    }
    one_file_of_each(&plugins)?;
    let place = Trust::new(&config).check_directory(&directory);
    place.map_err(|problem| CliError::Untrusted {
        path: directory.clone(),
        problem: Box::new(problem),
    })?;
    let mut exit = Exit::Success;
    for plugin in &mut plugins {
        plugin.show(out)?;
        if !plugin.report.loadable {
            exit = Exit::Failure;
        }
        plugin.grant(args)?;
    }
    if exit != Exit::Success {
        writeln!(out, "nothing is installed")?;
        return Ok(exit);
    }
    for plugin in &mut plugins {
        if !args.yes && !plugin.agreed(args, out)? {
            writeln!(out, "nothing is installed")?;
            return Ok(Exit::Failure);
        }
        let withheld = plugin.withheld();
        if !withheld.is_empty() {
            let (name, withheld) = (&plugin.entry.name, names(&withheld));
            writeln!(
                out,
                "not granted to {name}: {withheld}; name all that it is to have with --grant"
            )?;
        }
    }
    let store = trust::store(&directory, &config)?;
    let now = store.lock()?;
    for plugin in &plugins {
        let name = &plugin.entry.name;
        if now.plugin(name) != plugin.old.as_ref() {
            return Err(CliError::Refused(format!(
                "plugin '{name}' was changed in {} meanwhile; review it again",
                now.path().display()
            )));
        }
    }
    let replaced = plugins.iter().any(|plugin| plugin.old.is_some());
    for plugin in plugins {
        let (name, version) = (plugin.entry.name.clone(), clean(&plugin.entry.version));
        let lock = store.install(&plugin.snapshot, plugin.entry, &mut |_| {})?;
        let file = lock
            .plugin(&name)
            .map(|entry| store.directory().join(&entry.file));
        let file = file.unwrap_or_default();
        writeln!(
            out,
            "installed {name} {version}  ({})",
            clean(&file.display().to_string())
        )?;
        would_load(&file, &config)?;
    }
    if replaced {
        writeln!(out, "{RUNNING}")?;
    }
    Ok(Exit::Success)
}

/// The files, and the plugins among the files of the directories.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = SearchPath::new().with_dir(path).find().complete();
        let found = found.map_err(|failure| CliError::NoPlugins(failure.to_string()))?;
        let before = files.len();
        for candidate in found.candidates {
            match Artifact::read(&candidate.path) {
                // A plugin may depend on it, but it is not one.
                Err(error) if matches!(error.problem, ArtifactProblem::NoManifest { .. }) => {}
                artifact => {
                    artifact?;
                    files.push(candidate.path);
                }
            }
        }
        if files.len() == before {
            let path = path.display();
            return Err(CliError::NoPlugins(format!(
                "{path}: a directory without plugins"
            )));
        }
    }
    // A file that is named twice is one.
    let mut known = BTreeSet::new();
    files.retain(|file| known.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    Ok(files)
}

/// Makes sure that no file is installed in place of another that is named beside it.
fn one_file_of_each(plugins: &[Reviewed]) -> Result<(), CliError> {
    let names = plugins
        .iter()
        .map(|plugin| (plugin.entry.name.as_str(), plugin.report.path.as_path()));
    check_unique_names(names).map_err(|twice| {
        let (name, first, second) = (&twice.name, twice.first.display(), twice.second.display());
        CliError::Refused(format!(
            "{first} and {second} are both of plugin '{name}'; name the one that is to be installed"
        ))
    })
}

/// Copies a file to where it does not change any more, and looks at it there.
fn review(
    file: &Path,
    config: &Config,
    signed: bool,
    known: Option<&Lock>,
) -> Result<Reviewed, CliError> {
    let snapshot = Snapshot::of(file).map_err(|problem| ArtifactError {
        path: file.to_owned(),
        problem,
    })?;
    let artifact = snapshot.artifact(file)?;
    let untrusted = |problem| CliError::Untrusted {
        path: file.to_owned(),
        problem: Box::new(problem),
    };
    let signature = signature(file, &snapshot, config, signed).map_err(untrusted)?;
    let manifest = artifact.manifest();
    let mut entry = LockEntry::new(&manifest.name, &manifest.version);
    if let Some(signature) = &signature {
        entry.signer = Some(signature.key_id().to_string());
        entry.signature = Some(signature.text().to_owned());
    }
    let mut asks = BTreeSet::new();
    for capability in &manifest.capabilities {
        // What this host does not know cannot be granted.
        match Grant::from_name(capability.kind.name()) {
            Some(grant) if grant.is_default() => drop(entry.capabilities.insert(grant)),
            Some(grant) => drop(asks.insert(grant)),
            None => {}
        }
    }
    let allow = config.plugin(&manifest.name).allow_panic_abort;
    let options = |_: &str| JudgeOptions::default().with_panic_abort(allow);
    let report = Report::of(file, Ok(artifact), options);
    let old = known.and_then(|lock| lock.plugin(&entry.name)).cloned();
    Ok(Reviewed {
        snapshot,
        entry,
        old,
        asks,
        report,
    })
}

/// The file's signature, verified; `None` where there is none and none is needed.
fn signature(
    file: &Path,
    snapshot: &Snapshot,
    config: &Config,
    needed: bool,
) -> Result<Option<Signature>, TrustProblem> {
    let keys = &config.trust.keys;
    match Signature::beside(file)? {
        _ if keys.is_empty() && needed => Err(TrustProblem::NoKeys),
        // Without keys there is nobody to believe, and the signature is left out.
        Some(_) if keys.is_empty() => Ok(None),
        Some(signature) => {
            signature.verify(keys, snapshot.reader().map_err(TrustProblem::Read)?)?;
            Ok(Some(signature))
        }
        None if needed => Err(TrustProblem::Unsigned {
            expected: keys.iter().map(|key| key.id()).collect(),
            path: datafusion_plugin_host::trust::signature_path(file),
        }),
        None => Ok(None),
    }
}

/// Whether a host would take what was installed: a directory that others can write to is told of now.
fn would_load(file: &Path, config: &Config) -> Result<(), CliError> {
    let candidate = Candidate {
        path: file.to_owned(),
        origin: Origin::PluginFile,
    };
    match Trust::new(config).examine(&candidate) {
        Ok(_) => Ok(()),
        Err(problem) => Err(CliError::Refused(format!(
            "{}: installed, but would not be loaded: {problem}",
            file.display()
        ))),
    }
}

impl Reviewed {
    fn show(&self, out: &mut dyn Write) -> io::Result<()> {
        self.report.write(out, false)?;
        let bytes = format!("{}, {} bytes", self.snapshot.sha256(), self.snapshot.len());
        writeln!(out, "  sha256      {bytes}")?;
        let mut signer = match &self.entry.signer {
            Some(signer) => format!("by key {signer}, verified"),
            None => "none verified".to_owned(),
        };
        let before = self.old.as_ref().filter(|old| old.signer.is_some());
        if let Some(old) = before.filter(|old| old.signer != self.entry.signer) {
            let key = old.signer.as_deref().unwrap_or_default();
            signer += &format!("; that of {} was by key {key}", old.version);
        }
        writeln!(out, "  signature   {}", clean(&signer))?;
        let asks = match self.asks.is_empty() {
            true => "nothing beyond functions and tables".to_owned(),
            false => names(&self.asks),
        };
        for (position, line) in wrapped(&asks, WIDTH - 14).iter().enumerate() {
            let label = if position == 0 { "asks for" } else { "" };
            writeln!(out, "  {label:<11} {line}")?;
        }
        let Some(old) = &self.old else { return Ok(()) };
        if old.sha256 != self.snapshot.sha256() {
            let newer = match old.is_newer_than(&self.entry.version) {
                true => ", which is newer",
                false => "",
            };
            writeln!(
                out,
                "  replaces    {} {}{newer}",
                old.name,
                clean(&old.version)
            )?;
        }
        let more: BTreeSet<_> = self.asks.difference(&old.capabilities).cloned().collect();
        if !more.is_empty() {
            let (more, version) = (names(&more), clean(&old.version));
            writeln!(out, "  asks more   {more}, which {version} is not granted")?;
        }
        Ok(())
    }

    /// Notes what is granted: what is named; where nothing is, what the version in the lock has, or all that a new plugin
    /// asks for.
    fn grant(&mut self, args: &InstallArgs) -> Result<(), CliError> {
        if args.grants.is_empty() {
            let granted: Vec<_> = match &self.old {
                None => self.asks.iter().cloned().collect(),
                Some(old) => {
                    let still = |grant: &&Grant| {
                        self.asks.contains(*grant) || **grant == Grant::ReplaceBuiltins
                    };
                    old.capabilities.iter().filter(still).cloned().collect()
                }
            };
            self.entry.capabilities.extend(granted);
            return Ok(());
        }
        for grant in &args.grants {
            let has = self.asks.contains(grant) || *grant == Grant::ReplaceBuiltins;
            if !has && !grant.is_default() {
                let name = &self.entry.name;
                return Err(CliError::Refused(format!(
                    "plugin '{name}' does not ask for '{grant}', so it is not granted"
                )));
            }
            if has {
                self.entry.capabilities.insert(grant.clone());
            }
        }
        Ok(())
    }

    /// What it asks for and is not granted.
    fn withheld(&self) -> BTreeSet<Grant> {
        let withheld = self.asks.difference(&self.entry.capabilities);
        withheld.cloned().collect()
    }

    /// Asks, on the terminal.
    fn agreed(&mut self, args: &InstallArgs, out: &mut Output) -> Result<bool, CliError> {
        if !io::stdin().is_terminal() {
            return Err(CliError::Refused(
                "nobody to ask, as the input is no terminal; review the above and give --yes"
                    .to_owned(),
            ));
        }
        let granted = self
            .entry
            .capabilities
            .iter()
            .filter(|grant| !grant.is_default());
        let granted: BTreeSet<_> = granted.cloned().collect();
        let (name, version) = (&self.entry.name, clean(&self.entry.version));
        let granting = match granted.is_empty() {
            true => String::new(),
            false => format!(" and grant {}", names(&granted)),
        };
        if !affirmed(&format!("Install {name} {version}{granting}?"), out)? {
            return Ok(false);
        }
        // What an earlier version does not have is a question of its own.
        let more = self.withheld();
        if args.grants.is_empty() && !more.is_empty() {
            let question = format!("Grant {} to {name}, too?", names(&more));
            if affirmed(&question, out)? {
                self.entry.capabilities.extend(more);
            }
        }
        Ok(true)
    }
}

fn affirmed(question: &str, out: &mut Output) -> Result<bool, CliError> {
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    if !out.is_read() {
        return Err(CliError::Refused(
            "nobody to ask, as nobody reads the output; review it and give --yes".to_owned(),
        ));
    }
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn names(grants: &BTreeSet<Grant>) -> String {
    let names: Vec<_> = grants.iter().map(Grant::name).collect();
    names.join(", ")
}
