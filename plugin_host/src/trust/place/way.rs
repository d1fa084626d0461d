//! What a path leads through.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// How many links are followed, as on Linux.
const MAX_LINKS: usize = 40;

/// Where a path leads, and what settles that: none of the paths here has a link in it but for the last component of a link's.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The directories in which names are looked up; whether it is the name of the file, or of a link to it, so that who
    /// can put files there can exchange it.
    pub(super) directories: BTreeMap<PathBuf, bool>,
    /// The links.
    pub(super) links: Vec<PathBuf>,
    /// Where it ends, if that is a file, or a directory that files are to be put into.
    pub(super) end: Option<PathBuf>,
}

impl Way {
    /// The way to a file.
    pub(super) fn to_file(path: &Path) -> io::Result<Self> {
        let (mut way, end) = Self::follow(path, true)?;
        way.end = Some(end);
        Ok(way)
    }

    /// The way to a directory that files are to be put into.
    pub(super) fn to_directory(path: &Path) -> io::Result<Self> {
        let (mut way, end) = Self::follow(path, false)?;
        way.end = Some(end);
        Ok(way)
    }

    /// The way through a directory.
    pub(super) fn through(path: &Path) -> io::Result<Self> {
        let (mut way, end) = Self::follow(path, false)?;
        way.directories.entry(end).or_default();
        Ok(way)
    }

    fn follow(path: &Path, to_file: bool) -> io::Result<(Self, PathBuf)> {
        let mut way = Self::default();
        // From the end, as what a link says comes before what is left.
        let mut left: Vec<OsString> = Vec::new();
        let push = |left: &mut Vec<OsString>, path: &Path| {
            let names = path.components().rev();
            left.extend(names.map(|name| name.as_os_str().to_owned()));
        };
        push(&mut left, &std::path::absolute(path)?);
        let mut here = PathBuf::from("/");
        while let Some(name) = left.pop() {
            match Path::new(&name).components().next() {
                Some(Component::Normal(_)) => {}
                Some(Component::ParentDir) => {
                    here.pop();
                    continue;
                }
                Some(Component::RootDir) => {
                    here = PathBuf::from("/");
                    continue;
                }
                _ => continue,
            }
            let next = here.join(&name);
            let exchanges = to_file && left.is_empty();
            let known = way.directories.entry(here.clone()).or_default();
            *known |= exchanges;
            if !fs::symlink_metadata(&next)?.is_symlink() {
                here = next;
                continue;
            }
            if way.links.len() == MAX_LINKS {
                return Err(io::Error::other(format!("more than {MAX_LINKS} links")));
            }
            push(&mut left, &fs::read_link(&next)?);
            way.links.push(next);
        }
        Ok((way, here))
    }
}
