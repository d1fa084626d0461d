//! Types, operators and the analyzer rule.

use std::sync::Arc;

use datafusion::{
    execution::SessionStateBuilder,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_codeanatomy::{Operators, Options, SnapshotFilter, Types};

use crate::{batches, planning_error, rows, session};

fn planning(config: SessionConfig) -> SessionContext {
    let state = SessionStateBuilder::new_from_existing(session().state()).with_config(config);
    let mut state = state.with_type_planner(Arc::new(Types));
    let planners = state.expr_planners().get_or_insert_default();
    planners.insert(0, Arc::new(Operators));
    let context = SessionContext::new_with_state(state.build());
    context.add_analyzer_rule(Arc::new(SnapshotFilter::new(&Options::default())));
    context
}

#[tokio::test]
async fn types() {
    let context = planning(SessionConfig::new());
    let table = "CREATE TABLE t (id STABLE_ID(node), any STABLE_ID, span BYTE_SPAN)";
    batches(&context, table).await.unwrap();
    let insert = "INSERT INTO t SELECT stable_id('node', 'x'), 'y', span_make(1, 2)";
    batches(&context, insert).await.unwrap();
    let table = context.table("t").await.unwrap();
    let schema = table.schema();
    let metadata = |at: usize| schema.field(at).metadata().get("semantic_type").cloned();
    assert_eq!(metadata(0).as_deref(), Some("NodeId"));
    assert_eq!(metadata(1).as_deref(), Some("StableId"));
    assert_eq!(schema.field(2).data_type(), &{
        let frame = context.sql("SELECT span_make(1, 2)").await.unwrap();
        frame.schema().field(0).data_type().clone()
    });
    assert_eq!(
        rows(&context, "SELECT any, span_len(span) FROM t").await,
        ["y|1"]
    );
    for (column, expected) in [
        ("BYTE_SPAN(1)", "BYTE_SPAN takes no arguments"),
        ("STABLE_ID(a, b)", "STABLE_ID takes at most one argument"),
    ] {
        let error = planning_error(&context, &format!("CREATE TABLE u (c {column})")).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn operators() {
    let context = planning(SessionConfig::new());
    for (expr, expected) in [
        ("span_make(1, 2) -> 'bend'", "2"),
        ("(span_make(1, 2) -> 'bend') + 1", "3"),
        ("arrow_typeof(span_make(1, 2) ->> 'bend')", "Utf8"),
        ("span_make(1, 2) ->> 'bend'", "2"),
        ("[1, 2, 3] @> [3, 1]", "true"),
        ("[1, 2, 3] @> [4]", "false"),
        ("[1] <@ [1, 2]", "true"),
    ] {
        let sql = format!("SELECT {expr}");
        assert_eq!(rows(&context, &sql).await, [expected], "{expr}");
    }
    for (expr, expected) in [
        (
            "span_make(1, 2) -> 'end'",
            "has no field 'end', expected one of bstart, bend",
        ),
        ("span_make(1, 2) -> 1", "expected a literal string"),
    ] {
        let error = planning_error(&context, &format!("SELECT {expr}")).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn tables_are_seen_as_of_a_snapshot() {
    let config = SessionConfig::new().with_option_extension(Options::default());
    let context = planning(config);
    for statement in [
        "CREATE TABLE files (snapshot INT, path VARCHAR) AS VALUES (1, 'a'), (1, 'b'), (2, 'a')",
        "CREATE TABLE other (snapshot INT) AS VALUES (1), (2)",
        "CREATE TABLE plain (path VARCHAR) AS VALUES ('a')",
        "CREATE VIEW v AS SELECT path FROM files",
    ] {
        batches(&context, statement).await.unwrap();
    }
    let count = "SELECT count(*) FROM files";
    assert_eq!(rows(&context, count).await, ["3"]);
    for statement in [
        "SET codeanatomy.snapshot_tables = 'other_schema.files, public.files'",
        "SET codeanatomy.snapshot_column = 'snapshot'",
        "SET codeanatomy.snapshot_value = '2'",
    ] {
        batches(&context, statement).await.unwrap();
    }
    for (sql, expected) in [
        (count, "1"),
        ("SELECT count(*) FROM other", "2"),
        ("SELECT count(*) FROM v", "1"),
        (
            "SELECT count(*) FROM other WHERE snapshot IN (SELECT snapshot FROM files)",
            "1",
        ),
        (
            "SELECT count(*) FROM files f JOIN files g ON f.path = g.path",
            "1",
        ),
        ("SELECT path FROM files AS f", "a"),
    ] {
        assert_eq!(rows(&context, sql).await, [expected], "{sql}");
    }
    batches(&context, "SET codeanatomy.snapshot_tables = 'plain'")
        .await
        .unwrap();
    let error = batches(&context, "SELECT * FROM plain")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("plain") && error.contains("no column 'snapshot'"),
        "{error}"
    );
}

/// Of two tables of one name the filter is on that which is named.
#[tokio::test]
async fn a_snapshot_is_of_one_schema() {
    let config = SessionConfig::new().with_option_extension(Options::default());
    let context = planning(config);
    for statement in [
        "CREATE SCHEMA archive",
        "CREATE TABLE public.files (snapshot INT) AS VALUES (1), (1), (2)",
        "CREATE TABLE archive.files (snapshot INT) AS VALUES (1), (2), (2), (2)",
        "SET codeanatomy.snapshot_column = 'snapshot'",
        "SET codeanatomy.snapshot_value = '1'",
    ] {
        batches(&context, statement).await.unwrap();
    }
    let bare = "SELECT count(*) FROM files";
    let public = "SELECT count(*) FROM public.files";
    let whole = "SELECT count(*) FROM datafusion.public.files";
    let archive = "SELECT count(*) FROM archive.files";
    let seen = async |names: &str, sql: [&str; 4]| {
        let set = format!("SET codeanatomy.snapshot_tables = '{names}'");
        batches(&context, &set).await.unwrap();
        let mut counts = Vec::new();
        for sql in sql {
            counts.extend(rows(&context, sql).await);
        }
        counts
    };
    for (names, expected) in [
        ("files", ["2", "2", "2", "4"]),
        ("public.files", ["2", "2", "2", "4"]),
        ("datafusion.public.files", ["2", "2", "2", "4"]),
        ("archive.files", ["3", "3", "3", "1"]),
        ("elsewhere.public.files", ["3", "3", "3", "4"]),
        ("files, archive.files", ["2", "2", "2", "1"]),
    ] {
        let found = seen(names, [bare, public, whole, archive]).await;
        assert_eq!(found, expected, "{names}");
    }
    let default = "SET datafusion.catalog.default_schema = 'archive'";
    batches(&context, default).await.unwrap();
    let found = seen("files", [bare, public, whole, archive]).await;
    assert_eq!(found, ["1", "3", "3", "1"]);
}

/// Of a prepared statement the limit is the scan's already when the filter is added.
#[tokio::test]
async fn a_prepared_limit_counts_rows_of_the_snapshot() {
    let config = SessionConfig::new().with_option_extension(Options::default());
    let context = planning(config);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("files.csv");
    std::fs::write(&file, "1,a\n1,b\n1,c\n2,d\n1,e\n2,f\n").unwrap();
    let table = format!(
        "CREATE EXTERNAL TABLE files (snapshot INT, path VARCHAR) STORED AS CSV LOCATION '{}' \
         OPTIONS ('format.has_header' 'false')",
        file.display()
    );
    for statement in [
        table.as_str(),
        "SET codeanatomy.snapshot_tables = 'files'",
        "SET codeanatomy.snapshot_column = 'snapshot'",
        "SET codeanatomy.snapshot_value = '2'",
    ] {
        batches(&context, statement).await.unwrap();
    }
    for (number, (query, expected)) in [
        ("SELECT * FROM files LIMIT 1", vec!["2|d"]),
        ("SELECT path FROM files LIMIT 1", vec!["d"]),
        ("SELECT path FROM files LIMIT 1 OFFSET 1", vec!["f"]),
        ("SELECT path FROM files LIMIT 5", vec!["d", "f"]),
        ("SELECT path FROM files", vec!["d", "f"]),
    ]
    .into_iter()
    .enumerate()
    {
        let prepare = format!("PREPARE p{number} AS {query}");
        batches(&context, &prepare).await.unwrap();
        let execute = format!("EXECUTE p{number}");
        assert_eq!(rows(&context, &execute).await, expected, "{query}");
        assert_eq!(rows(&context, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn names_of_tables_in_quotes() {
    let config = SessionConfig::new().with_option_extension(Options::default());
    let context = planning(config);
    for statement in [
        r#"CREATE TABLE "a,b" (snapshot INT) AS VALUES (1), (2), (2)"#,
        r#"CREATE TABLE "C.d" (snapshot INT) AS VALUES (1), (2), (2)"#,
        "CREATE TABLE e (snapshot INT) AS VALUES (1), (2), (2)",
        r#"SET codeanatomy.snapshot_tables = '"a,b", public."C.d" , E'"#,
        "SET codeanatomy.snapshot_column = 'snapshot'",
        "SET codeanatomy.snapshot_value = '1'",
    ] {
        batches(&context, statement).await.unwrap();
    }
    for table in [r#""a,b""#, r#""C.d""#, "e"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(rows(&context, &count).await, ["1"], "{table}");
    }
}
