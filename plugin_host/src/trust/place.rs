//! Where a file lies: nobody but those who may decide on plugins can put one there.

use std::{fs, io, path::Path};

use super::{TrustConfig, TrustProblem};

#[cfg(unix)]
mod owners;
#[cfg(unix)]
mod way;

#[cfg(unix)]
use self::{owners::harmed, way::Way};

/// Whether a plugin's file lies where plugins may lie.
///
/// # Errors
/// A path that cannot be followed, or the problem.
pub(super) fn check(path: &Path, config: &TrustConfig) -> io::Result<Result<(), TrustProblem>> {
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
    check_owners(path, config)
}

/// Whether nobody else can change a file, or what is found under its path.
///
/// # Errors
/// As [`check`].
pub(super) fn check_owners(
    file: &Path,
    config: &TrustConfig,
) -> io::Result<Result<(), TrustProblem>> {
    #[cfg(unix)]
    if !config.allow_writable_directories {
        return Ok(harmed(&Way::to_file(file)?)?.map_or(Ok(()), Err));
    }
    // Permissions are not told by numbers elsewhere.
    let _ = (file, config);
    Ok(Ok(()))
}

/// Whether nobody else can put files into a directory, or another one in its place; of one that is to be made,
/// whether those above are so.
///
/// # Errors
/// As [`check`].
pub(super) fn check_directory(
    directory: &Path,
    config: &TrustConfig,
) -> io::Result<Result<(), TrustProblem>> {
    #[cfg(unix)]
    if !config.allow_writable_directories {
        let directory = std::path::absolute(directory)?;
        let way = match directory.ancestors().find(|above| above.exists()) {
            Some(there) if there == directory => Way::to_directory(there)?,
            above => Way::through(above.unwrap_or(Path::new("/")))?,
        };
        return Ok(harmed(&way)?.map_or(Ok(()), Err));
    }
    let _ = (directory, config);
    Ok(Ok(()))
}
