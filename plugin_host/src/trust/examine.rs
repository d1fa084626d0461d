//! Examining files before they are loaded.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Grant, LOCK_FILE, Lock, LockEntry, LockError, Signature, Snapshot, TrustMode, TrustProblem,
    place, signature_path, store,
};
use crate::{
    artifact::{Artifact, ArtifactError, ArtifactProblem},
    config::Config,
    discover::{Candidate, Origin, SearchPath},
    error::{LoadFailure, LoadProblem},
};

/// Examines files by a configuration: where they lie, and what vouches for them.
#[derive(Debug)]
pub struct Trust<'a> {
    config: &'a Config,
    /// By the path of the lock.
    locks: HashMap<PathBuf, Option<Arc<Lock>>>,
}

/// What became of a file.
#[derive(Debug)]
pub enum Examined {
    /// It is a plugin that may be loaded, if it suits the host.
    Plugin(Box<Checked>),
    /// It is not to be loaded; why.
    PassedOver(String),
    /// It is not to be loaded: the directory's lock does not name it.
    NotLocked(String),
}

/// A plugin file whose bytes were checked.
#[derive(Debug)]
pub struct Checked {
    pub(crate) artifact: Artifact,
    pub(crate) basis: TrustBasis,
    /// What was checked; `None` where nothing vouches for the bytes.
    pub(crate) snapshot: Option<Snapshot>,
    /// What the lock lets these bytes do.
    pub(crate) granted: BTreeSet<Grant>,
}

impl Checked {
    /// What the file says of itself.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The same in a copy that nobody changes: what takes the place of a mapped file has to be opened by another
    /// name.
    pub(crate) fn copied(mut self) -> Result<Self, ArtifactError> {
        if self.snapshot.is_none() {
            let path = self.artifact.path().to_owned();
            let snapshot = Snapshot::of(&path);
            let unreadable = |problem| ArtifactError {
                path: path.clone(),
                problem,
            };
            let snapshot = snapshot.map_err(unreadable)?;
            self.artifact = snapshot.artifact(&path)?;
            self.snapshot = Some(snapshot);
        }
        Ok(self)
    }

    /// Why it may be loaded.
    pub fn basis(&self) -> &TrustBasis {
        &self.basis
    }

    /// What the lock lets these very bytes do.
    pub fn granted(&self) -> &BTreeSet<Grant> {
        &self.granted
    }
}

/// Why a file may be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustBasis {
    /// What had to vouch for it.
    pub mode: TrustMode,
    /// The lock that has its digest.
    pub lock: Option<PathBuf>,
    /// The digest of what is loaded; `None` in mode `any`, where it is not asked for.
    pub sha256: Option<String>,
    /// The key whose signature was verified, now or when it was locked.
    pub signer: Option<String>,
}

impl<'a> Trust<'a> {
    /// By a configuration.
    pub fn new(config: &'a Config) -> Self {
        Self {
            config,
            locks: HashMap::new(),
        }
    }

    /// The mode for files of a directory, and the lock there is.
    ///
    /// # Errors
    /// A lock that cannot be used.
    pub fn mode(&mut self, directory: &Path) -> Result<(TrustMode, Option<Arc<Lock>>), LockError> {
        let path = self.lock_path(directory);
        let lock = match self.locks.get(&path) {
            Some(known) => known.clone(),
            None => {
                let lock = Lock::read(&path)?.map(Arc::new);
                self.locks.insert(path, lock.clone());
                lock
            }
        };
        let trust = &self.config.trust;
        let mode = match trust.mode {
            Some(mode) => mode,
            None if lock.is_some() || trust.lock.is_some() => TrustMode::Locked,
            // Whoever lists keys wants them to count.
            None if !trust.keys.is_empty() => TrustMode::Signed,
            None => TrustMode::Any,
        };
        Ok((mode, lock))
    }

    fn lock_path(&self, directory: &Path) -> PathBuf {
        match &self.config.trust.lock {
            Some(lock) => lock.clone(),
            None => directory.join(LOCK_FILE),
        }
    }

    /// Reads the locks of the directories that will be searched, so that [`Trust::is_current`] covers the search.
    pub(crate) fn read_locks(&mut self, search: &SearchPath) {
        for (_, path) in search.paths().filter(|(_, path)| path.is_dir()) {
            if let Ok(directory) = fs::canonicalize(path) {
                // A lock that cannot be used is told of with the files.
                let _ = self.mode(&directory);
            }
        }
    }

    /// Whether the locks are those that were read. If not, a directory was changed meanwhile, and files and lock that were
    /// seen may not belong together.
    pub(crate) fn is_current(&self) -> bool {
        self.locks.iter().all(|(path, known)| {
            let now = Lock::read(path);
            now.is_ok_and(|now| now.as_ref() == known.as_deref())
        })
    }

    /// Files of locks that lie in none of the directories searched: what is locked must be there.
    pub fn missing(&mut self, search: &SearchPath) -> Vec<LoadFailure> {
        let mut searched: Vec<(Arc<Lock>, Vec<PathBuf>)> = Vec::new();
        for (_, path) in search.paths().filter(|(_, path)| path.is_dir()) {
            // A lock that cannot be used is told of with the files.
            if let Ok((TrustMode::Locked, Some(lock))) = self.mode(path) {
                match searched
                    .iter_mut()
                    .find(|(known, _)| Arc::ptr_eq(known, &lock))
                {
                    Some((_, directories)) => directories.push(path.to_owned()),
                    None => searched.push((lock, vec![path.to_owned()])),
                }
            }
        }
        let mut failures = Vec::new();
        for (lock, directories) in &searched {
            let gone = |entry: &&LockEntry| {
                let there = |directory: &PathBuf| directory.join(&entry.file).exists();
                self.config.plugin(&entry.name).enabled && !directories.iter().any(there)
            };
            failures.extend(lock.plugins().iter().filter(gone).map(|entry| {
                let file = directories[0].join(&entry.file);
                LoadFailure {
                    path: file.clone(),
                    problem: LoadProblem::Trust(TrustProblem::Missing {
                        plugin: entry.name.clone(),
                        lock: lock.path().to_owned(),
                        file,
                    }),
                }
            }));
        }
        failures
    }

    /// Examines a file. Nothing of it is executed.
    ///
    /// # Errors
    /// What is no plugin, and what is not trusted.
    pub fn examine(&mut self, candidate: &Candidate) -> Result<Examined, LoadProblem> {
        let path = &candidate.path;
        let unreadable = |problem: ArtifactProblem| {
            LoadProblem::Artifact(ArtifactError {
                path: path.clone(),
                problem,
            })
        };
        let directory = directory_of(path).map_err(|error| unreadable(error.into()))?;
        let (mode, lock) = self.mode(&directory).map_err(TrustProblem::from)?;
        if let Some(lock) = &lock {
            self.check_lock(lock)?;
        }
        let named = candidate.origin == Origin::PluginFile;
        // In the other modes, too, what an interrupted change left is none of the directory's plugins.
        if let (Some(lock), false) = (&lock, named)
            && lock.plugin_of_file(path).is_none()
            && (mode == TrustMode::Locked || is_placed(path))
        {
            let lock = lock.path().display();
            return Ok(Examined::NotLocked(format!(
                "not in {lock}; review it and add it with 'plugin-host install'"
            )));
        }
        let snapshot = match mode {
            TrustMode::Any => None,
            TrustMode::Locked | TrustMode::Signed => Some(Snapshot::of(path).map_err(unreadable)?),
        };
        // Other bytes are told of as such, whatever they are.
        let of_file = lock.as_deref().and_then(|lock| lock.plugin_of_file(path));
        if let (TrustMode::Locked, Some(snapshot), Some(lock), Some(entry)) =
            (mode, &snapshot, lock.as_deref(), of_file)
            && self.config.plugin(&entry.name).enabled
        {
            same_bytes(snapshot, entry, lock)?;
        }
        let artifact = match &snapshot {
            Some(snapshot) => snapshot.artifact(path),
            None => Artifact::read(path),
        };
        let artifact = match artifact {
            // A directory may hold libraries that plugins depend on.
            Err(error) if matches!(error.problem, ArtifactProblem::NoManifest { .. }) && !named => {
                return Ok(Examined::PassedOver(error.problem.to_string()));
            }
            artifact => artifact.map_err(LoadProblem::Artifact)?,
        };
        let name = &artifact.manifest().name;
        if !self.config.plugin(name).enabled {
            return Ok(Examined::PassedOver(format!(
                "plugin '{name}' is disabled in the configuration"
            )));
        }
        let lies = place::check(path, &self.config.trust);
        lies.map_err(|error| unreadable(error.into()))??;
        let mut basis = TrustBasis {
            mode,
            lock: None,
            sha256: snapshot
                .as_ref()
                .map(|snapshot| snapshot.sha256().to_owned()),
            signer: None,
        };
        let entry = lock.as_ref().and_then(|lock| lock.plugin(name));
        if let Some(snapshot) = &snapshot {
            match mode {
                TrustMode::Locked => {
                    let lock = lock.as_deref().ok_or_else(|| TrustProblem::NoLock {
                        path: self.lock_path(&directory),
                    })?;
                    let entry = entry.ok_or_else(|| TrustProblem::NotLocked {
                        plugin: name.clone(),
                        lock: lock.path().to_owned(),
                    })?;
                    same_bytes(snapshot, entry, lock)?;
                    basis.signer.clone_from(&entry.signer);
                }
                _ => basis.signer = Some(self.signer(snapshot, path, entry, lock.as_deref())?),
            }
        }
        let granted = match (entry, &basis.sha256) {
            // What was granted was granted to the bytes that were locked.
            (Some(entry), Some(found)) if entry.sha256 == *found => {
                basis.lock = lock.as_ref().map(|lock| lock.path().to_owned());
                entry.capabilities.clone()
            }
            _ => BTreeSet::new(),
        };
        Ok(Examined::Plugin(Box::new(Checked {
            artifact,
            basis,
            snapshot,
            granted,
        })))
    }

    /// Whoever can change the lock decides on plugins.
    fn check_lock(&self, lock: &Lock) -> Result<(), TrustProblem> {
        place::check_owners(lock.path(), &self.config.trust).map_err(|error| LockError {
            path: lock.path().to_owned(),
            problem: error.into(),
        })?
    }

    /// Whether a plugin that is put into a directory would lie where plugins may lie, and its lock where locks may. Neither
    /// need be there yet.
    ///
    /// # Errors
    /// The problem with the place, or a lock that cannot be used.
    pub fn check_directory(&mut self, directory: &Path) -> Result<(), TrustProblem> {
        let (_, lock) = self.mode(directory)?;
        if let Some(lock) = &lock {
            self.check_lock(lock)?;
        }
        let path = self.lock_path(directory);
        for place in [Some(directory), path.parent()].into_iter().flatten() {
            place::check_directory(place, &self.config.trust).map_err(|error| LockError {
                path: place.to_owned(),
                problem: error.into(),
            })??;
        }
        Ok(())
    }

    /// The key whose signature vouches for a file.
    fn signer(
        &self,
        snapshot: &Snapshot,
        path: &Path,
        entry: Option<&LockEntry>,
        lock: Option<&Lock>,
    ) -> Result<String, TrustProblem> {
        let keys = &self.config.trust.keys;
        if keys.is_empty() {
            return Err(TrustProblem::NoKeys);
        }
        let signature = match Signature::beside(path)? {
            Some(signature) => signature,
            None => match entry.and_then(LockEntry::parsed_signature) {
                Some(signature) => signature.map_err(|problem| TrustProblem::Signature {
                    path: lock.map(Lock::path).unwrap_or(path).to_owned(),
                    problem,
                })?,
                None => {
                    return Err(TrustProblem::Unsigned {
                        expected: keys.iter().map(super::PublicKey::id).collect(),
                        path: signature_path(path),
                    });
                }
            },
        };
        let signer = signature.verify(keys, snapshot.content()?)?;
        Ok(signer.to_string())
    }
}

fn same_bytes(snapshot: &Snapshot, entry: &LockEntry, lock: &Lock) -> Result<(), TrustProblem> {
    let lock = lock.path().to_owned();
    if snapshot.len() != entry.size {
        return Err(TrustProblem::Size {
            lock,
            expected: entry.size,
            found: snapshot.len(),
        });
    }
    if snapshot.sha256() != entry.sha256 {
        return Err(TrustProblem::Digest {
            lock,
            expected: entry.sha256.clone(),
            found: snapshot.sha256().to_owned(),
        });
    }
    Ok(())
}

/// Whether `plugin-host install` put a file there, told from its name.
fn is_placed(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    name.and_then(store::placed).is_some()
}

/// The directory that a path names its file in, whatever the path leads to.
fn directory_of(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    fs::canonicalize(absolute.parent().unwrap_or(Path::new("/")))
}
