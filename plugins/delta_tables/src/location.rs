//! Where a table is.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    io::ErrorKind,
    path::Path,
};

use datafusion::{common::plan_err, error::Result};
use deltalake::table::builder::parse_table_uri;
use url::Url;

/// A table's place, and the settings of the object store that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    url: Url,
    storage: HashMap<String, String>,
}

impl Location {
    /// A path or URL of a table. A local one must be a directory that exists and can be read; none
    /// is made.
    pub(crate) fn parse(text: &str, storage: &BTreeMap<String, String>) -> Result<Self> {
        if text.is_empty() {
            return plan_err!("the location of a Delta table is empty");
        }
        let url = match Url::parse(text) {
            // A single letter is a drive of Windows.
            Ok(url) if url.scheme().len() > 1 => {
                if let Ok(path) = url.to_file_path() {
                    directory(&path)?;
                }
                parse_table_uri(text)
            }
            _ => {
                let path = Path::new(text);
                directory(path)?;
                parse_table_uri(text)
            }
        };
        let url = match url {
            Ok(url) => url,
            Err(error) => return plan_err!("'{text}' is no location of a Delta table: {error}"),
        };
        let storage = storage.clone().into_iter().collect();
        Ok(Self { url, storage })
    }

    /// The table's URL.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Settings of the object store.
    pub(crate) fn storage(&self) -> &HashMap<String, String> {
        &self.storage
    }
}

fn directory(path: &Path) -> Result<()> {
    match fs::read_dir(path) {
        Ok(_) => Ok(()),
        Err(error) => {
            let path = path.display();
            match error.kind() {
                ErrorKind::NotFound => plan_err!("there is no directory '{path}'"),
                ErrorKind::NotADirectory => plan_err!("'{path}' is not a directory"),
                _ => plan_err!("cannot read the directory '{path}': {error}"),
            }
        }
    }
}

impl fmt::Display for Location {
    /// The path of a local table, the URL of another.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.url.to_file_path() {
            Ok(path) => write!(f, "{}", path.display()),
            Err(()) => f.write_str(self.url.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Location::parse(text, &BTreeMap::new())
            .unwrap_err()
            .strip_backtrace()
    }

    #[test]
    fn what_is_no_directory_is_refused_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let text = missing.display().to_string();
        assert!(message(&text).contains("there is no directory"), "{text}");
        assert!(message(&format!("file://{text}")).contains("there is no directory"));
        assert!(!missing.exists());
        fs::write(&missing, "").unwrap();
        assert!(message(&text).contains("is not a directory"));
        assert!(message("").contains("empty"));
        assert!(message("ftp://a/b").contains("Unknown scheme"));
    }

    #[test]
    fn paths_and_urls_are_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b%c");
        fs::create_dir(&path).unwrap();
        let text = path.display().to_string();
        let one = Location::parse(&text, &BTreeMap::new()).unwrap();
        let url = Url::from_directory_path(&path).unwrap();
        let other = Location::parse(url.as_str(), &BTreeMap::new()).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), text);
    }
}
