//! Where the workspace's plugins and programs are, built if need be.
//!
//! The first question in a process runs one `cargo build --workspace` with the profile and the target
//! directory of the running test. The whole workspace is selected because Cargo unifies features over
//! what it builds: after `cargo test --workspace` there is nothing left to compile.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The shared library of the plugin crate `package`, as Cargo leaves it: unpacked.
///
/// Tests must not change the file; copy it first.
///
/// # Panics
/// If the workspace does not build, or has no such plugin.
pub fn plugin(package: &str) -> PathBuf {
    find(&artifacts().plugins, package, "plugin crate")
}

/// The executable of the workspace's program `name`, such as `plugin-host`.
///
/// # Panics
/// If the workspace does not build, or has no such program.
pub fn program(name: &str) -> PathBuf {
    find(&artifacts().programs, name, "program")
}

/// Files by target name, in which `-` is `_` as Cargo writes library names.
struct Artifacts {
    plugins: HashMap<String, PathBuf>,
    programs: HashMap<String, PathBuf>,
}

fn find(files: &HashMap<String, PathBuf>, name: &str, what: &str) -> PathBuf {
    files.get(&key(name)).cloned().unwrap_or_else(|| {
        let mut known: Vec<_> = files.keys().collect();
        known.sort();
        panic!("the workspace has no {what} `{name}`; it has {known:?}")
    })
}

fn key(name: &str) -> String {
    name.replace('-', "_")
}

fn artifacts() -> &'static Artifacts {
    static ARTIFACTS: OnceLock<Artifacts> = OnceLock::new();
    ARTIFACTS.get_or_init(build)
}

fn build() -> Artifacts {
    let place = BuildPlace::of(&env::current_exe().expect("a running test has a path"));
    let mut command = cargo("build");
    command
        .args(["--workspace", "--quiet"])
        .arg("--message-format=json-render-diagnostics")
        .arg("--target-dir")
        .arg(&place.target_dir)
        .args(["--profile", &place.profile]);
    if let Some(triple) = &place.triple {
        command.args(["--target", triple]);
    }
    let mut artifacts = parse(&stdout(command));
    if let Some(folder) = env::var_os("PLUGIN_TESTS_PLUGINS") {
        replace(&mut artifacts.plugins, Path::new(&folder));
    }
    artifacts
}

/// Plugins in `folder`, compiled otherwise (see `.ci/layouts`), stand in for those of the workspace.
fn replace(plugins: &mut HashMap<String, PathBuf>, folder: &Path) {
    let files = fs::read_dir(folder).expect("PLUGIN_TESTS_PLUGINS is a folder");
    for file in files.map(|entry| entry.expect("the folder can be read").path()) {
        let name = file.file_stem().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.strip_prefix(env::consts::DLL_PREFIX));
        let Some(plugin) = name.and_then(|name| plugins.get_mut(name)) else {
            panic!("{} is no plugin", file.display());
        };
        *plugin = file;
    }
}

/// Reads Cargo's messages, one JSON object per line.
fn parse(messages: &[u8]) -> Artifacts {
    let mut artifacts = Artifacts {
        plugins: HashMap::new(),
        programs: HashMap::new(),
    };
    for line in messages.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        let target = &message["target"];
        let name = key(target["name"].as_str().expect("a target has a name"));
        let kinds = target["crate_types"].as_array();
        if kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib")) {
            let library = message["filenames"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(PathBuf::from)
                .find(|file| is_library(file))
                .expect("a cdylib has a shared library");
            artifacts.plugins.insert(name, library);
        } else if let Some(executable) = message["executable"].as_str() {
            artifacts.programs.insert(name, executable.into());
        }
    }
    artifacts
}

fn is_library(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == env::consts::DLL_EXTENSION)
}

/// The manifest of the published crate `package` among those that the workspace is compiled with.
///
/// # Panics
/// If there is no such crate.
pub fn manifest_of(package: &str) -> PathBuf {
    // Without a platform Cargo wants the crates of every platform, which nobody has downloaded.
    let mut version = Command::new(cargo_program());
    version.arg("-vV");
    let version = String::from_utf8(stdout(version)).expect("Cargo speaks UTF-8");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));

    let mut command = cargo("metadata");
    command.args(["--format-version=1", "--locked"]);
    command.args(["--filter-platform", host.expect("Cargo names its host")]);
    let metadata: Value = serde_json::from_slice(&stdout(command)).expect("metadata are JSON");
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|entry| entry["name"] == package)
        .find_map(|entry| entry["manifest_path"].as_str())
        .unwrap_or_else(|| panic!("the workspace does not depend on `{package}`"))
        .into()
}

/// The file or folder `path` of this checkout.
///
/// Cargo says where that is when it runs a test: checkouts may share a target directory, so what the compiler
/// was told can be the folder of another.
pub fn in_workspace(path: &str) -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file());
    root.expect("a package is in the workspace").join(path)
}

/// `cargo SUBCOMMAND` for this workspace.
fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(cargo_program());
    let root = in_workspace("Cargo.toml");
    command.arg(subcommand).arg("--manifest-path").arg(root);
    // What the Cargo that runs the test says of this package. Build scripts that look at such variables
    // (ring's does) would run again, and with them all that depends on their crates be compiled again.
    let of_this_package =
        |key: &str| key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_");
    for (key, _) in env::vars_os() {
        if key.to_str().is_some_and(of_this_package) {
            command.env_remove(key);
        }
    }
    command
}

/// The Cargo that runs the test, or else the one that compiled it.
fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into())
}

/// What the command prints; its complaints go to the test's own.
fn stdout(mut command: Command) -> Vec<u8> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "{command:?}: {}", output.status);
    output.stdout
}

/// Where Cargo put the running executable, and so where it is to put the plugins.
#[derive(Debug, PartialEq)]
struct BuildPlace {
    target_dir: PathBuf,
    triple: Option<String>,
    profile: String,
}

impl BuildPlace {
    /// Reads `TARGET_DIR[/TRIPLE]/PROFILE[/deps | /examples]/FILE`.
    fn of(executable: &Path) -> Self {
        let mut folder = executable.parent().expect("an executable is in a folder");
        if folder.ends_with("deps") || folder.ends_with("examples") {
            folder = folder.parent().expect("Cargo's folders are nested");
        }
        let profile = match name(folder) {
            "debug" => "dev",
            other => other,
        };
        let outer = folder.parent().expect("Cargo's folders are nested");
        // Cargo tags the target directory itself, not a triple's folder in it.
        let tagged = outer.join("CACHEDIR.TAG").exists();
        let (target_dir, triple) = match outer.parent() {
            Some(parent) if !tagged => (parent, Some(name(outer).to_owned())),
            _ => (outer, None),
        };
        Self {
            target_dir: target_dir.to_owned(),
            triple,
            profile: profile.to_owned(),
        }
    }
}

fn name(folder: &Path) -> &str {
    folder
        .file_name()
        .and_then(|name| name.to_str())
        .expect("Cargo's folders have plain names")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_place_of_a_test_binary() {
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join("CACHEDIR.TAG"), "").unwrap();
        let place = |file: &str| BuildPlace::of(&target.path().join(file));
        let expected = |triple: Option<&str>, profile: &str| BuildPlace {
            target_dir: target.path().to_owned(),
            triple: triple.map(str::to_owned),
            profile: profile.to_owned(),
        };
        assert_eq!(place("debug/deps/main-1"), expected(None, "dev"));
        assert_eq!(place("release/tpch-data"), expected(None, "release"));
        assert_eq!(
            place("x86_64-unknown-linux-gnu/debug/deps/main-1"),
            expected(Some("x86_64-unknown-linux-gnu"), "dev")
        );
    }

    #[test]
    fn libraries_and_programs_are_found_by_their_name() {
        let messages = format!(
            r#"{{"reason":"compiler-artifact","target":{{"name":"plugin_a","crate_types":["cdylib","rlib"]}},"filenames":["/t/libplugin_a.rlib","/t/libplugin_a.{ext}"],"executable":null}}
{{"reason":"compiler-artifact","target":{{"name":"plugin-host","crate_types":["bin"]}},"filenames":["/t/plugin-host"],"executable":"/t/plugin-host"}}
{{"reason":"build-finished","success":true}}
"#,
            ext = env::consts::DLL_EXTENSION
        );
        let artifacts = parse(messages.as_bytes());
        let library = find(&artifacts.plugins, "plugin-a", "plugin crate");
        assert!(is_library(&library), "{library:?}");
        assert_eq!(
            find(&artifacts.programs, "plugin-host", "program"),
            Path::new("/t/plugin-host")
        );
    }
}
