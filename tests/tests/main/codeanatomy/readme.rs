//! The session of the plugin's README, run with the plugin loaded over the file that the README has and over the
//! standard library's `asyncio`, with its answers compared with what Python's own `ast` sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Command, Stdio},
};

use datafusion::{
    arrow::util::display::{ArrayFormatter, FormatOptions},
    prelude::{SessionConfig, SessionContext},
};
use plugin_tests::plugins::in_workspace;
use serde_json::Value;

use super::loaded;

/// Language and content of the session's blocks.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let readme = include_str!("../../../../plugins/codeanatomy/README.md");
    let (_, session) = readme.split_once("\n## A session\n").unwrap();
    let (session, _) = session.split_once("\n## ").unwrap();
    let blocks = session.split("```").skip(1).step_by(2);
    blocks
        .map(|block| block.split_once('\n').unwrap())
        .collect()
}

fn blocks_in(language: &str) -> Vec<&'static str> {
    let blocks = blocks().into_iter().filter(|(of, _)| *of == language);
    blocks.map(|(_, block)| block).collect()
}

fn statements() -> Vec<&'static str> {
    let statements = blocks_in("sql").into_iter().flat_map(|sql| sql.split(';'));
    let statements = statements.map(str::trim);
    statements
        .filter(|statement| !statement.is_empty())
        .collect()
}

/// The answers that the README has, in the form of [`rows`].
fn shown() -> Vec<Vec<String>> {
    let row = |line: &str| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        let cells = cells.map(|cell| if cell.is_empty() { "NULL" } else { cell });
        cells.collect::<Vec<_>>().join("|")
    };
    let tables = blocks_in("text").into_iter();
    let tables = tables.map(|table| {
        let lines = table.lines().filter(|line| line.starts_with('|'));
        lines.skip(1).map(row).collect()
    });
    tables.collect()
}

struct Definition {
    path: String,
    kind: String,
    qualname: String,
    documented: bool,
    lines: (i64, i64),
    bytes: (i64, i64),
}

/// Path, start and end.
type Hunk = (String, i64, i64);

/// The folder of `asyncio`, and what `python_ast.py` says of each file in it.
fn asyncio() -> (String, Vec<Value>) {
    let program = "import asyncio, os; print(os.path.dirname(asyncio.__file__))";
    let folder = python3(&["-c", program]).trim().to_owned();
    let files = seen_by_ast(&folder);
    assert!(files.len() > 20, "{} files of asyncio", files.len());
    (folder, files)
}

fn seen_by_ast(folder: &str) -> Vec<Value> {
    let script = in_workspace("plugins/codeanatomy_exports/tests/data/python_ast.py");
    let lines = python3(&[script.to_str().unwrap(), folder]);
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

/// Each row's values, joined by `|`; a null is `NULL`.
async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = async { context.sql(sql).await?.collect().await };
    let batches = batches
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let options = FormatOptions::new().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter();
        let columns: Vec<_> = columns
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(values.join("|"));
        }
    }
    rows
}

/// The bytes of a file from one line and column to another; `place` is of `ast`.
fn bytes(path: &str, place: &[Value]) -> (i64, i64) {
    let source = fs::read(path).unwrap();
    let [line, column, end_line, end_column] = place else {
        panic!("{place:?} is no place");
    };
    let byte = |line: &Value, column: &Value| {
        let lines = source.split_inclusive(|&byte| byte == b'\n');
        let before = lines.take(line.as_u64().unwrap() as usize - 1);
        before.map(<[u8]>::len).sum::<usize>() as i64 + column.as_i64().unwrap()
    };
    (byte(line, column), byte(end_line, end_column))
}

fn definitions(files: &[Value]) -> Vec<Definition> {
    let of = |file: &Value| {
        let path = file["path"].as_str().unwrap().to_owned();
        let rows = file["defs"].as_array().unwrap().clone();
        rows.into_iter().map(move |row| Definition {
            path: path.clone(),
            kind: row[0].as_str().unwrap().to_owned(),
            qualname: row[1].as_str().unwrap().to_owned(),
            documented: row[2].as_bool().unwrap(),
            lines: (row[3].as_i64().unwrap(), row[5].as_i64().unwrap()),
            bytes: bytes(&path, &row.as_array().unwrap()[3..]),
        })
    };
    files.iter().flat_map(of).collect()
}

/// The answers to the queries, over the files of a folder. `diff` takes the place of the README's.
async fn answers(folder: &str, diff: Option<&str>) -> (Vec<Hunk>, Vec<Vec<String>>) {
    let context = loaded(SessionConfig::new());
    rows(&context, "SET codeanatomy.span_line_base = 0").await;
    let mut answers = Vec::new();
    for statement in statements() {
        let statement = match diff {
            Some(diff) if statement.starts_with("CREATE TABLE diff") => diff.to_owned(),
            _ => statement.replace("'src", &format!("'{folder}")),
        };
        let answer = rows(&context, &statement).await;
        if !statement.starts_with("CREATE") {
            answers.push(answer);
        }
    }
    let hunks = rows(&context, "SELECT * FROM diff").await.into_iter();
    let hunks = hunks.map(|hunk| {
        let parts: Vec<_> = hunk.split('|').collect();
        let number = |at: usize| parts[at].parse::<i64>().unwrap();
        (parts[0].to_owned(), number(1), number(2))
    });
    let mut hunks: Vec<_> = hunks.collect();
    hunks.sort();
    (hunks, answers)
}

/// The answers that Python's `ast` gives.
fn expected(files: &[Value], hunks: &[Hunk]) -> [Vec<String>; 6] {
    let definitions = definitions(files);
    [
        largest(&definitions),
        imported(files),
        undocumented(&definitions),
        deprecated(files, &definitions),
        touched(&definitions, hunks),
        around(&definitions, hunks),
    ]
}

fn functions(definitions: &[Definition]) -> impl Iterator<Item = &Definition> {
    definitions.iter().filter(|of| of.kind != "class")
}

fn largest(definitions: &[Definition]) -> Vec<String> {
    let mut largest: Vec<_> = functions(definitions)
        .map(|of| (-(of.lines.1 - of.lines.0 + 1), &of.path, &of.qualname))
        .collect();
    largest.sort();
    let largest = largest
        .iter()
        .take(10)
        .map(|(lines, path, name)| format!("{path}|{name}|{}", -lines));
    largest.collect()
}

fn imported(files: &[Value]) -> Vec<String> {
    let mut modules: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        for import in file["imports"].as_array().unwrap() {
            if import[4] == 0 {
                let files = modules.entry(import[1].as_str().unwrap()).or_default();
                files.insert(file["path"].as_str().unwrap());
            }
        }
    }
    let mut imported: Vec<_> = modules
        .iter()
        .map(|(name, files)| (-(files.len() as i64), name))
        .collect();
    imported.sort();
    let imported = imported.iter().take(10);
    imported
        .map(|(files, name)| format!("{name}|{}", -files))
        .collect()
}

fn undocumented(definitions: &[Definition]) -> Vec<String> {
    let private = |name: &str| name.rsplit('.').next().unwrap().starts_with('_');
    let public = functions(definitions)
        .filter(|of| !private(&of.qualname) && !of.qualname.contains("<locals>"));
    let mut undocumented: Vec<_> = public
        .filter(|of| !of.documented)
        .map(|of| (&of.path, of.lines.0, &of.qualname))
        .collect();
    undocumented.sort();
    let undocumented = undocumented.iter();
    undocumented
        .map(|(path, line, name)| format!("{path}|{line}|{name}"))
        .collect()
}

fn deprecated(files: &[Value], definitions: &[Definition]) -> Vec<String> {
    let mut deprecated = Vec::new();
    for file in files {
        let path = file["path"].as_str().unwrap();
        for call in file["calls"].as_array().unwrap() {
            let is_deprecated = call[0].as_str().is_some_and(|name| {
                name == "get_event_loop_policy" || name.ends_with(".get_event_loop_policy")
            });
            if is_deprecated {
                let (start, end) = bytes(path, &call.as_array().unwrap()[2..]);
                let caller = smallest(definitions, &(path.to_owned(), start, end));
                let caller = caller.map_or("NULL", |caller| caller.qualname.as_str());
                deprecated.push((path, call[2].as_i64().unwrap(), start, end, caller));
            }
        }
    }
    deprecated.sort_unstable();
    let deprecated = deprecated.iter().map(|(path, line, start, end, caller)| {
        format!(
            "{path}|{line}|{{bstart: {start}, bend: {end}, line_base: 0, col_unit: byte, \
             end_exclusive: true}}|{caller}"
        )
    });
    deprecated.collect()
}

fn touched(definitions: &[Definition], hunks: &[Hunk]) -> Vec<String> {
    let mut touched = Vec::new();
    for (path, start, end) in hunks {
        let of_hunk = definitions
            .iter()
            .filter(|of| of.path == *path && of.bytes.0 < *end && *start < of.bytes.1);
        let mut of_hunk: Vec<_> = of_hunk.collect();
        of_hunk.sort_by_key(|of| of.bytes);
        if of_hunk.is_empty() {
            touched.push(format!("{path}|{start}|NULL|NULL"));
        }
        for of in of_hunk {
            touched.push(format!("{path}|{start}|{}|{}", of.qualname, of.kind));
        }
    }
    touched
}

fn around(definitions: &[Definition], hunks: &[Hunk]) -> Vec<String> {
    let around = hunks.iter().map(|hunk| {
        let (path, start, end) = hunk;
        let Some(of) = smallest(definitions, hunk) else {
            return format!("{path}|{start}|NULL|NULL|NULL");
        };
        let same = of.bytes == (*start, *end);
        let kind = if same { "EXACT" } else { "CONTAINED" };
        format!("{path}|{start}|{}|{}|{kind}", of.qualname, of.kind)
    });
    around.collect()
}

/// The smallest definition that holds all of something.
fn smallest<'a>(definitions: &'a [Definition], hunk: &Hunk) -> Option<&'a Definition> {
    let (path, start, end) = hunk;
    let around = definitions
        .iter()
        .filter(|of| of.path == *path && of.bytes.0 <= *start && *end <= of.bytes.1);
    around.min_by_key(|of| of.bytes.1 - of.bytes.0)
}

/// A hunk of 400 bytes in every 1000 of each file.
fn every_1000_bytes(files: &[Value]) -> String {
    let mut hunks = Vec::new();
    for file in files {
        let path = file["path"].as_str().unwrap();
        let size = fs::metadata(path).unwrap().len();
        let starts = (0..size.saturating_sub(400)).step_by(1000);
        hunks.extend(starts.map(|start| format!("('{path}', {start}, {})", start + 400)));
    }
    let hunks = hunks.join(", ");
    format!("CREATE TABLE diff (path VARCHAR, bstart BIGINT, bend BIGINT) AS VALUES {hunks}")
}

#[tokio::test(flavor = "multi_thread")]
async fn its_answers_about_asyncio_are_those_of_ast() {
    let (folder, files) = asyncio();
    let (hunks, answers) = answers(&folder, Some(&every_1000_bytes(&files))).await;
    let expected = expected(&files, &hunks);
    let [_, _, undocumented, deprecated, touched, around] = &expected;
    assert!(undocumented.len() > 50);
    assert!(!deprecated.is_empty());
    // Many hunks touch several definitions, and many are in none.
    let count = |rows: &[String], part: &str| rows.iter().filter(|row| row.contains(part)).count();
    assert!(touched.len() > hunks.len() + 100, "{} rows", touched.len());
    assert!(count(touched, "|NULL|") > 10);
    let inside = count(around, "|CONTAINED");
    assert!((50..hunks.len() - 50).contains(&inside), "{inside} hunks");
    for (number, expected) in expected.iter().enumerate() {
        assert_eq!(&answers[number], expected, "query {number}");
    }
    assert_eq!(answers.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn its_answers_are_the_ones_that_it_shows() {
    let [source] = blocks_in("python")[..] else {
        panic!("not one file");
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("jobs.py"), source).unwrap();
    let folder = folder.path().to_str().unwrap();
    let (hunks, answers) = answers(folder, None).await;
    let expected = expected(&seen_by_ast(folder), &hunks);
    assert_eq!(answers, expected);
    let answers: Vec<Vec<_>> = answers
        .into_iter()
        .map(|rows| {
            let rows = rows.into_iter();
            rows.map(|row| row.replace(folder, "src")).collect()
        })
        .collect();
    assert_eq!(answers, shown());
}
