//! The session of the plugin's README, run over the standard library's `asyncio` with the plugin loaded, with
//! its answers compared with what Python's own `ast` sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Stdio},
};

use datafusion::{
    arrow::util::display::{ArrayFormatter, FormatOptions},
    prelude::{SessionConfig, SessionContext},
};
use plugin_tests::plugins::in_workspace;
use serde_json::Value;

use super::loaded;

/// The statements of all blocks in SQL.
fn statements() -> Vec<String> {
    let readme = include_str!("../../../../plugins/codeanatomy/README.md");
    let blocks = readme.split("```sql\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    let statements = blocks.flat_map(|block| block.split(';'));
    let statements = statements.map(|statement| statement.trim().to_owned());
    statements
        .filter(|statement| !statement.is_empty())
        .collect()
}

struct Definition {
    path: String,
    kind: String,
    qualname: String,
    documented: bool,
    lines: (i64, i64),
}

/// The folder, and what `python_ast.py` says of each file in it.
fn asyncio() -> (String, Vec<Value>) {
    let program = "import asyncio, os; print(os.path.dirname(asyncio.__file__))";
    let folder = python3(&["-c", program]).trim().to_owned();
    let script = in_workspace("plugins/codeanatomy_exports/tests/data/python_ast.py");
    let lines = python3(&[script.to_str().unwrap(), &folder]);
    let files = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let files: Vec<_> = files.collect();
    assert!(files.len() > 20, "{} files of asyncio", files.len());
    (folder, files)
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
        })
    };
    files.iter().flat_map(of).collect()
}

async fn answers(folder: &str) -> (SessionContext, Vec<Vec<String>>) {
    let context = loaded(SessionConfig::new());
    let mut answers = Vec::new();
    for statement in statements() {
        let statement = statement.replace("'src'", &format!("'{folder}'"));
        let answer = rows(&context, &statement).await;
        if !statement.starts_with("CREATE") {
            answers.push(answer);
        }
    }
    (context, answers)
}

#[tokio::test(flavor = "multi_thread")]
async fn its_session_answers_five_questions() {
    let (folder, files) = asyncio();
    let (context, answers) = answers(&folder).await;
    let [largest, imported, undocumented, deprecated, touched] = answers.as_slice() else {
        panic!("{} answers", answers.len());
    };
    let definitions = definitions(&files);
    let functions = || definitions.iter().filter(|of| of.kind != "class");

    let mut expected: Vec<_> = functions()
        .map(|of| (-(of.lines.1 - of.lines.0 + 1), &of.path, &of.qualname))
        .collect();
    expected.sort();
    let expected = expected
        .iter()
        .take(10)
        .map(|(lines, path, name)| format!("{path}|{name}|{}", -lines));
    assert_eq!(largest, &expected.collect::<Vec<_>>());

    let mut modules: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in &files {
        for import in file["imports"].as_array().unwrap() {
            if import[4] == 0 {
                let files = modules.entry(import[1].as_str().unwrap()).or_default();
                files.insert(file["path"].as_str().unwrap());
            }
        }
    }
    let mut expected: Vec<_> = modules
        .iter()
        .map(|(name, files)| (-(files.len() as i64), name))
        .collect();
    expected.sort();
    let expected = expected
        .iter()
        .take(10)
        .map(|(files, name)| format!("{name}|{}", -files));
    assert_eq!(imported, &expected.collect::<Vec<_>>());

    let private = |name: &str| name.rsplit('.').next().unwrap().starts_with('_');
    let public =
        functions().filter(|of| !private(&of.qualname) && !of.qualname.contains("<locals>"));
    let mut expected: Vec<_> = public
        .filter(|of| !of.documented)
        .map(|of| (&of.path, of.lines.0, &of.qualname))
        .collect();
    expected.sort();
    let expected: Vec<_> = expected
        .iter()
        .map(|(p, line, name)| format!("{p}|{line}|{name}"))
        .collect();
    assert!(expected.len() > 50);
    assert_eq!(undocumented, &expected);

    let mut expected = Vec::new();
    for file in &files {
        for call in file["calls"].as_array().unwrap() {
            if call[0].as_str().is_some_and(|name| {
                name == "get_event_loop_policy" || name.ends_with(".get_event_loop_policy")
            }) {
                expected.push((file["path"].as_str().unwrap(), call[2].as_i64().unwrap()));
            }
        }
    }
    expected.sort();
    assert!(!expected.is_empty());
    let found = deprecated.iter().map(|row| {
        let mut parts = row.split('|');
        (
            parts.next().unwrap(),
            parts.next().unwrap().parse::<i64>().unwrap(),
        )
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);

    // Ten bytes into each `__init__` is nothing but that `__init__`.
    let sql = "SELECT path, bstart + 10, qualname, type, 'CONTAINED' FROM defs WHERE name = '__init__' \
               ORDER BY 1, 2";
    let expected = rows(&context, sql).await;
    assert!(expected.len() > 20);
    assert_eq!(touched, &expected);
}
