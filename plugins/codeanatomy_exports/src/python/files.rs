//! Which files are read, and by which partition.

use std::{
    iter,
    path::{Path, PathBuf},
};

use datafusion_common::{Result, plan_err};

/// Reads no folder.
///
/// # Errors
/// When it is no pattern and there is no such file, or the pattern is none.
pub(super) fn check(path_or_glob: &str) -> Result<()> {
    files(path_or_glob).map(drop)
}

/// The files of a path, folder or pattern, in the order of their paths. Folders are read as the files are
/// asked for.
///
/// # Errors
/// As [`check`].
pub(super) fn files(path_or_glob: &str) -> Result<Box<dyn Iterator<Item = PathBuf>>> {
    let path = Path::new(path_or_glob);
    if path.is_file() {
        return Ok(Box::new(iter::once(path.to_owned())));
    }
    let pattern = if path.is_dir() {
        let folder = glob::Pattern::escape(path_or_glob);
        format!("{}/**/*.py", folder.trim_end_matches('/'))
    } else if path_or_glob.contains(['*', '?', '[']) {
        path_or_glob.to_owned()
    } else {
        return plan_err!("python_syntax: there is no file or folder '{path_or_glob}'");
    };
    match glob::glob(&pattern) {
        // A folder that cannot be read has no files.
        Ok(paths) => Ok(Box::new(paths.flatten().filter(|path| path.is_file()))),
        Err(error) => plan_err!("python_syntax: '{path_or_glob}' is no pattern: {error}"),
    }
}

/// Shares files among at most `partitions`, so that each has about as many bytes: the largest file
/// goes to the partition with the fewest. Inside of a partition files keep their order.
pub(super) fn shared(files: Vec<PathBuf>, partitions: usize) -> Vec<Vec<PathBuf>> {
    let partitions = partitions.clamp(1, files.len().max(1));
    let size = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
    let mut by_size: Vec<_> = files.iter().map(size).enumerate().collect();
    by_size.sort_by_key(|&(at, size)| (std::cmp::Reverse(size), at));
    let mut shares = vec![(0_u64, Vec::new()); partitions];
    for (at, size) in by_size {
        if let Some(share) = shares.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            share.0 += size.max(1);
            share.1.push(at);
        }
    }
    let mut files: Vec<_> = files.into_iter().map(Some).collect();
    let shares = shares.into_iter().map(|(_, mut share)| {
        share.sort_unstable();
        share
            .into_iter()
            .filter_map(|at| files[at].take())
            .collect()
    });
    shares.collect()
}
