//! A copy of a file that nobody changes any more.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::TrustProblem;
use crate::artifact::{Artifact, ArtifactError, ArtifactProblem, MAX_FILE_LEN, open_library};

/// A copy of a file's bytes, with their digest. Nobody can change it: on Linux it is a sealed file in memory,
/// elsewhere a file in a directory that is its owner's alone.
#[derive(Debug)]
pub struct Snapshot {
    /// Where it can be opened, as long as the snapshot lives.
    path: PathBuf,
    sha256: String,
    len: u64,
    held: Held,
}

/// What keeps the copy where it is.
#[derive(Debug)]
pub(crate) enum Held {
    #[cfg(target_os = "linux")]
    Memory(File),
    Directory(TempDir),
}

impl Snapshot {
    /// Copies a file.
    ///
    /// # Errors
    /// What is no regular file of a length that is read, and what the system does not let be read or written.
    pub fn of(file: &Path) -> Result<Self, ArtifactProblem> {
        let (source, _) = open_library(file)?;
        // The file may grow meanwhile.
        Self::copy(source.take(MAX_FILE_LEN + 1), file)
    }

    fn copy(mut source: impl Read, name: &Path) -> Result<Self, ArtifactProblem> {
        let (mut copy, path, held) = Held::new(name)?;
        let mut digest = Sha256::new();
        let mut len = 0;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = source.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            copy.write_all(&buffer[..read])?;
            digest.update(&buffer[..read]);
            len += read as u64;
        }
        match len {
            0 => return Err(ArtifactProblem::Empty),
            len if len > MAX_FILE_LEN => return Err(ArtifactProblem::TooLong { found: len }),
            _ => {}
        }
        held.seal(&copy)?;
        Ok(Self {
            path,
            sha256: hexadecimal(&digest.finalize()),
            len,
            held,
        })
    }

    /// The digest of its bytes, in 64 lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a snapshot is never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Reads it from the start.
    ///
    /// # Errors
    /// The system's answer.
    pub fn reader(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// What the file says of itself; `path` is what it is known as.
    ///
    /// # Errors
    /// As [`Artifact::read`].
    pub fn artifact(&self, path: &Path) -> Result<Artifact, ArtifactError> {
        let file = self.reader().map_err(ArtifactProblem::from);
        file.and_then(|file| Artifact::from_file(file, path))
            .map_err(|problem| ArtifactError {
                path: path.to_owned(),
                problem,
            })
    }

    pub(super) fn content(&self) -> Result<File, TrustProblem> {
        self.reader().map_err(TrustProblem::Read)
    }

    /// Where it can be opened, as long as the snapshot lives.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is to be kept once it is mapped.
    pub(crate) fn into_held(self) -> Held {
        self.held
    }
}

/// The user that this process acts as, told from a file that it makes.
#[cfg(unix)]
pub(super) fn own_user() -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    let (file, _, _held) = Held::new(Path::new("owner"))?;
    Ok(file.metadata()?.uid())
}

impl Held {
    #[cfg(target_os = "linux")]
    fn new(name: &Path) -> io::Result<(File, PathBuf, Self)> {
        Self::by_name(name, Path::new("/proc/self/fd"))
    }

    /// A file in memory, or a private one where there is none that can be opened by its number among `open_files`.
    #[cfg(target_os = "linux")]
    fn by_name(name: &Path, open_files: &Path) -> io::Result<(File, PathBuf, Self)> {
        // Some systems allow none whose code may run, and some show no process its open files.
        Self::memory(name, open_files).or_else(|_| Self::private())
    }

    #[cfg(target_os = "linux")]
    fn memory(name: &Path, open_files: &Path) -> io::Result<(File, PathBuf, Self)> {
        use std::os::fd::AsRawFd;

        use rustix::fs::{MemfdFlags, memfd_create};

        // Debuggers show this name; the kernel takes no longer one.
        let mut label = name
            .file_name()
            .unwrap_or_default()
            .to_owned()
            .into_encoded_bytes();
        label.truncate(200);
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = File::from(memfd_create(label.as_slice(), flags)?);
        let path = open_files.join(file.as_raw_fd().to_string());
        // By that path it is read again and loaded.
        File::open(&path)?;
        Ok((file.try_clone()?, path, Self::Memory(file)))
    }

    #[cfg(not(target_os = "linux"))]
    fn new(_name: &Path) -> io::Result<(File, PathBuf, Self)> {
        Self::private()
    }

    /// A file in a directory that is this user's alone.
    fn private() -> io::Result<(File, PathBuf, Self)> {
        let mut directory = tempfile::Builder::new();
        directory.prefix("datafusion-plugin-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            directory.permissions(std::fs::Permissions::from_mode(0o700));
        }
        let directory = directory.tempdir()?;
        let path = directory
            .path()
            .join("plugin")
            .with_extension(std::env::consts::DLL_EXTENSION);
        Ok((File::create_new(&path)?, path, Self::Directory(directory)))
    }

    fn seal(&self, copy: &File) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Memory(_) => {
                use rustix::fs::{SealFlags, fcntl_add_seals};
                let all = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
                Ok(fcntl_add_seals(copy, all)?)
            }
            Self::Directory(_) => {
                let mut permissions = copy.metadata()?.permissions();
                permissions.set_readonly(true);
                copy.set_permissions(permissions)
            }
        }
    }

    /// Keeps what a mapped library needs, and cleans up the rest.
    pub(crate) fn keep(self) {
        match self {
            // Backtraces open it again by this number, and the loader takes a library of one name for
            // the same library: so no other file may ever get it.
            #[cfg(target_os = "linux")]
            Self::Memory(file) => std::mem::forget(file),
            // What is mapped cannot be removed there.
            Self::Directory(directory) if cfg!(windows) => drop(directory.keep()),
            Self::Directory(directory) => drop(directory),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn a_snapshot_is_what_the_file_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "abc").unwrap();
        let snapshot = Snapshot::of(&file).unwrap();
        fs::write(&file, "other").unwrap();
        let mut content = String::new();
        snapshot
            .reader()
            .unwrap()
            .read_to_string(&mut content)
            .unwrap();
        assert_eq!((content.as_str(), snapshot.len()), ("abc", 3));
        // The example of FIPS 180-2.
        assert_eq!(
            snapshot.sha256(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn both_kinds_of_copies_cannot_be_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "abc").unwrap();
        let (mut copy, path, held) = Held::new(&file).unwrap();
        copy.write_all(b"abc").unwrap();
        held.seal(&copy).unwrap();
        #[cfg(target_os = "linux")]
        {
            assert!(matches!(held, Held::Memory(_)), "{held:?}");
            copy.write_all(b"d").unwrap_err();
            copy.set_len(0).unwrap_err();
            let again = fs::OpenOptions::new().write(true).open(&path);
            assert!(again.and_then(|mut file| file.write_all(b"d")).is_err());
        }
        drop(path);
        let (copy, path, held) = Held::private().unwrap();
        held.seal(&copy).unwrap();
        assert!(fs::metadata(&path).unwrap().permissions().readonly());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let directory = fs::metadata(path.parent().unwrap()).unwrap();
            assert_eq!(directory.permissions().mode() & 0o777, 0o700);
        }
    }

    /// Guards a system whose `/proc` is not there or not this process's.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_memory_file_that_cannot_be_opened_again_is_none() {
        let (mut copy, path, held) =
            Held::by_name(Path::new("f"), Path::new("/no/such/directory")).unwrap();
        assert!(matches!(held, Held::Directory(_)), "{held:?}");
        copy.write_all(b"abc").unwrap();
        held.seal(&copy).unwrap();
        assert_eq!(fs::read(path).unwrap(), b"abc");
    }

    #[test]
    fn what_is_too_long_or_empty_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "").unwrap();
        let empty = Snapshot::of(&file).unwrap_err();
        assert!(matches!(empty, ArtifactProblem::Empty), "{empty}");
        fs::File::create(&file)
            .unwrap()
            .set_len(MAX_FILE_LEN + 1)
            .unwrap();
        let long = Snapshot::of(&file).unwrap_err().to_string();
        assert!(
            long.contains("expected at most 1073741824 bytes, found 1073741825"),
            "{long}"
        );
    }
}
