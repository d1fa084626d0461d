//! Reloading when files change.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use thiserror::Error;

use super::{PluginHost, ReloadReport};
use crate::{
    error::HostError,
    trust::{LOCK_FILE, SIGNATURE_EXTENSION},
};

/// Why files cannot be watched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The system does not watch a directory.
    #[error("{}: cannot be watched: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's answer.
        source: notify::Error,
    },
    /// The system has no watcher.
    #[error("files cannot be watched: {0}")]
    System(#[source] notify::Error),
    /// There is no thread to reload in.
    #[error("files cannot be watched: no thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// So many times the settling time is waited for at most.
const UNSETTLED: u32 = 10;

/// What a search looks at.
struct Files {
    directories: Vec<PathBuf>,
    named: Vec<OsString>,
}

impl Files {
    fn concern(&self, event: &Event) -> bool {
        let concerns = |path: &PathBuf| {
            let extension = path.extension().unwrap_or_default();
            let named = path
                .file_name()
                .is_some_and(|name| self.named.iter().any(|known| known == name));
            let kinds = [env::consts::DLL_EXTENSION, SIGNATURE_EXTENSION];
            named || kinds.iter().any(|kind| *kind == extension) || self.directories.contains(path)
        };
        let read = matches!(event.kind, EventKind::Access(_));
        let anything = event.need_rescan() || event.paths.is_empty();
        !read && (anything || event.paths.iter().any(concerns))
    }
}

/// Watches until it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it watches no more"]
pub struct Watch {
    /// Its drop ends the events, and with them the thread.
    _watcher: RecommendedWatcher,
}

impl PluginHost {
    /// Reloads, as [`PluginHost::reload`] does, when a library, signature or lock has changed in the directories of the
    /// search and none has for the time `settled`, or ten times `settled` after the first change: a file that is
    /// being copied is not complete, and one that changes without end must not keep others out. `report` is told, on
    /// a thread of its own, what became of it. Directories that are not there now are not watched.
    ///
    /// The watch does not keep the host alive.
    ///
    /// # Errors
    /// When the system does not watch a directory.
    pub fn watch(
        &self,
        settled: Duration,
        report: impl Fn(Result<ReloadReport, HostError>) + Send + 'static,
    ) -> Result<Watch, WatchError> {
        let (tell, told) = mpsc::channel();
        let directories = self.directories();
        let files = Files {
            directories: directories.clone(),
            named: self.named_files(),
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // What is lost may be a change.
            if event.is_ok_and(|event| !files.concern(&event)) {
                return;
            }
            // Nobody listens any more once the host is gone.
            let _ = tell.send(());
        })
        .map_err(WatchError::System)?;
        for path in directories {
            let watched = watcher.watch(&path, RecursiveMode::NonRecursive);
            watched.map_err(|source| WatchError::Directory { path, source })?;
        }
        let inner = Arc::downgrade(&self.inner);
        let wait = move || {
            while told.recv().is_ok() {
                let latest = Instant::now().checked_add(settled.saturating_mul(UNSETTLED));
                let left = || match latest {
                    Some(latest) => latest.saturating_duration_since(Instant::now()),
                    None => settled,
                };
                while told.recv_timeout(settled.min(left())).is_ok() && !left().is_zero() {}
                let Some(inner) = inner.upgrade() else {
                    return;
                };
                report(Self { inner }.reload());
            }
        };
        let thread = thread::Builder::new().name("plugin watch".to_owned());
        thread.spawn(wait).map_err(WatchError::Thread)?;
        Ok(Watch { _watcher: watcher })
    }

    /// The names of files that are named, and of the lock.
    fn named_files(&self) -> Vec<OsString> {
        let searched = self.inner.loader.searched().paths();
        let files = searched.map(|(_, path)| path).filter(|path| !path.is_dir());
        let lock = self.config().trust.lock.as_deref();
        let lock = lock.unwrap_or(Path::new(LOCK_FILE));
        let names = files.chain([lock]).filter_map(Path::file_name);
        names.map(ToOwned::to_owned).collect()
    }

    /// The directories of the search, and those of files that are named and of the lock.
    fn directories(&self) -> Vec<PathBuf> {
        let mut directories = Vec::new();
        let searched = self.inner.loader.searched().paths();
        let searched = searched.map(|(_, path)| path);
        let lock = self.config().trust.lock.as_deref();
        for path in searched.chain(lock) {
            let directory = match path.is_dir() {
                true => Some(path),
                false => path.parent(),
            };
            let here = |directory: &Path| match directory.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => directory.to_owned(),
            };
            let directory = directory.map(here).filter(|directory| directory.is_dir());
            directories.extend(directory.filter(|directory| !directories.contains(directory)));
        }
        directories
    }
}
