//! `plugin-host list`

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use datafusion_plugin_host::{
    LoadProblem,
    artifact::Artifact,
    config::Config,
    discover::{Outcome, check_unique_names},
    judge::JudgeOptions,
    trust::{Checked, Examined, Trust},
};
use serde::Serialize;

use crate::{
    cli::ListArgs,
    exit::{CliError, Exit},
    output::{self, clean},
    report::Report,
    trust,
};

/// What would be loaded, and what would not.
#[derive(Serialize)]
struct Listing {
    /// What vouches for the plugins of each place.
    trust: Vec<String>,
    /// In the order of loading.
    plugins: Vec<Listed>,
    passed_over: Vec<PassedOver>,
    /// Every path looked at, in order.
    searched: Vec<Searched>,
    /// Plugins that the configuration names and the search does not find.
    not_found: Vec<String>,
    /// What keeps the whole of it from being loaded.
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Listed {
    name: Option<String>,
    version: Option<String>,
    path: PathBuf,
    origin: String,
    loadable: bool,
    reasons: Vec<String>,
    #[serde(skip)]
    verdict: String,
}

#[derive(Serialize)]
struct PassedOver {
    path: PathBuf,
    origin: String,
    reason: String,
}

#[derive(Serialize)]
struct Searched {
    path: PathBuf,
    origin: String,
    outcome: String,
}

pub(crate) fn run(args: &ListArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let listing = Listing::of(args, &args.selection.config()?);
    if args.json {
        output::json(out, &listing)?;
    } else {
        listing.write(out)?;
    }
    let all_load = listing.plugins.iter().all(|plugin| plugin.loadable);
    Ok(if all_load && listing.problems.is_empty() {
        Exit::Success
    } else {
        Exit::Failure
    })
}

/// A file as judged, once it is trusted; or as far as it can be read.
fn report(path: &Path, examined: Result<Box<Checked>, LoadProblem>, config: &Config) -> Report {
    let options = |name: &str| {
        let allow = config.plugin(name).allow_panic_abort;
        JudgeOptions::default().with_panic_abort(allow)
    };
    match examined {
        Ok(checked) => {
            let granted = checked.granted().iter().cloned();
            let name = &checked.artifact().manifest().name;
            let grants = config.plugin(name).granted().and(granted);
            Report::of(path, Ok(checked.artifact().clone()), options).within(&grants)
        }
        Err(problem) => Report::of(path, Artifact::read(path), options).refused(problem),
    }
}

impl Listing {
    fn of(args: &ListArgs, config: &Config) -> Self {
        let search = args.selection.search_path();
        let found = search.find();
        let mut passed_over: Vec<_> = found
            .passed_over
            .iter()
            .map(|passed| PassedOver {
                path: passed.path.clone(),
                origin: passed.origin.to_string(),
                reason: passed.reason.to_string(),
            })
            .collect();
        let mut trust = Trust::new(config);
        let missing = trust.missing(&search);
        let mut plugins = Vec::new();
        let mut not_found: BTreeSet<_> = config.plugins.keys().cloned().collect();
        for candidate in found.candidates {
            let origin = candidate.origin.to_string();
            let examined = match trust.examine(&candidate) {
                Ok(Examined::PassedOver(reason) | Examined::NotLocked(reason)) => {
                    // One that is disabled is there.
                    if let Ok(artifact) = Artifact::read(&candidate.path) {
                        not_found.remove(&artifact.manifest().name);
                    }
                    passed_over.push(PassedOver {
                        path: candidate.path,
                        origin,
                        reason,
                    });
                    continue;
                }
                Ok(Examined::Plugin(checked)) => Ok(checked),
                Err(problem) => Err(problem),
            };
            let report = report(&candidate.path, examined, config);
            let manifest = report.manifest.as_ref();
            if let Some(manifest) = manifest {
                not_found.remove(&manifest.name);
            }
            plugins.push(Listed {
                name: manifest.map(|manifest| manifest.name.clone()),
                version: manifest.map(|manifest| manifest.version.clone()),
                path: candidate.path,
                origin,
                loadable: report.loadable,
                verdict: report.verdict(),
                reasons: report.reasons,
            });
        }
        let mut problems: Vec<_> = missing
            .iter()
            .map(|gone| gone.problem.to_string())
            .collect();
        for attempt in &found.tried {
            if let Outcome::Failed(reason) = &attempt.outcome {
                let (path, origin) = (attempt.path.display(), attempt.origin);
                problems.push(format!("{path} ({origin}): {reason}"));
            }
        }
        let named = plugins
            .iter()
            .filter_map(|plugin: &Listed| Some((plugin.name.as_deref()?, plugin.path.as_path())));
        if let Err(twice) = check_unique_names(named) {
            problems.push(twice.to_string());
        }
        let searched = found.tried.iter().map(|attempt| Searched {
            path: attempt.path.clone(),
            origin: attempt.origin.to_string(),
            outcome: attempt.outcome.to_string(),
        });
        Self {
            trust: trust::modes(&search, config),
            plugins,
            passed_over,
            searched: searched.collect(),
            not_found: not_found.into_iter().collect(),
            problems,
        }
    }

    /// Writes it for people.
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let line = |out: &mut dyn Write, text: String| writeln!(out, "{}", clean(&text));
        if self.plugins.is_empty() {
            line(out, "no plugins".to_owned())?;
        }
        for (position, plugin) in self.plugins.iter().enumerate() {
            let name = plugin.name.as_deref().unwrap_or("?");
            let version = plugin.version.as_deref().unwrap_or("");
            let (path, origin) = (plugin.path.display(), &plugin.origin);
            line(
                out,
                format!("{}. {name} {version}  {path} ({origin})", position + 1),
            )?;
            line(out, format!("   loadable: {}", plugin.verdict))?;
            for reason in &plugin.reasons {
                line(out, format!("   - {reason}"))?;
            }
        }
        for (title, entries) in [
            ("trust", self.trust.clone()),
            (
                "passed over",
                self.passed_over
                    .iter()
                    .map(|p| format!("{} ({}): {}", p.path.display(), p.origin, p.reason))
                    .collect::<Vec<_>>(),
            ),
            (
                "searched",
                self.searched
                    .iter()
                    .map(|s| format!("{} ({}): {}", s.path.display(), s.origin, s.outcome))
                    .collect(),
            ),
            (
                "named in the configuration, and not found",
                self.not_found
                    .iter()
                    .map(|name| format!("[plugins.{name}] is without effect"))
                    .collect(),
            ),
            ("problems", self.problems.clone()),
        ] {
            if !entries.is_empty() {
                line(out, format!("{title}:"))?;
            }
            for entry in entries {
                line(out, format!("  {entry}"))?;
            }
        }
        Ok(())
    }
}
