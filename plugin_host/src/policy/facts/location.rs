//! Where a location is, however it is written.

use std::path::{Component, Path, PathBuf};

use datafusion::datasource::listing::ListingTableUrl;
use datafusion_plugin_api::abi::message::{LocationUse, LocationUsed};

/// A location of a statement.
pub(in super::super) fn location(written: &str, used: LocationUsed) -> LocationUse {
    LocationUse {
        location: written.to_owned(),
        resolved: resolved(written).unwrap_or_default(),
        used,
    }
}

fn resolved(written: &str) -> Option<String> {
    let url = ListingTableUrl::parse(written).ok()?;
    let (store, prefix) = (url.object_store(), url.prefix());
    let path = match url.scheme() {
        "file" => real(&Path::new("/").join(prefix.as_ref()))
            .to_str()?
            .to_owned(),
        _ => format!("/{prefix}"),
    };
    let end = match url.is_collection() && !path.ends_with('/') {
        true => "/",
        false => "",
    };
    let store = store.as_str().trim_end_matches('/');
    let store = if store == "file:" { "file://" } else { store };
    Some(format!("{store}{path}{end}"))
}

/// The path without `.` and `..`, and without symbolic links as far as it exists.
fn real(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    let mut rest = Vec::new();
    let mut existing = clean.as_path();
    loop {
        if let Ok(real) = existing.canonicalize() {
            return rest.iter().rev().fold(real, |path, part| path.join(part));
        }
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                existing = parent;
            }
            _ => return clean,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn one_place_has_one_name() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("a b")).unwrap();
        std::fs::write(real.join("a b/x.csv"), "").unwrap();
        let expected = format!("file://{}/a b/x.csv", real.display());
        let mut ways = vec![
            format!("{}/a b/x.csv", real.display()),
            format!("{}/./a b/../a b/x.csv", real.display()),
            format!("file://{}/a%20b/x.csv", real.display()),
            format!("file://{}/z/../a%20b/x.csv", real.display()),
        ];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(real.join("a b"), real.join("link")).unwrap();
            ways.push(format!("{}/link/x.csv", real.display()));
        }
        for way in ways {
            assert_eq!(resolved(&way).unwrap(), expected, "{way}");
        }
    }

    #[test]
    fn what_lists_ends_before_its_wildcards() {
        let listed = resolved("/no/such/folder/*/x.csv").unwrap();
        assert_eq!(listed, "file:///no/such/folder/");
        assert_eq!(resolved("s3://bucket/a%2Db/").unwrap(), "s3://bucket/a-b/");
    }
}
