//! What a new search yields for a host that has plugins.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::{
    LoadedPlugin, PassedOverFile, PluginHost, Plugins, ReloadOutcome, ReloadedFile,
    RetainedLibrary,
    builder::{FailedFile, Found},
};
use crate::{
    artifact::Artifact,
    error::{HostError, LoadFailure},
    load,
    trust::{Checked, TrustMode},
};

/// The plugins of a new search; nothing is installed yet.
pub(super) struct Next {
    pub(super) plugins: Plugins,
    /// Those of before that are not among them.
    pub(super) gone: Vec<Arc<LoadedPlugin>>,
    /// What was activated in vain.
    pub(super) refused: Vec<LoadedPlugin>,
    /// What was mapped in vain.
    pub(super) unused: Vec<RetainedLibrary>,
    pub(super) passed_over: Vec<PassedOverFile>,
    pub(super) files: Vec<ReloadedFile>,
}

/// As far as it has been gone through.
#[derive(Default)]
struct Search<'a> {
    plugins: Vec<Arc<LoadedPlugin>>,
    /// Plugins of before that were found again.
    seen: Vec<&'a Arc<LoadedPlugin>>,
    gone: Vec<Arc<LoadedPlugin>>,
    refused: Vec<LoadedPlugin>,
    unused: Vec<RetainedLibrary>,
    files: Vec<ReloadedFile>,
    /// Directories in which a plugin that is not found may be what cannot be used.
    unsure: BTreeSet<PathBuf>,
}

impl<'a> Search<'a> {
    fn report(&mut self, plugin: &str, path: &Path, outcome: ReloadOutcome) {
        self.files.push(ReloadedFile {
            plugin: plugin.to_owned(),
            path: path.to_owned(),
            outcome,
        });
    }

    /// The old version stays.
    fn keep(&mut self, old: Option<&'a Arc<LoadedPlugin>>) {
        self.seen.extend(old);
        self.plugins.extend(old.cloned());
    }

    fn has_seen(&self, old: &Arc<LoadedPlugin>) -> bool {
        self.seen.iter().any(|seen| Arc::ptr_eq(seen, old))
    }

    /// Keeps the plugins that a file which cannot be used may be another version of.
    fn fail(&mut self, failed: FailedFile, current: &'a Plugins) {
        let LoadFailure { path, problem } = failed.failure;
        let outcome = ReloadOutcome::Failed {
            problem: problem.to_string(),
        };
        // What cannot be trusted can be read all the same.
        let read = || Some(Artifact::read(&path).ok()?.manifest().name.clone());
        let plugin = failed.plugin.or_else(read);
        let is_its =
            |old: &&Arc<LoadedPlugin>| plugin.as_deref() == Some(old.name()) || old.path() == path;
        let its: Vec<_> = current.iter().filter(is_its).collect();
        if plugin.is_none() && its.is_empty() {
            self.unsure.extend(path.parent().map(Path::to_owned));
        }
        let kept: Vec<_> = its.into_iter().filter(|old| !self.has_seen(old)).collect();
        if kept.is_empty() {
            self.report(&plugin.unwrap_or_default(), &path, outcome);
            return;
        }
        for old in kept {
            self.keep(Some(old));
            self.report(old.name(), &path, outcome.clone());
        }
    }
}

impl PluginHost {
    /// Loads what is new, and changes nothing.
    pub(super) fn next(&self) -> Result<Next, HostError> {
        let Found {
            checked,
            passed_over,
            not_locked,
            failures,
            vouched,
            locked,
            unreadable,
        } = self.inner.loader.find()?;
        self.vouched().extend(vouched);
        let current = self.plugins();
        let mut search = Search {
            unsure: unreadable,
            ..Search::default()
        };
        for checked in checked {
            self.take(checked, &current, &mut search);
        }
        for failed in failures {
            search.fail(failed, &current);
        }
        for old in current.iter() {
            if search.has_seen(old) {
                continue;
            }
            let directory = old.path().parent().unwrap_or(Path::new(""));
            let of_lock = (directory.to_owned(), old.name().to_owned());
            let unlocked = not_locked.iter().any(|path| path == old.path());
            let mut passed = passed_over.iter().filter(|_| !unlocked);
            let outcome = match passed.find(|file| file.path == old.path()) {
                Some(file) => ReloadOutcome::Failed {
                    problem: file.reason.clone(),
                },
                None if locked.contains(&of_lock) => ReloadOutcome::Failed {
                    problem: "its lock names it, and no file that can be used: it stays until the lock does not"
                        .to_owned(),
                },
                None if search.unsure.contains(directory) => ReloadOutcome::Failed {
                    problem: "its file is gone or not locked any more, but its directory has a file or a lock that \
                              cannot be read and may be in its place: it stays until that is mended"
                        .to_owned(),
                },
                None if !old.policies().is_empty() => ReloadOutcome::Failed {
                    problem: "its file is gone or not locked any more, but it has policies: it stays until \
                              the application starts anew"
                        .to_owned(),
                },
                None => ReloadOutcome::Removed {
                    version: old.manifest().version.to_string(),
                },
            };
            search.report(old.name(), old.path(), outcome.clone());
            match outcome {
                ReloadOutcome::Removed { .. } => search.gone.push(Arc::clone(old)),
                _ => search.keep(Some(old)),
            }
        }
        let Search {
            mut plugins,
            gone,
            refused,
            unused,
            files,
            ..
        } = search;
        let place = |plugin: &Arc<LoadedPlugin>| {
            let mut current = current.iter();
            let place = current.position(|old| old.name() == plugin.name());
            place.unwrap_or(usize::MAX)
        };
        plugins.sort_by_key(place);
        Ok(Next {
            plugins: plugins.into(),
            gone,
            refused,
            unused,
            passed_over,
            files,
        })
    }

    fn take<'a>(&self, checked: Checked, current: &'a Plugins, search: &mut Search<'a>) {
        let artifact = checked.artifact();
        let (plugin, path) = (artifact.manifest().name.clone(), artifact.path().to_owned());
        let old = current.iter().find(|old| old.name() == plugin);
        let outcome = match self.changed(checked, current, old, search) {
            Ok(None) => {
                search.keep(old);
                ReloadOutcome::Unchanged
            }
            Ok(Some(new)) => {
                let to = new.manifest().version.to_string();
                search.plugins.push(Arc::new(new));
                search.seen.extend(old);
                search.gone.extend(old.cloned());
                match old {
                    Some(old) => ReloadOutcome::Replaced {
                        from: old.manifest().version.to_string(),
                        to,
                    },
                    None => ReloadOutcome::Added { version: to },
                }
            }
            Err(problem) => {
                search.keep(old);
                ReloadOutcome::Failed { problem }
            }
        };
        search.report(&plugin, &path, outcome);
    }

    /// The plugin of a file that differs from what is loaded; nothing when it does not.
    fn changed(
        &self,
        checked: Checked,
        current: &Plugins,
        old: Option<&Arc<LoadedPlugin>>,
        search: &mut Search<'_>,
    ) -> Result<Option<LoadedPlugin>, String> {
        let path = checked.artifact().path().to_owned();
        let in_place = checked.snapshot.is_none();
        if in_place && old.is_some_and(|old| old.source().is_untouched(&path)) {
            return Ok(None);
        }
        let copied = checked.copied().map_err(|error| error.to_string())?;
        if let (Some(old), Some(copy)) = (old, &copied.snapshot) {
            let same = old.source().is_same(copy);
            let same = same.map_err(|error| format!("cannot be read: {error}"))?;
            // A lock may grant the same bytes something else by now.
            if same && self.inner.loader.granted(&copied) == *old.grants() {
                return Ok(None);
            }
        }
        self.is_vouched(&copied, current)?;
        let manifest = copied.artifact().manifest();
        let library = RetainedLibrary {
            plugin: manifest.name.clone(),
            version: manifest.version.to_string(),
            path,
            bytes: copied.artifact().len(),
            since: SystemTime::now(),
            sha256: copied
                .snapshot
                .as_ref()
                .map(|copy| copy.sha256().to_owned()),
        };
        let loaded = self.inner.loader.load_one(copied);
        let loaded = loaded.map_err(|problem| problem.to_string());
        let loaded = loaded.and_then(|new| match old.map(|old| has_policies_of(old, &new)) {
            Some(Err(problem)) => {
                search.refused.push(new);
                Err(problem)
            }
            _ => Ok(new),
        });
        if loaded.is_err() && library.sha256.as_deref().is_some_and(load::is_mapped) {
            search.unused.push(library);
        }
        loaded.map(Some)
    }

    fn vouched(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        let vouched = self.inner.vouched.lock();
        vouched.unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what nothing vouches for where something did before: a lock that is gone must not let in what it
    /// would not have.
    fn is_vouched(&self, checked: &Checked, current: &Plugins) -> Result<(), String> {
        let directory = checked.artifact().path().parent();
        let was_vouched = |old: &Arc<LoadedPlugin>| {
            old.trust().mode != TrustMode::Any && old.path().parent() == directory
        };
        let before = directory.is_some_and(|directory| self.vouched().contains(directory));
        if checked.basis().mode == TrustMode::Any && (before || current.iter().any(was_vouched)) {
            return Err(
                "nothing vouches for it, where a lock or signatures had to for files of its \
                 directory before: is the lock gone?"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// A version without a policy of the one before would leave statements undecided on.
fn has_policies_of(old: &LoadedPlugin, new: &LoadedPlugin) -> Result<(), String> {
    let item = |policy: &crate::import::policy::ImportedPolicy| policy.origin().item().to_owned();
    let has = |name: &String| new.policies().iter().any(|policy| item(policy) == *name);
    let mut names = old.policies().iter().map(|policy| item(policy));
    match names.find(|name| !has(name)) {
        Some(name) => Err(format!(
            "has no policy '{name}', or is not granted it, and version {} has: policies are taken away with \
             the application alone",
            old.manifest().version
        )),
        None => Ok(()),
    }
}
