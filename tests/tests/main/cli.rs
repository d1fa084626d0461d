//! The command `plugin-host`, with compiled plugins.

mod check;
mod inspect;
mod installs;
mod list;
mod locks;
mod modes;
mod pack;
mod policy;
#[cfg(target_os = "linux")]
mod prompt;
#[cfg(unix)]
mod readers;
mod sql;
#[cfg(target_os = "linux")]
mod terminal;
mod trust;
mod upgrades;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use plugin_tests::plugins::{plugin, program};
use serde_json::Value;
use tempfile::TempDir;

/// The command in surroundings without plugins.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(program("plugin-host"));
    command
        .args(args)
        .env_remove("DATAFUSION_PLUGIN_PATH")
        .env_remove("XDG_DATA_HOME")
        .env("HOME", "/no/such/home")
        .env("RUST_BACKTRACE", "0");
    command
}

pub(crate) fn run(args: &[&str]) -> Ran {
    Ran::of(command(args).output().unwrap())
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, having ended well and without complaint; what it says of trust and grants is none.
    #[track_caller]
    pub(crate) fn clean(self) -> String {
        let complaint = self.complaints().next();
        assert_eq!((self.code, complaint), (Some(0), None), "{self:?}");
        self.stdout
    }

    /// What it says on stderr but for what it says of trust and grants.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = &str> {
        let told = ["plugin-host: trust: ", "plugin-host: not installed: "];
        let lines = self.stderr.lines();
        lines.filter(move |line| !told.iter().any(|told| line.starts_with(told)))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// A directory of plugins of its own, to be packed and spoiled.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Copies a plugin of the workspace into it.
    pub(crate) fn copy(&self, package: &str) -> PathBuf {
        let from = plugin(package);
        let to = self.0.path().join(from.file_name().unwrap());
        fs::copy(from, &to).unwrap();
        to
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &str {
        text(self.0.path())
    }

    /// The names of its files.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The file name of a library on this platform.
pub(crate) fn library(name: &str) -> String {
    format!("{name}.{}", env::consts::DLL_EXTENSION)
}

#[track_caller]
pub(crate) fn assert_no_control_characters(text: &str) {
    let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(harmful), "{text:?}");
}
