//! Replacing plugins while their application runs.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::SystemTime,
};

use datafusion::execution::SessionState;
use datafusion_plugin_api::abi::manifest::CapabilityKind;

use super::{Generation, LoadedPlugin, PassedOverFile, PluginHost, builder::Found};
use crate::{
    error::HostError,
    install::{self, Replacement},
    trust::Checked,
};

/// What [`PluginHost::reload`] found and did.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReloadReport {
    /// Every plugin that was found or is loaded.
    pub files: Vec<ReloadedFile>,
    /// How many live sessions have the plugins as they are now.
    pub sessions: usize,
    /// Why sessions keep the old ones, one reason each.
    pub behind: Vec<String>,
}

impl ReloadReport {
    /// The files that could not be loaded.
    pub fn failures(&self) -> impl Iterator<Item = &ReloadedFile> {
        let failed = |file: &&ReloadedFile| matches!(file.outcome, ReloadOutcome::Failed { .. });
        self.files.iter().filter(failed)
    }

    /// Whether nothing is other than before.
    pub fn is_unchanged(&self) -> bool {
        let changed = |file: &ReloadedFile| {
            matches!(
                file.outcome,
                ReloadOutcome::Replaced { .. } | ReloadOutcome::Added { .. }
            )
        };
        !self.files.iter().any(changed)
    }
}

/// What became of one plugin.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReloadedFile {
    /// The plugin's name; empty where the file does not tell.
    pub plugin: String,
    /// The file.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: ReloadOutcome,
}

/// What becomes of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReloadOutcome {
    /// The file has the bytes that are loaded.
    Unchanged,
    /// New queries use the new version, running ones end on the old.
    Replaced {
        /// The old version.
        from: String,
        /// The new version.
        to: String,
    },
    /// It was not there before.
    Added {
        /// Its version.
        version: String,
    },
    /// It cannot be used; what was loaded before stays as it is.
    Failed {
        /// Why.
        problem: String,
    },
    /// Its file is gone; it stays loaded.
    Missing,
}

/// A library that is mapped and no more in use. Libraries are never unloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetainedLibrary {
    /// The plugin's name.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// The file that it came from.
    pub path: PathBuf,
    /// The length of the library, in bytes.
    pub bytes: u64,
    /// When it was replaced.
    pub since: SystemTime,
    /// The digest of what is mapped; `None` for a file that was loaded in place.
    pub sha256: Option<String>,
}

/// What a search gives a host that has plugins.
struct Next {
    plugins: Vec<Arc<LoadedPlugin>>,
    /// Plugins of before that have a new version among `plugins`.
    replaced: Vec<Arc<LoadedPlugin>>,
    passed_over: Vec<PassedOverFile>,
    files: Vec<ReloadedFile>,
}

impl PluginHost {
    /// Searches again, as the builder was told, and takes in what has changed.
    ///
    /// A file with other bytes than those that are loaded is judged, loaded and activated aside. If all of that
    /// succeeds, the new version takes the old one's place in every live session that the host was
    /// installed into with [`PluginHost::install`]; what it lacks is removed from them, and quarantine and counters
    /// begin anew. Queries that are planned by then end on the old version, whose library stays mapped:
    /// see [`PluginHost::retained`]. A version that fails changes nothing and is in the report, and so is a
    /// plugin whose old or new version has policies: those cannot be replaced while statements are decided on.
    ///
    /// Sessions that [`PluginHost::install_into`] built and those of [`PluginHost::guarded`] stay as they
    /// are.
    ///
    /// # Errors
    /// When a named path is missing, or two files hold plugins of one name. Nothing is changed then.
    pub fn reload(&self) -> Result<ReloadReport, HostError> {
        let reloading = self.inner.reloading.lock();
        let _reloading = reloading.unwrap_or_else(PoisonError::into_inner);
        let next = self.next()?;
        let mut report = ReloadReport {
            files: next.files,
            sessions: 0,
            behind: Vec::new(),
        };
        let changed = !report.is_unchanged();
        let plugins: Arc<[_]> = next.plugins.into();
        if changed {
            self.inner.current.store(Arc::new(Generation {
                plugins: Arc::clone(&plugins),
                passed_over: next.passed_over.into(),
            }));
        }
        for (session, behind) in self.inner.sessions.live() {
            let old: Vec<_> = behind.into_iter().chain(next.replaced.clone()).collect();
            if !changed && old.is_empty() {
                report.sessions += 1;
                continue;
            }
            match self.replace(&mut session.write(), &old, &plugins) {
                Ok(()) => {
                    report.sessions += 1;
                    self.inner.sessions.is_behind(&session, Vec::new());
                }
                Err(reason) => {
                    report.behind.push(reason);
                    self.inner.sessions.is_behind(&session, old);
                }
            }
        }
        next.replaced
            .iter()
            .for_each(|old| old.activated().retire());
        self.retain(&next.replaced, &plugins);
        Ok(report)
    }

    fn replace(
        &self,
        session: &mut SessionState,
        old: &[Arc<LoadedPlugin>],
        plugins: &[Arc<LoadedPlugin>],
    ) -> Result<(), String> {
        let activations: Vec<_> = old.iter().map(|plugin| plugin.activated()).collect();
        let replacement = Replacement {
            old: &self.candidates(old),
            activations: &activations,
            new: &self.candidates(plugins),
        };
        install::replace(session, &replacement, &self.config().names.prefer)
    }

    fn retain(&self, replaced: &[Arc<LoadedPlugin>], plugins: &[Arc<LoadedPlugin>]) {
        let since = SystemTime::now();
        let retained = self.inner.retained.lock();
        let mut retained = retained.unwrap_or_else(PoisonError::into_inner);
        let digest = |plugin: &LoadedPlugin| plugin.source().sha256().map(str::to_owned);
        // The same bytes are mapped once: what came back is in use again.
        for old in replaced {
            let sha256 = digest(old);
            retained.retain(|known| known.sha256.is_none() || known.sha256 != sha256);
            retained.push(RetainedLibrary {
                plugin: old.name().to_owned(),
                version: old.manifest().version.to_string(),
                path: old.path().to_owned(),
                bytes: old.artifact().len(),
                since,
                sha256,
            });
        }
        let in_use: Vec<_> = plugins.iter().filter_map(|plugin| digest(plugin)).collect();
        retained.retain(|old| {
            !old.sha256
                .as_ref()
                .is_some_and(|sha256| in_use.contains(sha256))
        });
    }

    /// Libraries of versions that were replaced. They stay mapped for the life of the process, and so do
    /// the threads that their plugins started.
    pub fn retained(&self) -> Vec<RetainedLibrary> {
        let retained = self.inner.retained.lock();
        retained.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads what is new, and changes nothing.
    fn next(&self) -> Result<Next, HostError> {
        let Found {
            checked,
            passed_over,
            failures,
        } = self.inner.loader.find()?;
        let current = self.plugins();
        let mut next = Next {
            plugins: Vec::new(),
            replaced: Vec::new(),
            passed_over,
            files: Vec::new(),
        };
        let mut seen: Vec<&LoadedPlugin> = Vec::new();
        for checked in checked {
            let artifact = checked.artifact();
            let (plugin, path) = (artifact.manifest().name.clone(), artifact.path().to_owned());
            let old = current.iter().find(|old| old.name() == plugin);
            seen.extend(old.map(|old| &**old));
            let outcome = match self.changed(checked, old) {
                Ok(None) => {
                    next.plugins.extend(old.cloned());
                    ReloadOutcome::Unchanged
                }
                Ok(Some(new)) => {
                    let to = new.manifest().version.to_string();
                    next.plugins.push(Arc::new(new));
                    next.replaced.extend(old.cloned());
                    match old {
                        Some(old) => ReloadOutcome::Replaced {
                            from: old.manifest().version.to_string(),
                            to,
                        },
                        None => ReloadOutcome::Added { version: to },
                    }
                }
                Err(problem) => {
                    next.plugins.extend(old.cloned());
                    ReloadOutcome::Failed { problem }
                }
            };
            next.files.push(ReloadedFile {
                plugin,
                path,
                outcome,
            });
        }
        for failure in failures {
            let old = current.iter().find(|old| old.path() == failure.path);
            seen.extend(old.map(|old| &**old));
            next.plugins.extend(old.cloned());
            next.files.push(ReloadedFile {
                plugin: old.map(|old| old.name().to_owned()).unwrap_or_default(),
                path: failure.path,
                outcome: ReloadOutcome::Failed {
                    problem: failure.problem.to_string(),
                },
            });
        }
        for old in current.iter() {
            if !seen.iter().any(|seen| std::ptr::eq(*seen, &**old)) {
                next.plugins.push(Arc::clone(old));
                next.files.push(ReloadedFile {
                    plugin: old.name().to_owned(),
                    path: old.path().to_owned(),
                    outcome: ReloadOutcome::Missing,
                });
            }
        }
        Ok(next)
    }

    /// The plugin of a file that differs from what is loaded; nothing when it does not.
    fn changed(
        &self,
        checked: Checked,
        old: Option<&Arc<LoadedPlugin>>,
    ) -> Result<Option<LoadedPlugin>, String> {
        let path = checked.artifact().path().to_owned();
        let in_place = checked.snapshot.is_none();
        if in_place && old.is_some_and(|old| old.source().is_untouched(&path)) {
            return Ok(None);
        }
        let copied = checked.copied().map_err(|error| error.to_string())?;
        if let (Some(old), Some(copy)) = (old, &copied.snapshot) {
            let same = old.source().is_same(copy);
            if same.map_err(|error| format!("cannot be read: {error}"))? {
                return Ok(None);
            }
        }
        let manifest = copied.artifact().manifest();
        let policy = |kind: &CapabilityKind| *kind == CapabilityKind::Policy;
        let decides = manifest.capabilities.iter().any(|c| policy(&c.kind))
            || old.is_some_and(|old| !old.policies().is_empty());
        if decides {
            return Err(format!(
                "plugin '{}' has policies, which are replaced with the application alone",
                manifest.name
            ));
        }
        let loaded = self.inner.loader.load_one(copied);
        loaded.map(Some).map_err(|problem| problem.to_string())
    }
}
