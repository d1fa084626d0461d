//! Which files are read, and by which partition.

use std::{
    cmp::Reverse,
    fs, io, iter,
    path::{self, Path, PathBuf},
};

use datafusion_common::{Result, plan_datafusion_err, plan_err};
use glob::{MatchOptions, Pattern, PatternError};

/// Reads no folder.
///
/// # Errors
/// When it is no pattern and there is no such file, or the pattern is none.
pub(super) fn check(path_or_glob: &str) -> Result<()> {
    files(path_or_glob).map(drop)
}

/// The files of a path, folder or pattern, in the order of their paths. Folders are read as the files are
/// asked for. One that cannot be read is among the files: reading it as one fails, too, and gives its row.
///
/// # Errors
/// As [`check`].
pub(super) fn files(path_or_glob: &str) -> Result<Box<dyn Iterator<Item = PathBuf>>> {
    let path = Path::new(path_or_glob);
    if path.is_file() {
        return Ok(Box::new(iter::once(path.to_owned())));
    }
    let pattern = if path.is_dir() {
        let folder = Pattern::escape(path_or_glob);
        format!("{}/**", folder.trim_end_matches('/'))
    } else if path_or_glob.contains(['*', '?', '[']) {
        path_or_glob.to_owned()
    } else {
        return plan_err!("python_syntax: there is no file or folder '{path_or_glob}'");
    };
    let no_pattern = |error: PatternError| {
        plan_datafusion_err!("python_syntax: '{path_or_glob}' is no pattern: {error}")
    };
    let (start, below) = split(&pattern);
    let found = glob::glob(&start).map_err(no_pattern)?;
    let found = found.map(|found| found.map_err(|error| error.path().to_owned()));
    let Some(below) = below else {
        return Ok(Box::new(found.filter_map(|found| match found {
            Ok(path) => path.is_file().then_some(path),
            Err(unreadable) => Some(unreadable),
        })));
    };
    let below = Pattern::new(&below).map_err(no_pattern)?;
    let files = found.flat_map(move |found| {
        let is_folder = found.as_ref().map_or(true, |path| path.is_dir());
        let start = Entry {
            path: found.unwrap_or_else(|unreadable| unreadable),
            below: String::new(),
            is_folder,
        };
        Below {
            pattern: below.clone(),
            todo: vec![start],
        }
    });
    Ok(Box::new(files))
}

/// A pattern up to its first `**`, and from there on. At its end `**` stands for all that ends in `.py`.
fn split(pattern: &str) -> (String, Option<String>) {
    let parts: Vec<_> = pattern.split(path::is_separator).collect();
    let Some(first) = parts.iter().position(|part| *part == "**") else {
        return (pattern.to_owned(), None);
    };
    let start = match parts[..first].join("/") {
        _ if first == 0 => ".".to_owned(),
        root if root.is_empty() => "/".to_owned(),
        start => start,
    };
    let mut below = parts[first..].join("/");
    if let [.., "**"] | [.., "**", ""] = parts.as_slice() {
        below = format!("{}/*.py", below.trim_end_matches('/'));
    }
    (start, Some(below))
}

/// The files below a folder whose paths from there match, depth first and by name, as `glob` has them. Unlike
/// `glob` it goes into no folder that is a link: what is behind one would come twice, or without an end.
struct Below {
    pattern: Pattern,
    /// What comes next is last.
    todo: Vec<Entry>,
}

struct Entry {
    path: PathBuf,
    /// The path from the folder, with slashes.
    below: String,
    is_folder: bool,
}

impl Below {
    fn open(&mut self, folder: &Entry) -> io::Result<()> {
        let entries = fs::read_dir(&folder.path)?;
        let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_cached_key(|entry| Reverse(entry.file_name()));
        let here = folder.path == Path::new(".");
        self.todo.extend(entries.into_iter().map(|entry| {
            let name = entry.file_name();
            let below = match folder.below.as_str() {
                "" => name.to_string_lossy().into_owned(),
                below => format!("{below}/{}", name.to_string_lossy()),
            };
            Entry {
                path: match here {
                    true => PathBuf::from(name),
                    false => entry.path(),
                },
                below,
                // A link is one, whatever it leads to.
                is_folder: entry.file_type().is_ok_and(|file_type| file_type.is_dir()),
            }
        }));
        Ok(())
    }
}

impl Iterator for Below {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        // In a pattern's parts, as `glob` has it, `*` is never more than one name.
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        while let Some(entry) = self.todo.pop() {
            if entry.is_folder {
                if self.open(&entry).is_err() {
                    return Some(entry.path);
                }
            } else if self.pattern.matches_with(&entry.below, options) && entry.path.is_file() {
                return Some(entry.path);
            }
        }
        None
    }
}

/// Shares files among at most `partitions`, so that each has about as many bytes: the largest file
/// goes to the partition with the fewest. Inside of a partition files keep their order.
pub(super) fn shared(files: Vec<PathBuf>, partitions: usize) -> Vec<Vec<PathBuf>> {
    let partitions = partitions.clamp(1, files.len().max(1));
    let size = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
    let mut by_size: Vec<_> = files.iter().map(size).enumerate().collect();
    by_size.sort_by_key(|&(at, size)| (Reverse(size), at));
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
