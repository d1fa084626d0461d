//! Changing a directory of plugins together with its lock.
//!
//! A file never changes: its name bears its digest. Installing puts the new file there, then replaces the
//! lock, then takes the old file away; removing replaces the lock, then takes the file away. Whatever
//! ends a change in the middle, the lock names files that are there, whole, and what it does not name is
//! not loaded. The next change of that plugin clears such leftovers away.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use tempfile::{Builder, NamedTempFile};
use thiserror::Error;

use super::{LOCK_FILE, Lock, LockEntry, LockError, Snapshot};

/// The file whose holder may change the directory. It stays, empty.
const BUSY_FILE: &str = ".plugins.busy";
/// How long another change of the directory is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".plugins.new.";

/// A directory of plugins that nobody else changes meanwhile.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    /// The lock's path.
    lock: PathBuf,
    /// Of the directory, and of the lock's where that is another one. The system lets go of them when the process
    /// ends, however it ends.
    _busy: Vec<File>,
}

/// What has just been done to a directory. A process may be ended behind any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Leftovers of an interrupted change are gone.
    Cleared,
    /// A part of the new file is written, under another name.
    PartWritten,
    /// The new file is whole and on disk, under another name.
    Written,
    /// The new file has its name.
    Placed,
    /// The new lock is on disk, under another name.
    LockWritten,
    /// The new lock is in force.
    Locked,
    /// The old file is gone.
    OldRemoved,
}

/// Why a directory was not changed. It is as it was, but for leftovers that are not loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file cannot be written, renamed or removed.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process keeps the directory for itself.
    #[error(
        "{}: held by {} for {} s and more, and nobody else changes the directory meanwhile; wait for its end, or \
         end it, and try again", path.display(), process(.holder), waited.as_secs()
    )]
    Busy {
        /// The file whose holder may change the directory.
        path: PathBuf,
        /// The process that holds it, where the system tells.
        holder: Option<u32>,
        /// How long it was waited for.
        waited: Duration,
    },
}

fn process(holder: &Option<u32>) -> String {
    match holder {
        Some(id) => format!("process {id}"),
        None => "another process".to_owned(),
    }
}

impl StoreError {
    fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            action,
            source,
        }
    }
}

impl Store {
    /// Makes the directory if need be, and waits until nobody else changes it.
    ///
    /// # Errors
    /// A directory that cannot be made or written to, or that another process changes for more than a minute.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let directory = made(directory)?;
        let lock = directory.join(LOCK_FILE);
        let busy = vec![busy(&directory, PATIENCE)?];
        Ok(Self {
            directory,
            lock,
            _busy: busy,
        })
    }

    /// The same with a lock that lies elsewhere, in a directory that is there, and may be that of several directories.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_lock(directory: &Path, lock: &Path) -> Result<Self, StoreError> {
        let directory = made(directory)?;
        let above = lock.parent().unwrap_or(Path::new("/"));
        let above = fs::canonicalize(above).map_err(StoreError::io(above, "cannot be resolved"))?;
        let Some(name) = lock.file_name() else {
            let error = io::Error::other("expected the path of a file");
            return Err(StoreError::io(lock, "cannot be a lock")(error));
        };
        let lock = above.join(name);
        // In one order for all processes, so that none waits for one that waits for it.
        let held = BTreeSet::from([directory.clone(), above]);
        let busy = held.iter().map(|directory| busy(directory, PATIENCE));
        let busy = busy.collect::<Result<_, _>>()?;
        Ok(Self {
            directory,
            lock,
            _busy: busy,
        })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The lock as it is now; without plugins where there is none.
    ///
    /// # Errors
    /// A lock that cannot be used.
    pub fn lock(&self) -> Result<Lock, LockError> {
        Ok(Lock::read(&self.lock)?.unwrap_or_else(|| Lock::new(&self.lock)))
    }

    /// The name that a plugin's file gets.
    fn file_name(plugin: &str, sha256: &str) -> String {
        let digits = sha256.get(..16).unwrap_or(sha256);
        format!("{plugin}-{digits}.{}", std::env::consts::DLL_EXTENSION)
    }

    /// Puts a plugin's file there and locks it, in place of one of that name. The entry gets its file's
    /// name, digest and size here. `on_step` is told how far it is.
    ///
    /// # Errors
    /// The directory has then what it had before.
    pub fn install(
        &self,
        snapshot: &Snapshot,
        mut entry: LockEntry,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<Lock, StoreError> {
        let mut lock = self.lock()?;
        self.clear(&entry.name, &lock)?;
        on_step(Step::Cleared);
        // Without a lock, a file would be loaded before it is locked.
        if !lock.path().exists() {
            self.write(&lock, on_step)?;
        }
        entry.file = Self::file_name(&entry.name, snapshot.sha256());
        snapshot.sha256().clone_into(&mut entry.sha256);
        entry.size = snapshot.len();
        let path = self.directory.join(&entry.file);
        let failed = |source| StoreError::Io {
            path: path.clone(),
            action: "cannot be written",
            source,
        };
        self.place(snapshot, &path, on_step).map_err(failed)?;
        let file = entry.file.clone();
        let old = lock.insert(entry);
        self.write(&lock, on_step)?;
        if let Some(old) = old.filter(|old| old.file != file) {
            remove_file(&self.directory, &old.file)?;
            on_step(Step::OldRemoved);
        }
        Ok(lock)
    }

    /// Takes a plugin out of the lock, and its file away; `None` when the lock does not have it.
    ///
    /// # Errors
    /// As [`Store::install`].
    pub fn remove(
        &self,
        plugin: &str,
        on_step: &mut dyn FnMut(Step),
    ) -> Result<Option<LockEntry>, StoreError> {
        let mut lock = self.lock()?;
        let Some(old) = lock.remove(plugin) else {
            return Ok(None);
        };
        self.write(&lock, on_step)?;
        remove_file(&self.directory, &old.file)?;
        on_step(Step::OldRemoved);
        self.clear(plugin, &lock)?;
        on_step(Step::Cleared);
        Ok(Some(old))
    }

    fn place(
        &self,
        snapshot: &Snapshot,
        path: &Path,
        on_step: &mut dyn FnMut(Step),
    ) -> io::Result<()> {
        let mut new = unfinished(&self.directory)?;
        let mut source = snapshot.reader()?;
        let part = snapshot.len() / 2;
        io::copy(&mut io::Read::take(&mut source, part), &mut new)?;
        on_step(Step::PartWritten);
        io::copy(&mut source, &mut new)?;
        readable(new.as_file())?;
        new.as_file().sync_all()?;
        on_step(Step::Written);
        new.persist(path).map_err(|error| error.error)?;
        sync(&self.directory);
        on_step(Step::Placed);
        Ok(())
    }

    fn write(&self, lock: &Lock, on_step: &mut dyn FnMut(Step)) -> Result<(), StoreError> {
        let mut write = || {
            let mut new = unfinished(self.locks_directory())?;
            new.write_all(lock.to_string().as_bytes())?;
            readable(new.as_file())?;
            new.as_file().sync_all()?;
            on_step(Step::LockWritten);
            new.persist(lock.path()).map_err(|error| error.error)?;
            sync(self.locks_directory());
            on_step(Step::Locked);
            Ok(())
        };
        write().map_err(StoreError::io(lock.path(), "cannot be replaced"))
    }

    /// Removes unfinished files, and files of the plugin that were placed and are not in the lock.
    fn clear(&self, plugin: &str, lock: &Lock) -> Result<(), StoreError> {
        for directory in BTreeSet::from([self.directory.as_path(), self.locks_directory()]) {
            let failed = StoreError::io(directory, "cannot be read");
            let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            for entry in entries.map_err(failed)? {
                let name = entry.file_name();
                let Some(name) = name.to_str() else { continue };
                let unlocked = || lock.plugin_of_file(Path::new(name)).is_none();
                let leftover = name.starts_with(UNFINISHED)
                    || (directory == self.directory && placed(name) == Some(plugin) && unlocked());
                if leftover {
                    remove_file(directory, name)?;
                }
            }
        }
        Ok(())
    }

    fn locks_directory(&self) -> &Path {
        self.lock.parent().unwrap_or(&self.directory)
    }
}

/// The directory, made if need be.
fn made(directory: &Path) -> Result<PathBuf, StoreError> {
    fs::create_dir_all(directory).map_err(StoreError::io(directory, "cannot be made"))?;
    fs::canonicalize(directory).map_err(StoreError::io(directory, "cannot be resolved"))
}

/// Waits until nobody else changes a directory.
fn busy(directory: &Path, patience: Duration) -> Result<File, StoreError> {
    let path = directory.join(BUSY_FILE);
    let busy = busy_file(&path).map_err(StoreError::io(&path, "cannot be opened"))?;
    let begun = Instant::now();
    loop {
        match busy.try_lock() {
            Ok(()) => return Ok(busy),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Busy {
                    holder: holder(&busy),
                    path,
                    waited: patience,
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::io(&path, "cannot be locked")(source));
            }
        }
    }
}

/// Opens the file whose holder may change a directory. Nobody but its owner may open it: whoever can open a file
/// can hold it, be it for reading alone.
fn busy_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;

        // Neither what a link leads to, which would get other permissions here, nor a pipe that waits for a reader.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};

        let metadata = file.metadata()?;
        // Earlier versions let everybody read it.
        if metadata.is_file() && metadata.nlink() == 1 && metadata.mode() & 0o077 != 0 {
            // Only its owner can.
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
    Ok(file)
}

/// The process that holds a file, where the system tells.
fn holder(file: &File) -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::fs::MetadataExt;

        use rustix::fs::{major, minor};

        let metadata = file.metadata().ok()?;
        let (device, inode) = (metadata.st_dev(), metadata.st_ino());
        let place = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
        let locks = fs::read_to_string("/proc/locks").ok()?;
        // `1: FLOCK  ADVISORY  WRITE 4711 08:01:815 0 EOF`
        let mut locks = locks.lines().map(|line| line.split_whitespace());
        let held = locks.find_map(|mut words| {
            let kind = words.nth(1)?;
            let id = words.nth(2)?;
            (kind == "FLOCK" && words.next()? == place).then_some(id)
        });
        // One of another namespace has the number 0.
        held?.parse().ok().filter(|id| *id != 0)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        None
    }
}

fn remove_file(directory: &Path, name: &str) -> Result<(), StoreError> {
    let path = directory.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io(&path, "cannot be removed")(error))
        }
        _ => {
            sync(directory);
            Ok(())
        }
    }
}

fn unfinished(directory: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(UNFINISHED).tempfile_in(directory)
}

/// Renames last once the directory is on disk; not every system can do that.
fn sync(directory: &Path) {
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

/// The plugin of a file that has a name as [`Store::install`] gives it: `None` for any other name.
pub(super) fn placed(name: &str) -> Option<&str> {
    let rest = name.strip_suffix(std::env::consts::DLL_SUFFIX)?;
    let (plugin, digits) = rest.rsplit_once('-')?;
    let digest = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (digest && !plugin.is_empty()).then_some(plugin)
}

/// Everybody may read it, its owner alone may write.
fn readable(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Guards that whoever can hold the file does not stop every change for ever.
    #[test]
    fn a_directory_that_somebody_keeps_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let short = Duration::from_millis(50);
        let held = busy(folder.path(), short).unwrap();
        let message = busy(folder.path(), short).unwrap_err().to_string();
        let path = folder.path().join(BUSY_FILE);
        let begin = format!("{}: held by ", path.display());
        assert!(message.starts_with(&begin), "{message}");
        #[cfg(target_os = "linux")]
        if holder(&held).is_some() {
            let own = format!("held by process {} for", std::process::id());
            assert!(message.contains(&own), "{message}");
        }
        drop(held);
        busy(folder.path(), short).unwrap();
    }

    /// Guards that others cannot hold the file: on Unix, it takes no more than opening it to read.
    #[test]
    #[cfg(unix)]
    fn the_busy_file_is_its_owners_alone() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(BUSY_FILE);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open = || busy(folder.path(), Duration::ZERO);
        drop(open().unwrap());
        assert_eq!(mode(&path), 0o600);
        // That of an earlier version.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        drop(open().unwrap());
        assert_eq!(mode(&path), 0o600);
        // A link would have the permissions of another file changed.
        let other = folder.path().join("other");
        fs::rename(&path, &other).unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&other, &path).unwrap();
        let message = open().unwrap_err().to_string();
        assert!(message.contains("cannot be opened"), "{message}");
        assert_eq!(mode(&other), 0o644);
    }
}
