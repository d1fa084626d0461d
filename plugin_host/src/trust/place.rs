//! Where a file lies: nobody but those who may decide on plugins can put one there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{TrustConfig, TrustProblem};

/// The file that a path leads to, when it lies where plugins may lie.
///
/// # Errors
/// A path that cannot be followed, or the problem.
pub(super) fn check(
    path: &Path,
    config: &TrustConfig,
) -> io::Result<Result<PathBuf, TrustProblem>> {
    if path.is_relative() && !config.allow_relative_paths {
        return Ok(Err(TrustProblem::RelativePath {
            path: path.to_owned(),
        }));
    }
    let file = fs::canonicalize(path)?;
    let absolute = std::path::absolute(path)?;
    let directory = fs::canonicalize(absolute.parent().unwrap_or(Path::new("/")))?;
    if !file.starts_with(&directory) && !config.allow_outside_links {
        return Ok(Err(TrustProblem::OutsideLink {
            expected: directory,
            found: file,
        }));
    }
    if !config.allow_writable_directories {
        let own = file.parent().unwrap_or(&directory);
        let places = [file.as_path(), own, directory.as_path()];
        for (above, place) in places
            .into_iter()
            .map(|place| (false, place))
            .chain(directory.ancestors().skip(1).map(|place| (true, place)))
            // The way there as it was named, on which links may lie.
            .chain(absolute.ancestors().skip(2).map(|place| (true, place)))
        {
            if let Some(problem) = writable(place, above)? {
                return Ok(Err(problem));
            }
        }
    }
    Ok(Ok(file))
}

/// Whether others can write to a place, told from its permissions, which are the same for whoever asks.
///
/// In a directory above, a file of somebody else's can only be renamed when the directory is not
/// sticky. The group of a user's own, which has the user's number (see `pam_umask(8)`), is not others.
#[cfg(unix)]
fn writable(path: &Path, above: bool) -> io::Result<Option<TrustProblem>> {
    use std::os::unix::fs::MetadataExt;
    const GROUP: u32 = 0o020;
    const OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let metadata = fs::metadata(path)?;
    let found = metadata.mode() & 0o7777;
    let private_group = metadata.uid() == metadata.gid() && metadata.uid() != 0;
    let harmful = match above {
        true if found & STICKY != 0 => 0,
        true => OTHERS,
        false if private_group => OTHERS,
        false => OTHERS | GROUP,
    };
    Ok((found & harmful != 0).then(|| TrustProblem::Writable {
        path: path.to_owned(),
        expected: found & !harmful,
        found,
    }))
}

/// Permissions are not told by numbers there.
#[cfg(not(unix))]
fn writable(_path: &Path, _above: bool) -> io::Result<Option<TrustProblem>> {
    Ok(None)
}
