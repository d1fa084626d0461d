//! What a plugin was loaded from, by which a changed file is told.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::{self, File, Metadata},
    io::{self, BufRead, BufReader, Seek},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use crate::trust::Snapshot;

/// A file as it was when it was loaded.
#[derive(Debug)]
pub(super) struct Source {
    /// Of a copy that was loaded in its place.
    sha256: Option<String>,
    /// The file itself, where it was loaded in place: another may have its name by now.
    file: Option<File>,
    stamp: Option<Stamp>,
}

/// What a file system says of a file that nobody has written to.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    len: u64,
    modified: Option<SystemTime>,
}

/// The file system's number for a file or directory; the same for all where it has none.
pub(super) fn number(metadata: &Metadata) -> (u64, u64) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        (0, 0)
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: number(metadata),
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// Files that were opened in place, as they were then: the system's loader takes whatever bears the name of one for
/// that one, since none is unloaded.
static IN_PLACE: Mutex<BTreeMap<PathBuf, Stamp>> = Mutex::new(BTreeMap::new());

fn in_place() -> MutexGuard<'static, BTreeMap<PathBuf, Stamp>> {
    IN_PLACE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes note of a file that is about to be opened in place. Whether it may be: not if another one was opened under
/// its name.
pub(super) fn may_open_in_place(path: &Path) -> bool {
    let (Ok(name), Ok(metadata)) = (std::path::absolute(path), fs::metadata(path)) else {
        return true;
    };
    let now = Stamp::of(&metadata);
    match in_place().entry(name) {
        Entry::Occupied(first) => *first.get() == now,
        Entry::Vacant(none) => {
            none.insert(now);
            true
        }
    }
}

/// It was not opened.
pub(super) fn was_not_opened(path: &Path) {
    if let Ok(name) = std::path::absolute(path) {
        in_place().remove(&name);
    }
}

impl Source {
    /// What is about to be loaded. Where the file cannot be looked at, every other is another one.
    pub(super) fn of(path: &Path, snapshot: Option<&Snapshot>) -> Self {
        let metadata = fs::metadata(path);
        Self {
            sha256: snapshot.map(|snapshot| snapshot.sha256().to_owned()),
            file: match snapshot {
                None => File::open(path).ok(),
                Some(_) => None,
            },
            stamp: metadata.ok().map(|metadata| Stamp::of(&metadata)),
        }
    }

    /// The digest of what is mapped, where a copy is.
    pub(super) fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// Whether nobody has written to the file or put another in its place.
    pub(super) fn is_untouched(&self, path: &Path) -> bool {
        let now = fs::metadata(path).ok();
        now.is_some() && self.stamp == now.map(|metadata| Stamp::of(&metadata))
    }

    /// Whether a copy has the bytes that were loaded.
    pub(super) fn is_same(&self, copy: &Snapshot) -> io::Result<bool> {
        match (&self.sha256, &self.file) {
            (Some(sha256), _) => Ok(sha256 == copy.sha256()),
            (None, Some(file)) => {
                let metadata = file.metadata()?;
                // Written over in place, it says nothing of what was loaded.
                let as_before = self.stamp == Some(Stamp::of(&metadata));
                Ok(as_before && metadata.len() == copy.len() && same_bytes(file, copy.reader()?)?)
            }
            (None, None) => Ok(false),
        }
    }
}

fn same_bytes(mut file: &File, other: File) -> io::Result<bool> {
    file.rewind()?;
    let mut own = BufReader::with_capacity(1 << 16, file);
    let mut other = BufReader::with_capacity(1 << 16, other);
    loop {
        let (a, b) = (own.fill_buf()?, other.fill_buf()?);
        let both = a.len().min(b.len());
        if a[..both] != b[..both] {
            return Ok(false);
        }
        if both == 0 {
            return Ok(a.len() == b.len());
        }
        own.consume(both);
        other.consume(both);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_changed_byte_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin");
        let aside = folder.path().join("aside");
        let mut bytes = vec![7_u8; 200_000];
        fs::write(&path, &bytes).unwrap();
        let copy = || Snapshot::of(&path).unwrap();
        let sources = [Source::of(&path, None), Source::of(&path, Some(&copy()))];
        for source in &sources {
            assert!(source.is_untouched(&path));
            assert!(source.is_same(&copy()).unwrap());
        }
        let put = |bytes: &[u8]| {
            fs::write(&aside, bytes).unwrap();
            fs::rename(&aside, &path).unwrap();
        };
        put(&bytes);
        for source in &sources {
            assert!(!source.is_untouched(&path));
            assert!(source.is_same(&copy()).unwrap());
        }
        put(&bytes[1..]);
        assert!(
            sources
                .iter()
                .all(|source| !source.is_same(&copy()).unwrap())
        );
        bytes[150_000] = 8;
        put(&bytes);
        assert!(
            sources
                .iter()
                .all(|source| !source.is_same(&copy()).unwrap())
        );
        fs::remove_file(&path).unwrap();
        assert!(sources.iter().all(|source| !source.is_untouched(&path)));
    }
}
