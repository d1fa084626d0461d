//! The whole standard library of the Python on this machine, against what its own `ast` sees.
//!
//! Of Python 3.11's 72,000 definitions and 327,000 calls all are the same, with the grammar 0.25. Of its 14,000 imports one differs:
//! `test/test_future_stmt/badsyntax_future8.py` imports `*` from `__future__`, which `ast` takes and the grammar,
//! like Python's compiler, does not.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

use super::{python, table};
use crate::{rows, session};

/// What a file has of something: the rows, each as text, and how often.
type Bag = BTreeMap<String, i64>;

pub(crate) struct Library {
    pub(crate) folder: String,
    /// What `tests/data/python_ast.py` says of each file.
    pub(crate) files: Vec<Value>,
}

impl Library {
    /// Of its own files alone: what is installed beside it is not the library.
    fn query(&self, kind: &str, columns: &str) -> String {
        let table = table(self.folder.as_ref(), kind);
        format!("SELECT {columns} FROM {table} WHERE path NOT LIKE '%/site-packages/%'")
    }
}

/// Runs Python once for all tests.
pub(crate) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = python3(&[
            "-c",
            "import sysconfig; print(sysconfig.get_path('stdlib'))",
        ]);
        let folder = folder.trim().to_owned();
        let files = seen_by_ast(&folder);
        Library { folder, files }
    })
}

/// What `tests/data/python_ast.py` says of each file in a folder.
pub(super) fn seen_by_ast(folder: &str) -> Vec<Value> {
    // Checkouts may share a target directory: Cargo says when it runs a test where this one is.
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let script = format!("{package}/tests/data/python_ast.py");
    let lines = python3(&[&script, folder]);
    let files = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    files.collect()
}

fn python3(arguments: &[&str]) -> String {
    let mut command = Command::new("python3");
    command.args(arguments).stderr(Stdio::inherit());
    let output = command.output().unwrap_or_else(|error| {
        panic!("this test compares with Python's own ast and needs python3 on the PATH: {error}")
    });
    assert!(output.status.success(), "{command:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Rows of all files that `ast` can parse, as they are in both.
async fn compare(kind: &str, columns: &str, of_ast: impl Fn(&Value) -> Vec<String>) {
    let library = library();
    let context = session();
    python(&context);
    let found = rows(&context, &library.query(kind, &format!("path, {columns}"))).await;
    let mut difference: BTreeMap<&str, Bag> = BTreeMap::new();
    let mut total = 0_i64;
    for file in library
        .files
        .iter()
        .filter(|file| file.get("error").is_none())
    {
        let bag = difference
            .entry(file["path"].as_str().unwrap())
            .or_default();
        for row in of_ast(&file[kind]) {
            *bag.entry(row).or_default() += 1;
            total += 1;
        }
    }
    for row in &found {
        let (path, row) = row.split_once('|').unwrap();
        if let Some(bag) = difference.get_mut(path) {
            *bag.entry(row.to_owned()).or_default() -= 1;
        }
    }
    let (mut different, mut list) = (0, String::new());
    for (path, bag) in difference {
        for (row, count) in bag.into_iter().filter(|(_, count)| *count != 0) {
            different += count.abs();
            list.push_str(&format!("{count:+} {path}: {row}\n"));
        }
    }
    assert!(total > 5_000, "{total} {kind}");
    // What only one of the two has, both sides taken together.
    let allowed = total / 1_000;
    assert!(
        different <= allowed,
        "{different} of {total} {kind} differ, at most {allowed} may; + is what only ast has:\n{list}"
    );
}

/// A JSON value as a query's result shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn all(values: &Value) -> Vec<String> {
    let rows = values.as_array().unwrap().iter();
    rows.map(|row| {
        let row = row.as_array().unwrap().iter();
        row.map(shown).collect::<Vec<_>>().join("|")
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_those_of_ast() {
    let columns = "type, qualname, docstring IS NOT NULL, start_line, start_col, end_line, end_col";
    compare("defs", columns, all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_those_of_ast() {
    let columns = "type, module, name, alias, level, start_line, start_col, end_line, end_col";
    compare("imports", columns, all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_those_of_ast() {
    // Before Python 3.12 calls in formatted strings have no place; names and arguments are counted.
    compare("calls", "name, arguments", |values| {
        let rows = values.as_array().unwrap().iter();
        rows.map(|row| format!("{}|{}", shown(&row[0]), shown(&row[1])))
            .collect()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_where_ast_has_them() {
    let library = library();
    let context = session();
    python(&context);
    let columns = "path, name, arguments, start_line, start_col, end_line, end_col";
    let found = rows(&context, &library.query("calls", columns)).await;
    let found: std::collections::HashSet<_> = found.into_iter().collect();
    let (mut total, mut missing) = (0, Vec::new());
    for file in &library.files {
        let path = file["path"].as_str().unwrap();
        for row in file.get("calls").map(all).unwrap_or_default() {
            // One without a place has two values.
            if row.matches('|').count() > 1 {
                total += 1;
                let row = format!("{path}|{row}");
                if !found.contains(&row) {
                    missing.push(row);
                }
            }
        }
    }
    assert!(total > 50_000, "{total} calls");
    let allowed = total / 1_000;
    let list = missing.join("\n");
    assert!(
        missing.len() <= allowed,
        "{} of {total} calls, at most {allowed}:\n{list}",
        missing.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_read() {
    let library = library();
    let context = session();
    python(&context);
    let paths = library.query("nodes", "count(DISTINCT path)");
    assert_eq!(
        rows(&context, &paths).await,
        [library.files.len().to_string()]
    );
    // Some are there to be invalid.
    let invalid = library.query("errors", "count(DISTINCT path)");
    assert_ne!(rows(&context, &invalid).await, ["0"]);
}
