//! `python_syntax`.

mod encodings;
mod files;
mod identity;
pub(crate) mod library;
mod snippets;

use std::{fs, path::Path, sync::Arc};

use datafusion::{
    physical_plan::{collect, displayable},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_codeanatomy::PythonSyntax;
use tempfile::TempDir;

use crate::{planning_error, rows, session, session_with, shown};

const SAMPLE: &str = r#""""About the module."""
import os, os.path as p
from . import a
from ..b.c import (d as e, f)
from g import *
from __future__ import annotations


@decorated(1)
class Outer(Base):
    'It\'s a class.'

    async def method(self):
        def inner(): return os.path.join(self, *self.args, k=1)
        # A comment behind the last statement.

    # Another one.


def plain():
    f"no {docstring()}"
    return (lambda: inner)()(x for x in y)
"#;

pub(crate) fn python(context: &SessionContext) {
    context.register_udtf("python_syntax", Arc::new(PythonSyntax));
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, source).unwrap();
    }
    folder
}

fn table(path: &Path, kind: &str) -> String {
    format!("python_syntax('{}', '{kind}')", path.display())
}

async fn of_sample(kind: &str, columns: &str) -> Vec<String> {
    let folder = folder(&[("sample.py", SAMPLE.as_bytes())]);
    let context = session();
    python(&context);
    let table = table(&folder.path().join("sample.py"), kind);
    rows(
        &context,
        &format!("SELECT {columns} FROM {table} ORDER BY bstart, id"),
    )
    .await
}

#[tokio::test]
async fn definitions() {
    let found = of_sample(
        "defs",
        "type, qualname, start_line, start_col, end_line, end_col",
    )
    .await;
    let expected = [
        "class|Outer|10|0|14|63",
        "async_function|Outer.method|13|4|14|63",
        "function|Outer.method.<locals>.inner|14|8|14|63",
        "function|plain|20|0|22|42",
    ];
    assert_eq!(found, expected);
    let found = of_sample(
        "defs",
        "name, docstring, parent = lag(id) OVER (ORDER BY id)",
    )
    .await;
    let expected = [
        "Outer|It\\'s a class.|NULL",
        "method|NULL|true",
        "inner|NULL|true",
        "plain|NULL|NULL",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn calls() {
    let found = of_sample(
        "calls",
        "name, qualname, arguments, start_line, start_col, end_col",
    )
    .await;
    let expected = [
        "decorated|NULL|1|9|1|13",
        "os.path.join|Outer.method.<locals>.inner|3|14|28|63",
        "docstring|plain|0|21|10|21",
        "NULL|plain|0|22|11|28",
        "NULL|plain|1|22|11|42",
    ];
    let mut found = found;
    found.sort_by_key(|row| expected.iter().position(|expected| expected == row));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn imports() {
    let found = of_sample("imports", "type, module, name, alias, level, start_line").await;
    let expected = [
        "import|os|NULL|NULL|0|2",
        "import|os.path|NULL|p|0|2",
        "from|NULL|a|NULL|1|3",
        "from|b.c|d|e|2|4",
        "from|b.c|f|NULL|2|4",
        "from|g|*|NULL|0|5",
        "from|__future__|annotations|NULL|0|6",
    ];
    let mut found = found;
    found.sort_by_key(|row| expected.iter().position(|expected| expected == row));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn docstrings() {
    let found = of_sample("docstrings", "type, qualname, docstring, start_line").await;
    let expected = [
        "module|NULL|About the module.|1",
        "class|Outer|It\\'s a class.|11",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn nodes_and_edges_are_one_tree() {
    let folder = folder(&[("a.py", b"x = f(1)\n")]);
    let context = session();
    python(&context);
    let path = folder.path().join("a.py");
    let sql = format!(
        "SELECT id, parent, type, name, field, bstart, bend FROM {} ORDER BY id",
        table(&path, "nodes")
    );
    // Tokens count: 4 is the sign of equality, 8 a bracket.
    let expected = [
        "0|NULL|module|NULL|NULL|0|9",
        "1|0|expression_statement|NULL|NULL|0|8",
        "2|1|assignment|NULL|NULL|0|8",
        "3|2|identifier|x|left|0|1",
        "5|2|call|NULL|right|4|8",
        "6|5|identifier|f|function|4|5",
        "7|5|argument_list|NULL|arguments|5|8",
        "9|7|integer|NULL|NULL|6|7",
    ];
    assert_eq!(rows(&context, &sql).await, expected);
    let sql = format!(
        "SELECT n.id FROM {} n LEFT JOIN {} e ON e.id = n.id AND e.parent = n.parent \
         JOIN {} p ON p.id = n.parent AND p.type = e.parent_type AND e.bstart = n.bstart",
        table(&path, "nodes"),
        table(&path, "edges"),
        table(&path, "nodes"),
    );
    assert_eq!(rows(&context, &sql).await.len(), 7);
}

#[tokio::test]
async fn errors_are_rows() {
    let folder = folder(&[
        ("bad.py", b"def f(:\n    return 1\n\ndef g(): pass\n"),
        ("binary.py", b"x = 1\n# \xff\ny = '\xfe'\ndef h(): pass\n"),
        ("empty.py", b""),
        ("good.py", b"def i(): pass\n"),
    ]);
    let context = session();
    python(&context);
    let errors = format!(
        "SELECT right(path, 9), type FROM {} GROUP BY ALL ORDER BY 1, 2",
        table(folder.path(), "errors")
    );
    let errors = rows(&context, &errors).await;
    assert!(
        errors
            .iter()
            .any(|row| row.starts_with("/bad.py|") || row.contains("bad.py|")),
        "{errors:?}"
    );
    assert!(
        errors.contains(&"binary.py|encoding".to_owned()),
        "{errors:?}"
    );
    assert!(
        !errors
            .iter()
            .any(|row| row.contains("good") || row.contains("empty")),
        "{errors:?}"
    );
    let names = format!(
        "SELECT name FROM {} ORDER BY 1",
        table(folder.path(), "defs")
    );
    let names = rows(&context, &names).await;
    for name in ["g", "h", "i"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
}

/// The grammar has other trees for these.
#[tokio::test]
async fn calls_that_the_grammar_misreads() {
    let source =
        b"type(a).b = 1\ntype(a, f(x))[0]: int = 2\ntype X = int\ny = *a.b(1), *g(2).c()\n\
                   (d.e)(\n    # none\n    1, \\\n    2)\n(d)((3))\n";
    let folder = folder(&[("a.py", source)]);
    let context = session();
    python(&context);
    let sql = format!(
        "SELECT name, arguments, start_line, start_col, end_line, end_col FROM {} ORDER BY bstart, bend",
        table(folder.path(), "calls")
    );
    let expected = [
        "type|1|1|0|1|7",
        "type|2|2|0|2|13",
        "f|1|2|8|2|12",
        "a.b|1|4|5|4|11",
        "g|1|4|14|4|18",
        "NULL|0|4|14|4|22",
        "d.e|2|5|0|8|6",
        "d|1|9|0|9|8",
    ];
    assert_eq!(rows(&context, &sql).await, expected);
}

/// Inside of brackets a line may start anywhere.
#[tokio::test]
async fn lines_that_go_on_further_to_the_left() {
    let source =
        b"class A:\n    def f(self):\n        (bar.  # why\n    baz(1))\n        return (x +\n\
                   # nothing\ng(\"\"\"\n(\"\"\", 2))\n\n    def h(self): pass\n";
    let folder = folder(&[("a.py", source)]);
    let context = session();
    python(&context);
    let of = async |kind: &str, columns: &str| {
        let table = table(folder.path(), kind);
        let sql = format!(
            "SELECT {columns}, start_line, start_col, end_line, end_col FROM {table} ORDER BY bstart"
        );
        rows(&context, &sql).await
    };
    let expected = [
        "class|A|1|0|10|21",
        "function|A.f|2|4|8|9",
        "function|A.h|10|4|10|21",
    ];
    assert_eq!(of("defs", "type, qualname").await, expected);
    let expected = ["bar.baz|1|3|9|4|10", "g|2|7|0|8|8"];
    assert_eq!(of("calls", "name, arguments").await, expected);
    assert_eq!(of("errors", "message").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_is_gone_is_a_row() {
    let folder = folder(&[("a.py", b"x = 1"), ("b.py", b"def f(): pass")]);
    let context = session();
    python(&context);
    for (kind, expected) in [
        ("errors", vec!["unreadable|0"]),
        ("defs", vec!["function|0"]),
    ] {
        fs::write(folder.path().join("a.py"), "x = 1").unwrap();
        let sql = format!("SELECT type, bstart FROM {}", table(folder.path(), kind));
        let frame = context.sql(&sql).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        fs::remove_file(folder.path().join("a.py")).unwrap();
        let batches = collect(plan, context.task_ctx()).await.unwrap();
        assert_eq!(shown(&batches), expected, "{kind}");
    }
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_read() {
    let files: Vec<_> = (0..20).map(|n| format!("m{n:02}.py")).collect();
    let files: Vec<_> = files
        .iter()
        .map(|name| (name.as_str(), b"def f(): pass".as_slice()))
        .collect();
    let folder = folder(&files);
    let context = session_with(SessionConfig::new().with_target_partitions(2));
    python(&context);
    let read = async |sql: &str| {
        let frame = context.sql(sql).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let rows = collect(Arc::clone(&plan), context.task_ctx())
            .await
            .unwrap();
        let rows: usize = rows.iter().map(|batch| batch.num_rows()).sum();
        let mut leaf = Arc::clone(&plan);
        while let Some(child) = leaf.children().first().map(|child| Arc::clone(child)) {
            leaf = child;
        }
        let read = leaf
            .metrics()
            .unwrap()
            .sum_by_name("files_read")
            .map_or(0, |m| m.as_usize());
        (
            rows,
            read,
            displayable(plan.as_ref()).indent(false).to_string(),
        )
    };
    let of = table(folder.path(), "defs");
    let (rows, files, plan) = read(&format!("SELECT name FROM {of}")).await;
    assert_eq!((rows, files), (20, 20), "{plan}");
    let (rows, files, plan) =
        read(&format!("SELECT name FROM {of} WHERE path LIKE '%m0_.py'")).await;
    assert_eq!((rows, files), (10, 10), "{plan}");
    assert!(!plan.contains("FilterExec"), "{plan}");
    let both = format!("SELECT name FROM {of} WHERE path LIKE '%m03.py' AND name = 'f'");
    let (rows, files, plan) = read(&both).await;
    assert_eq!((rows, files), (1, 1), "{plan}");
    assert!(plan.contains("FilterExec"), "{plan}");
    let (rows, files, plan) = read(&format!("SELECT name FROM {of} LIMIT 3")).await;
    assert_eq!(rows, 3, "{plan}");
    assert!(files <= 6, "{files} files: {plan}");
    let (rows, _, plan) = read(&format!("SELECT count(*) FROM {of}")).await;
    assert_eq!(rows, 1, "{plan}");
}

#[tokio::test]
async fn results_do_not_depend_on_partitions_and_batches() {
    let sources: Vec<_> = (0..9).map(|n| SAMPLE.repeat(n)).collect();
    let names: Vec<_> = (0..9).map(|n| format!("d{}/m{n}.py", n % 3)).collect();
    let files = names.iter().zip(&sources);
    let files: Vec<_> = files
        .map(|(name, source)| (name.as_str(), source.as_bytes()))
        .collect();
    let folder = folder(&files);
    for kind in [
        "nodes",
        "edges",
        "defs",
        "calls",
        "imports",
        "docstrings",
        "errors",
    ] {
        let mut first: Option<Vec<String>> = None;
        for (partitions, batch_size) in [(1, 8192), (3, 7), (16, 1)] {
            let config = SessionConfig::new()
                .with_target_partitions(partitions)
                .with_batch_size(batch_size);
            let context = session_with(config);
            python(&context);
            let mut found = rows(
                &context,
                &format!("SELECT * FROM {}", table(folder.path(), kind)),
            )
            .await;
            found.sort();
            assert_eq!(first.get_or_insert(found.clone()), &found, "{kind}");
        }
        assert_eq!(first.unwrap().is_empty(), kind == "errors", "{kind}");
    }
}

#[tokio::test]
async fn patterns_and_folders() {
    let folder = folder(&[
        ("a.py", b"x"),
        ("b/c.py", b"x"),
        ("b/d.txt", b"x"),
        ("[e]/f.py", b"x"),
    ]);
    let context = session();
    python(&context);
    for (path, files) in [
        ("", 3),
        ("b", 1),
        ("*.py", 1),
        ("**/*.py", 3),
        ("b/d.txt", 1),
        ("[e]", 1),
        ("*.rs", 0),
    ] {
        let table = table(&folder.path().join(path), "nodes");
        let sql = format!("SELECT count(DISTINCT path) FROM {table}");
        assert_eq!(rows(&context, &sql).await, [files.to_string()], "{path}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_errors() {
    let context = session();
    python(&context);
    for (call, expected) in [
        (
            "python_syntax()",
            "takes the arguments (path_or_glob, kind), found 0",
        ),
        (
            "python_syntax('/nowhere/at/all', 'defs')",
            "there is no file or folder '/nowhere/at/all'",
        ),
        ("python_syntax('/nowhere/***', 'defs')", "is no pattern"),
        (
            "python_syntax(1, 'defs')",
            "the argument 'path_or_glob' is of type Int64, expected a string",
        ),
        (
            "python_syntax('/nowhere/*', 'classes')",
            "the argument 'kind' is 'classes', expected one of nodes, edges, defs, calls, imports, \
             docstrings, errors",
        ),
    ] {
        let error = planning_error(&context, &format!("SELECT * FROM {call}")).await;
        assert!(error.contains(expected), "{call}: {error}");
    }
}
