//! Reloading when files change.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind};
use thiserror::Error;

use super::{Inner, PluginHost, ReloadReport, source::number};
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

/// How often it is looked whether another directory has come into the place of one that is watched. The system watches
/// directories, not their names, and does not tell.
const LOOK: Duration = Duration::from_secs(2);

/// What a search looks at.
#[derive(Default)]
struct Files {
    /// With what each of them was.
    directories: BTreeMap<PathBuf, Option<Place>>,
    named: Vec<OsString>,
}

/// Where a directory is once links are followed, and its number.
type Place = (PathBuf, (u64, u64));

/// What the system has told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Files,
    /// A directory of the search went, and what watches it with it.
    Directory,
}

impl Files {
    /// The change that an event is, if it is one that a search would see.
    fn change(&self, event: &Event) -> Option<Change> {
        let is_directory = |path: &PathBuf| self.directories.contains_key(path);
        let concerns = |path: &PathBuf| {
            let extension = path.extension().unwrap_or_default();
            let named = path
                .file_name()
                .is_some_and(|name| self.named.iter().any(|known| known == name));
            let kinds = [env::consts::DLL_EXTENSION, SIGNATURE_EXTENSION];
            named || kinds.iter().any(|kind| *kind == extension) || is_directory(path)
        };
        let anything = event.need_rescan() || event.paths.is_empty();
        match event.kind {
            EventKind::Access(_) => None,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
                if event.paths.iter().any(is_directory) =>
            {
                Some(Change::Directory)
            }
            _ => (anything || event.paths.iter().any(concerns)).then_some(Change::Files),
        }
    }
}

/// Watches until it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it watches no more"]
pub struct Watch {
    /// Its drop ends the events, and with them the thread.
    _watcher: Arc<Mutex<RecommendedWatcher>>,
}

/// What the thread of a watch has. It keeps neither the watch nor the host.
struct Watching {
    host: Weak<Inner>,
    watcher: Weak<Mutex<RecommendedWatcher>>,
    told: Receiver<Change>,
    files: Arc<ArcSwap<Files>>,
    settled: Duration,
}

impl Watching {
    fn run(&self, report: impl Fn(Result<ReloadReport, HostError>)) {
        while let Some(host) = self.next() {
            let reload = AssertUnwindSafe(|| report(host.reload()));
            // The application's, or the host's: neither ends the watch.
            if panic::catch_unwind(reload).is_err() {
                tracing::error!("a reload or its report panicked; the watch goes on");
            }
        }
    }

    /// Waits until a change has settled; nothing when the host or the watch is gone.
    fn next(&self) -> Option<PluginHost> {
        let change = loop {
            match self.told.recv_timeout(LOOK) {
                Ok(change) => break change,
                Err(RecvTimeoutError::Timeout) if self.look(false)? => break Change::Files,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        };
        let change = self.settle(change)?;
        self.look(change == Change::Directory)?;
        self.host()
    }

    fn host(&self) -> Option<PluginHost> {
        let inner = self.host.upgrade()?;
        Some(PluginHost { inner })
    }

    fn settle(&self, mut change: Change) -> Option<Change> {
        let latest = Instant::now().checked_add(self.settled.saturating_mul(UNSETTLED));
        let left = || match latest {
            Some(latest) => latest.saturating_duration_since(Instant::now()),
            None => self.settled,
        };
        loop {
            match self.told.recv_timeout(self.settled.min(left())) {
                Ok(Change::Directory) => change = Change::Directory,
                Ok(Change::Files) => {}
                Err(RecvTimeoutError::Timeout) => return Some(change),
                // What had begun to change may not be whole, and nobody watches it any more.
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            if left().is_zero() {
                return Some(change);
            }
        }
    }

    /// Watches the directories that are in the places of those that were watched, all of them `again` if need be.
    /// Whether there were others; nothing when the host or the watch is gone.
    fn look(&self, again: bool) -> Option<bool> {
        let watcher = self.watcher.upgrade()?;
        let now = self.host()?.files();
        let before = self.files.load_full();
        if !again && before.directories == now.directories {
            return Some(false);
        }
        let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
        for path in before.directories.keys() {
            // It may be watched no more.
            drop(watcher.unwatch(path));
        }
        for path in now.directories.keys() {
            if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
                tracing::warn!(path = %path.display(), %error, "not watched any more");
            }
        }
        self.files.store(Arc::new(now));
        Some(true)
    }
}

impl PluginHost {
    /// Reloads, as [`PluginHost::reload`] does, when a library, signature or lock has changed in the directories of the
    /// search and none has for the time `settled`, or ten times `settled` after the first change: a file that is
    /// being copied is not complete, and one that changes without end must not keep others out. `report` is told, on
    /// a thread of its own, what became of it; should it panic, the watch goes on. Another directory in the place of one
    /// of these, put there or reached through a link that leads elsewhere now, is a change too, seen within two
    /// seconds, and watched from then on.
    ///
    /// What has not settled when the watch is dropped is not looked at. The watch does not keep the host alive.
    ///
    /// # Errors
    /// When the system does not watch a directory.
    pub fn watch(
        &self,
        settled: Duration,
        report: impl Fn(Result<ReloadReport, HostError>) + Send + 'static,
    ) -> Result<Watch, WatchError> {
        let (tell, told) = mpsc::channel();
        let files = Arc::new(ArcSwap::from_pointee(self.files()));
        let known = Arc::clone(&files);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let change = match event {
                Ok(event) => known.load().change(&event),
                // What is lost may be a change.
                Err(_) => Some(Change::Files),
            };
            if let Some(change) = change {
                // Nobody listens any more once the host is gone.
                let _ = tell.send(change);
            }
        });
        let mut watcher = watcher.map_err(WatchError::System)?;
        for path in files.load().directories.keys() {
            let watched = watcher.watch(path, RecursiveMode::NonRecursive);
            watched.map_err(|source| WatchError::Directory {
                path: path.clone(),
                source,
            })?;
        }
        let watcher = Arc::new(Mutex::new(watcher));
        let watching = Watching {
            host: Arc::downgrade(&self.inner),
            watcher: Arc::downgrade(&watcher),
            told,
            files,
            settled,
        };
        let thread = thread::Builder::new().name("plugin watch".to_owned());
        let spawned = thread.spawn(move || watching.run(report));
        spawned.map_err(WatchError::Thread)?;
        Ok(Watch { _watcher: watcher })
    }

    /// What a search would look at now.
    fn files(&self) -> Files {
        let place = |path: &Path| {
            let metadata = fs::metadata(path).ok()?;
            Some((fs::canonicalize(path).ok()?, number(&metadata)))
        };
        let directories = self.directories().into_iter();
        Files {
            directories: directories
                .map(|path| {
                    let place = place(&path);
                    (path, place)
                })
                .collect(),
            named: self.named_files(),
        }
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
