//! The command from outside, as far as no compiled plugin is needed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, unreachable_pub)]
#[path = "../../plugin_host/src/artifact/tests/library.rs"]
mod library;

use std::{
    env::consts::DLL_EXTENSION,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use datafusion_plugin_host::artifact::{
    description::{Description, FunctionEntry},
    pack,
};
use library::Library;
use serde_json::Value;
use tempfile::TempDir;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugin-host"));
    command
        .args(args)
        .env_remove("DATAFUSION_PLUGIN_PATH")
        .env("HOME", "/no/such/home")
        .env_remove("XDG_DATA_HOME");
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A directory of sample files.
struct Samples(TempDir);

impl Samples {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn dir(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

fn library(name: &str) -> String {
    format!("{name}.{DLL_EXTENSION}")
}

/// A plugin for the machine that runs the test; the samples are for x86-64 alone.
fn suits_here() -> bool {
    cfg!(all(target_arch = "x86_64", target_os = "linux"))
}

#[test]
fn inspect_tells_garbage_from_plugins_by_exit_code() {
    let samples = Samples::new();
    let good = samples.file("good.so", &Library::default().elf());
    let foreign = samples.file(
        "foreign.dll",
        &Library::with("target", "x86_64-pc-windows-msvc").pe(),
    );
    if suits_here() {
        assert_eq!(run(&["inspect", &good]).status.code(), Some(0));
    }
    let output = run(&["inspect", &foreign]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("built for x86_64-pc-windows-msvc, expected"));

    let truncated = &Library::default().elf()[..100];
    for (name, bytes, message) in [
        ("empty.so", &b""[..], "empty file"),
        ("text.so", b"hello", "text file"),
        ("binary.so", b"\x00\x01", "unknown kind"),
        ("short.so", truncated, "cut short"),
    ] {
        let path = samples.file(name, bytes);
        let output = run(&["inspect", &good, &path]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(text(&output.stdout).contains(message), "{name}: {output:?}");
    }
    assert_eq!(run(&["inspect", "/no/such/file"]).status.code(), Some(2));
    assert_eq!(run(&["inspect"]).status.code(), Some(2));
}

#[test]
fn inspect_json_is_an_array_of_reports() {
    let samples = Samples::new();
    let good = samples.file("good.so", &Library::default().elf());
    let abort = samples.file("abort.so", &Library::with("panic", "abort").elf());
    let garbage = samples.file("garbage.so", b"\x01\x02");
    let output = run(&["inspect", "--json", &good, &abort, &garbage]);
    assert_eq!(output.status.code(), Some(2));
    let reports = json(&output);
    let reports = reports.as_array().unwrap();
    assert_eq!(reports.len(), 3);
    assert_eq!(reports[0]["path"], Value::from(good));
    assert_eq!(reports[0]["manifest"]["name"], "sample");
    assert_eq!(reports[0]["manifest"]["contract"], "1.0");
    assert_eq!(reports[0]["loadable"], suits_here());
    assert_eq!(reports[0].get("description"), None);
    assert_eq!(reports[1]["loadable"], false);
    let reasons = reports[1]["reasons"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|r| r.as_str().unwrap().contains("panic = \"abort\""))
    );
    assert_eq!(reports[2]["manifest"], Value::Null);
    assert_eq!(reports[2]["loadable"], false);
    assert_eq!(reports[2]["reasons"].as_array().unwrap().len(), 1);
}

#[test]
fn inspect_shows_packed_functions_and_no_control_characters() {
    let samples = Samples::new();
    let path = samples.file(
        "p.so",
        &Library::with("description", "evil\x1b[2Jtext").elf(),
    );
    let entry = serde_json::json!({
        "name": "sha2", "kind": "scalar", "volatility": "immutable",
        "signatures": ["sha2(Binary|Utf8, Int32)"],
        "documentation": {
            "section": "", "description": "\nHashes.\u{9b} More.\nSecond line", "syntax_example": ""
        },
    });
    let entry: FunctionEntry = serde_json::from_value(entry).unwrap();
    let mut description = Description::default();
    description.functions.push(entry);
    pack(Path::new(&path), &description).unwrap();

    let output = run(&["inspect", &path]);
    let shown = text(&output.stdout);
    assert!(shown.contains("scalar functions (1)"), "{shown}");
    let line = shown.lines().find(|line| line.contains("sha2(")).unwrap();
    assert!(line.starts_with("    sha2(Binary|Utf8, Int32)"), "{line}");
    assert!(line.ends_with("Hashes.  More."), "{line}");
    assert!(
        shown.chars().all(|c| c == '\n' || !c.is_control()),
        "{shown:?}"
    );

    let output = run(&["inspect", "--json", &path]);
    let shown = text(&output.stdout);
    assert!(
        shown.chars().all(|c| c == '\n' || !c.is_control()),
        "{shown:?}"
    );
    let report = &json(&output)[0];
    assert_eq!(report["manifest"]["description"], "evil\x1b[2Jtext");
    assert_eq!(report["description"]["functions"][0]["name"], "sha2");
}

#[test]
fn inspect_of_a_directory_covers_every_library() {
    let samples = Samples::new();
    samples.file("b.so", &Library::default().elf());
    samples.file("a.dylib", &Library::default().macho());
    samples.file("readme.txt", b"text");
    let reports = json(&run(&["inspect", "--json", samples.dir()]));
    let names: Vec<_> = reports
        .as_array()
        .unwrap()
        .iter()
        .map(|report| {
            report["path"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(names, ["a.dylib", "b.so"]);
    let empty = Samples::new();
    let output = run(&["inspect", empty.dir()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("directory without libraries"));
}

#[test]
fn list_tells_order_origin_and_what_is_passed_over() {
    let (named, listed) = (Samples::new(), Samples::new());
    named.file(&library("b"), &Library::with("name", "second").elf());
    named.file(&library("a"), &Library::with("name", "first").elf());
    named.file(
        if DLL_EXTENSION == "dll" {
            "c.so"
        } else {
            "c.dll"
        },
        b"",
    );
    listed.file(&library("z"), &Library::with("name", "last").elf());
    let single = listed.file("single", &Library::with("name", "single").elf());
    let off = listed.file("off", &Library::with("name", "off").elf());
    let config = listed.file("plugins.toml", b"[plugins.off]\nenabled = false\n");

    let output = command(&[
        "list",
        "--json",
        "--plugin",
        &single,
        "--plugin-dir",
        named.dir(),
    ])
    .args(["--plugin", &off, "--config", &config])
    .env("DATAFUSION_PLUGIN_PATH", listed.dir())
    .output()
    .unwrap();
    let listing = json(&output);
    let plugins = listing["plugins"].as_array().unwrap();
    let names: Vec<_> = plugins
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["single", "first", "second", "last"]);
    assert_eq!(plugins[0]["origin"], "plugin file");
    assert_eq!(plugins[3]["origin"], "DATAFUSION_PLUGIN_PATH");
    let passed: Vec<_> = listing["passed_over"]
        .as_array()
        .unwrap()
        .iter()
        .map(|passed| passed["reason"].as_str().unwrap())
        .collect();
    assert_eq!(passed.len(), 2);
    assert!(passed[0].contains("another platform"), "{passed:?}");
    assert!(passed[1].contains("disabled"), "{passed:?}");
    if suits_here() {
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn list_names_what_keeps_plugins_from_loading() {
    let samples = Samples::new();
    samples.file(&library("a"), &Library::default().elf());
    samples.file(&library("b"), &Library::default().elf());
    let output = run(&["list", "--plugin-dir", samples.dir()]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    let (a, b) = (library("a"), library("b"));
    let problem = shown
        .lines()
        .find(|line| line.contains("'sample' is there twice"))
        .unwrap();
    assert!(problem.contains(&a) && problem.contains(&b), "{problem}");

    let output = run(&["list", "--plugin-dir", "/no/such/directory"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("/no/such/directory (plugin directory): "));

    let output = run(&["list"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("no plugins"));
}

#[test]
fn a_wrong_configuration_is_named_on_stderr() {
    let samples = Samples::new();
    let config = samples.file("plugins.toml", b"[plugins.a]\nenabeld = true\n");
    let output = run(&["list", "--config", &config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = text(&output.stderr);
    assert!(
        message.contains("line 2") && message.contains("enabeld"),
        "{message}"
    );
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let samples = Samples::new();
    let path = samples.file("p.so", &Library::default().elf());
    // More than any pipe holds.
    let paths = vec![path.as_str(); 2000];
    let mut child = command(&["inspect", "--json"])
        .args(paths)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = child.wait_with_output().unwrap();
    let expected = if suits_here() { 0 } else { 1 };
    assert_eq!(output.status.code(), Some(expected));
    assert_eq!(text(&output.stderr), "");
}
