//! Replacing plugins while their application runs.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::SystemTime,
};

use super::{
    Generation, LoadedPlugin, PluginHost, Plugins,
    builder::guard_of,
    sessions::{self, Shared},
};
use crate::{
    error::HostError,
    policy::{Copied, Subject},
};

/// What [`PluginHost::reload`] found and did.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReloadReport {
    /// Every plugin that was found or is loaded.
    pub files: Vec<ReloadedFile>,
    /// How many sessions have the plugins as they are now.
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
                ReloadOutcome::Replaced { .. }
                    | ReloadOutcome::Added { .. }
                    | ReloadOutcome::Removed { .. }
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
    /// Its file is gone, or its lock does not name it any more: it is not installed any more, and running queries end
    /// on it.
    Removed {
        /// Its version.
        version: String,
    },
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
    /// Since when it is not in use.
    pub since: SystemTime,
    /// The digest of what is mapped; `None` for a file that was loaded in place.
    pub sha256: Option<String>,
}

impl PluginHost {
    /// Searches again, as the builder was told, and takes in what has changed.
    ///
    /// A file with other bytes than those that are loaded is checked as it is when a host is built, then judged, loaded and
    /// activated aside. If all of that succeeds, the new version takes the old one's place in every session
    /// that the host was installed into with [`PluginHost::install`], and in those of [`PluginHost::guarded`]; what it lacks is
    /// removed from them, and quarantine and counters begin anew. Its policies take the place of the old ones
    /// in one step. Queries that are planned by then end on the old version, whose library stays mapped: see
    /// [`PluginHost::retained`]. A version that fails changes nothing and is in the report, and so is one that lacks a policy of the
    /// old one, or that has nothing to vouch for it where the old one had.
    ///
    /// A plugin whose file is gone, or which its lock does not name any more, is not installed any more; one with
    /// policies stays and is reported as failed.
    ///
    /// # Errors
    /// When a named path is missing, or two files hold plugins of one name. Nothing is changed then.
    pub fn reload(&self) -> Result<ReloadReport, HostError> {
        let reloading = self.inner.reloading.lock();
        let reloading = reloading.unwrap_or_else(PoisonError::into_inner);
        let mut done_with = DoneWith::default();
        let report = self.take_in(&mut done_with);
        drop(reloading);
        // Behind the lock: authors' code may run there, and must not keep other reloads waiting.
        done_with.let_go();
        report
    }

    /// One reload.
    fn take_in(&self, done_with: &mut DoneWith) -> Result<ReloadReport, HostError> {
        let next = self.next()?;
        done_with.refused = next.refused;
        let mut report = ReloadReport {
            files: next.files,
            sessions: 0,
            behind: Vec::new(),
        };
        let plugins = match report.is_unchanged() {
            true => self.plugins(),
            false => {
                self.exchange_guard(&next.plugins);
                next.plugins
            }
        };
        self.inner.current.store(Arc::new(Generation {
            plugins: Arc::clone(&plugins),
            passed_over: next.passed_over.into(),
        }));
        // Their names are free for what comes.
        next.gone.iter().for_each(|old| old.activated().retire());
        done_with.sessions = self.inner.sessions.live();
        for (session, subject) in &done_with.sessions {
            match self.follow(session) {
                Ok(()) => report.sessions += 1,
                Err(reason) => report.behind.push(reason),
            }
            if let Some(subject) = subject {
                self.guard(&mut session.write(), subject);
            }
        }
        // After the sessions: one that was installed into meanwhile has told of its copies by now.
        done_with.copies = self.inner.sessions.copies();
        for copy in &done_with.copies {
            self.follow_copy(copy);
        }
        self.retain(&next.gone, next.unused, &plugins);
        done_with.gone = next.gone;
        report.tell();
        Ok(report)
    }

    /// Gives a session the plugins of the moment.
    ///
    /// # Errors
    /// Why it keeps those that it has.
    pub(super) fn follow(&self, session: &Shared) -> Result<(), String> {
        let mut state = session.write();
        let plugins = self.plugins();
        let had = sessions::installed(state.config(), &self.inner);
        // Not held meanwhile: what is replaced is let go of in there.
        match had.is_some_and(|had| !Arc::ptr_eq(&had, &plugins)) {
            true => self.replace(&mut state, &plugins, true).map(drop),
            false => Ok(()),
        }
    }

    /// The same for a copy of a session's state.
    pub(super) fn follow_copy(&self, copy: &Copied) {
        let mut state = copy.0.write();
        let plugins = self.plugins();
        let had = sessions::installed(state.config(), &self.inner);
        if had.is_some_and(|had| !Arc::ptr_eq(&had, &plugins)) {
            let replaced = self.replace(Arc::make_mut(&mut state), &plugins, false);
            // It has no prepared statements to keep.
            drop(replaced);
        }
    }

    fn exchange_guard(&self, plugins: &Plugins) {
        let (config, linked_in) = (self.config(), &self.inner.linked_in);
        let earlier = self.inner.guard.now();
        let guard = guard_of(config, linked_in, plugins, Some(&earlier));
        self.inner.guard.exchange(guard);
    }

    fn retain(
        &self,
        gone: &[Arc<LoadedPlugin>],
        unused: Vec<RetainedLibrary>,
        plugins: &[Arc<LoadedPlugin>],
    ) {
        let since = SystemTime::now();
        let retained = self.inner.retained.lock();
        let mut retained = retained.unwrap_or_else(PoisonError::into_inner);
        let digest = |plugin: &LoadedPlugin| plugin.source().sha256().map(str::to_owned);
        let gone = gone.iter().map(|old| RetainedLibrary {
            plugin: old.name().to_owned(),
            version: old.manifest().version.to_string(),
            path: old.path().to_owned(),
            bytes: old.artifact().len(),
            since,
            sha256: digest(old),
        });
        // The same bytes are mapped once: what came back is in use again.
        for library in gone.chain(unused) {
            retained.retain(|known| known.sha256.is_none() || known.sha256 != library.sha256);
            retained.push(library);
        }
        let in_use: Vec<_> = plugins.iter().filter_map(|plugin| digest(plugin)).collect();
        retained.retain(|old| {
            !old.sha256
                .as_ref()
                .is_some_and(|sha256| in_use.contains(sha256))
        });
    }

    /// Libraries that are mapped and not in use: of versions that were replaced or removed, and of such that
    /// did not start. They stay mapped for the life of the process, and so do
    /// the threads that their plugins started.
    pub fn retained(&self) -> Vec<RetainedLibrary> {
        let retained = self.inner.retained.lock();
        retained.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a reload has no more use for, and may be the last to have.
#[derive(Default)]
struct DoneWith {
    gone: Vec<Arc<LoadedPlugin>>,
    refused: Vec<LoadedPlugin>,
    /// The application may have let go of them meanwhile.
    sessions: Vec<(Shared, Option<Subject>)>,
    copies: Vec<Copied>,
}

impl DoneWith {
    fn let_go(self) {
        self.refused.into_iter().for_each(LoadedPlugin::dispose);
        LoadedPlugin::let_go(self.gone);
    }
}

impl ReloadReport {
    /// Emits what changed and what could not, as events.
    fn tell(&self) {
        for file in &self.files {
            let (plugin, path) = (file.plugin.as_str(), file.path.display());
            match &file.outcome {
                ReloadOutcome::Unchanged => {}
                ReloadOutcome::Replaced { from, to } => {
                    tracing::info!(plugin, %path, from, to, "replaced");
                }
                ReloadOutcome::Added { version } => {
                    tracing::info!(plugin, %path, version, "added");
                }
                ReloadOutcome::Removed { version } => {
                    tracing::info!(plugin, %path, version, "removed");
                }
                ReloadOutcome::Failed { problem } => {
                    tracing::error!(plugin, %path, problem, "not reloaded");
                }
            }
        }
        for reason in &self.behind {
            tracing::warn!(reason, "a session keeps the plugins that it has");
        }
    }
}
