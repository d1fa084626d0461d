//! What vouches for plugin files, and what plugins may do.

mod grants;
#[cfg(unix)]
mod interrupted;
mod loading;
mod locked;
#[cfg(unix)]
mod places;
mod signed;
mod ungranted;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../plugin_host/src/artifact/tests/library.rs"]
pub(super) mod library;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use datafusion_plugin_host::{
    CheckedPlugins, HostError, PluginHost, PluginHostBuilder,
    config::Config,
    trust::{Lock, LockEntry, Snapshot, Store},
};
use library::Library;
use plugin_tests::plugins::plugin;
use tempfile::TempDir;

/// A directory of plugin files, which are read and checked, but too small to be loaded.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(super::cli::library(name))
    }

    /// Writes the file of a plugin.
    fn plugin(&self, name: &'static str) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, bytes(name, "1.0.0")).unwrap();
        path
    }

    /// Installs a plugin; its file, by the name that it got.
    fn install(&self, name: &'static str) -> PathBuf {
        let outside = tempfile::tempdir().unwrap();
        let file = outside.path().join("f");
        fs::write(&file, bytes(name, "1.0.0")).unwrap();
        install(self.path(), &file, LockEntry::new(name, "1.0.0"))
    }

    fn lock(&self) -> Lock {
        Lock::read(self.lock_file()).unwrap().unwrap()
    }

    fn lock_file(&self) -> PathBuf {
        self.path().join("plugins.lock")
    }
}

/// Installs a file; where it is.
fn install(directory: &Path, file: &Path, entry: LockEntry) -> PathBuf {
    let store = Store::open(directory).unwrap();
    let name = entry.name.clone();
    let lock = store
        .install(&Snapshot::of(file).unwrap(), entry, &mut |_| {})
        .unwrap();
    store.directory().join(&lock.plugin(&name).unwrap().file)
}

/// A plugin library that says no more than its name and version.
fn bytes(name: &'static str, version: &'static str) -> Vec<u8> {
    let mut library = Library::with("name", name);
    library.records.retain(|(key, _)| *key != "version");
    library.records.push(("version", version));
    library.elf()
}

fn builder(config: &str) -> PluginHostBuilder {
    PluginHost::builder().config(Config::parse(config).unwrap())
}

/// The names of what was checked.
#[track_caller]
fn names(checked: Result<CheckedPlugins, HostError>) -> Vec<String> {
    let checked = checked.unwrap_or_else(|error| panic!("{error}"));
    let plugins = checked.plugins().iter();
    plugins
        .map(|plugin| plugin.artifact().manifest().name.clone())
        .collect()
}

#[track_caller]
fn assert_refused(checked: Result<CheckedPlugins, HostError>, parts: &[&str]) {
    let message = checked.unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// A compiled plugin without what debuggers need, which is most of it. It is made once and lies beside the plugin.
pub(super) fn compiled(package: &str) -> PathBuf {
    let from = plugin(package);
    let folder = from.parent().unwrap().join("stripped");
    let to = folder.join(from.file_name().unwrap());
    let modified = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    if modified(&to) > modified(&from) {
        return to;
    }
    fs::create_dir_all(&folder).unwrap();
    let new = tempfile::tempdir_in(&folder).unwrap();
    let copy = new.path().join("copy");
    let mut strip = Command::new("strip");
    strip.arg(if cfg!(target_os = "macos") {
        "-x"
    } else {
        "-S"
    });
    let stripped = strip.arg("-o").arg(&copy).arg(&from).status();
    if !stripped.is_ok_and(|status| status.success()) {
        fs::copy(&from, &copy).unwrap();
    }
    // In one step, as other tests may be at it as well.
    fs::rename(copy, &to).unwrap();
    to
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
