//! Which row is which.

use super::{folder, python, table};
use crate::{rows, session};

/// Not UTF-8, with stretches that are not understood, and several names in a statement.
const NASTY: &[u8] = b"'''About it.'''
import os, os.path as p, sys
from a.b import (c, # why
    d as e, f)
from g import *
from __future__ import annotations, division
# \xff
class A:
    '''About A.'''
    def f(self):
        '''About f.'''
        import h, i
        return g(x)(y)[z(1)]
    def f(self): '''Again.'''
x = {'a': f(1, 'b': g(2)}
if x
    y()
def (
z = [1, 2
h(i(j(1)))
";

/// Without two brackets.
const MISSING: &[u8] = b"x = f([1)\ny = g([2)\n";

#[tokio::test]
async fn ids_are_unique() {
    let folder = folder(&[("a.py", NASTY), ("b.py", MISSING)]);
    let context = session();
    python(&context);
    for kind in [
        "nodes",
        "edges",
        "defs",
        "calls",
        "imports",
        "docstrings",
        "errors",
    ] {
        let table = table(folder.path(), kind);
        let twice = format!(
            "SELECT path, id, count(*) FROM {table} WHERE id IS NOT NULL GROUP BY path, id \
             HAVING count(*) > 1"
        );
        assert_eq!(rows(&context, &twice).await, [""; 0], "{kind}");
        let without = format!("SELECT type FROM {table} WHERE id IS NULL");
        let expected: &[&str] = match kind {
            "errors" => &["encoding"],
            _ => &[],
        };
        assert_eq!(rows(&context, &without).await, expected, "{kind}");
    }
    let errors = table(folder.path(), "errors");
    let kinds = format!("SELECT DISTINCT type FROM {errors} ORDER BY type");
    assert_eq!(
        rows(&context, &kinds).await,
        ["encoding", "error", "missing"]
    );
    let nodes = table(folder.path(), "nodes");
    let taken = format!(
        "SELECT n.type FROM {errors} e JOIN {nodes} n ON n.path = e.path AND n.id = e.id \
         WHERE e.type = 'missing'"
    );
    assert_eq!(rows(&context, &taken).await, [""; 0]);
}

/// A row's id is that of a node, which stands where the row says.
#[tokio::test]
async fn ids_are_of_nodes() {
    let folder = folder(&[("a.py", NASTY)]);
    let context = session();
    python(&context);
    let nodes = table(folder.path(), "nodes");
    for (kind, types) in [
        ("defs", "'function_definition', 'class_definition'"),
        ("calls", "'call'"),
        (
            "imports",
            "'dotted_name', 'aliased_import', 'wildcard_import'",
        ),
        ("errors", "'ERROR'"),
    ] {
        let table = table(folder.path(), kind);
        let rows_of =
            format!("SELECT count(*) FROM {table} WHERE type NOT IN ('encoding', 'missing')");
        let same = format!(
            "SELECT count(*) FROM {table} r JOIN {nodes} n ON n.id = r.id \
             WHERE n.type IN ({types}) AND n.bstart >= r.bstart AND n.bend <= r.bend \
             OR n.type IN ({types}) AND n.bstart = r.bstart"
        );
        let expected = rows(&context, &rows_of).await;
        assert_ne!(expected, ["0"], "{kind}");
        assert_eq!(rows(&context, &same).await, expected, "{kind}");
    }
    let imports = table(folder.path(), "imports");
    let names = format!(
        "SELECT coalesce(r.alias, r.name, r.module), n.bend - n.bstart FROM {imports} r \
         JOIN {nodes} n ON n.id = r.id ORDER BY r.id"
    );
    let expected = [
        "os|2",
        "p|12",
        "sys|3",
        "c|1",
        "e|6",
        "f|1",
        "*|1",
        "annotations|11",
        "division|8",
        "h|1",
        "i|1",
    ];
    assert_eq!(rows(&context, &names).await, expected);
}

/// Of definitions the one around, of docstrings what is around the definition.
#[tokio::test]
async fn parents_are_definitions() {
    let folder = folder(&[(
        "a.py",
        b"'''m'''\nclass A:\n    '''a'''\n    import b\n    def f(self):\n        '''f'''\n        g()\n",
    )]);
    let context = session();
    python(&context);
    let defs = table(folder.path(), "defs");
    for (kind, what, expected) in [
        ("defs", "qualname", vec!["A|NULL", "A.f|A"]),
        ("calls", "name", vec!["g|A.f"]),
        ("imports", "module", vec!["b|A"]),
        ("docstrings", "docstring", vec!["m|NULL", "a|NULL", "f|A"]),
    ] {
        let table = table(folder.path(), kind);
        let sql = format!(
            "SELECT r.{what}, d.qualname FROM {table} r LEFT JOIN {defs} d ON d.id = r.parent \
             ORDER BY r.bstart"
        );
        assert_eq!(rows(&context, &sql).await, expected, "{kind}");
    }
    let documented = format!(
        "SELECT s.docstring, n.type FROM {} s JOIN {} n ON n.id = s.id ORDER BY s.bstart",
        table(folder.path(), "docstrings"),
        table(folder.path(), "nodes"),
    );
    let expected = ["m|module", "a|class_definition", "f|function_definition"];
    assert_eq!(rows(&context, &documented).await, expected);
}
