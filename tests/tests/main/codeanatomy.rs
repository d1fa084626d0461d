//! The plugin `codeanatomy`, loaded, beside the same crate linked in.

mod alignment;
mod macros;
mod readme;
mod settings;

use std::{
    fs,
    sync::{Arc, LazyLock},
};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    error::Result,
    execution::SessionStateBuilder,
    logical_expr::planner::ExprPlanner,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_codeanatomy::{
    IntervalAlign, Macros, Operators, Options, PythonSyntax, RedundantSorts, SnapshotFilter,
    TableMacros, Types, aggregate_functions, scalar_functions, window_functions,
};
use datafusion_plugin_host::{PluginHost, config::Config};
use plugin_tests::plugins::plugin;
use tempfile::TempDir;

const OPTIONS: &str = r#"
[plugins.codeanatomy]
replace_builtins = true
[plugins.codeanatomy.options]
span_line_base = 1
snapshot_tables = "files"
snapshot_column = "snapshot"
snapshot_value = "2"
"#;

fn options() -> Options {
    let mut options = Options::default();
    options.span_line_base = 1;
    options.snapshot_tables = "files".to_owned();
    options.snapshot_column = "snapshot".to_owned();
    options.snapshot_value = "2".to_owned();
    options
}

fn host() -> &'static PluginHost {
    static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
        PluginHost::builder()
            .plugin_file(plugin("datafusion-plugin-codeanatomy"))
            .config(Config::parse(OPTIONS).unwrap())
            .grant_every_capability()
            .load()
            .unwrap()
    });
    &HOST
}

fn config(partitions: usize, batch_size: usize) -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(batch_size)
}

fn loaded(config: SessionConfig) -> SessionContext {
    let context = SessionContext::new_with_config(config);
    host().install(&context);
    context
}

fn linked_in(config: SessionConfig) -> SessionContext {
    let builder = SessionStateBuilder::new()
        .with_config(config.with_option_extension(options()))
        .with_default_features()
        .with_function_factory(Some(Arc::new(Macros::new(&options()))))
        .with_physical_optimizer_rule(Arc::new(RedundantSorts::new(&options())));
    let mut builder = builder.with_type_planner(Arc::new(Types));
    let operators: Arc<dyn ExprPlanner> = Arc::new(Operators);
    builder
        .expr_planners()
        .get_or_insert_default()
        .insert(0, operators);
    let context = SessionContext::new_with_state(builder.build());
    for function in scalar_functions(&options()) {
        context.register_udf(function.as_ref().clone());
    }
    for function in aggregate_functions() {
        context.register_udaf(function.as_ref().clone());
    }
    for function in window_functions() {
        context.register_udwf(function.as_ref().clone());
    }
    context.register_udtf("python_syntax", Arc::new(PythonSyntax));
    context
        .register_relation_planner(Arc::new(IntervalAlign))
        .unwrap();
    context
        .register_relation_planner(Arc::new(TableMacros))
        .unwrap();
    context.add_analyzer_rule(Arc::new(SnapshotFilter::new(&options())));
    context
}

async fn query(context: &SessionContext, sql: &str) -> Result<String> {
    let rows = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&rows)?.to_string())
}

/// The rows of a statement that does not fail.
async fn run(context: &SessionContext, sql: &str) -> String {
    let rows = query(context, sql).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn sources() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..7 {
        let source = format!(
            "\"\"\"Module {number}.\"\"\"\nimport os\nfrom .m{number} import a as b\n\n\
             class C{number}(Base):\n    def f(self, x):\n        return os.path.join(x, g({number}))\n\n\
             def g(y):\n    'Doc.'\n    return y\n"
        );
        fs::write(folder.path().join(format!("m{number}.py")), source).unwrap();
    }
    fs::write(folder.path().join("bad.py"), "def f(:\n  pass\n").unwrap();
    folder
}

const SETUP: &[&str] = &[
    "CREATE TABLE files (snapshot INT, path VARCHAR) AS VALUES (1, 'a'), (2, 'a'), (2, 'b')",
    "CREATE TABLE defs AS SELECT * FROM python_syntax('SOURCES', 'defs')",
    "CREATE TABLE ids (id STABLE_ID(node), span BYTE_SPAN)",
    "INSERT INTO ids SELECT stable_id('node', 'x'), span_make(1, 2)",
];

const QUERIES: &[&str] = &[
    "SELECT * FROM python_syntax('SOURCES', 'nodes')",
    "SELECT * FROM python_syntax('SOURCES', 'edges')",
    "SELECT path, qualname, docstring FROM python_syntax('SOURCES', 'defs') WHERE path LIKE '%m3.py'",
    "SELECT name, arguments FROM python_syntax('SOURCES', 'calls') WHERE name <> 'g'",
    "SELECT * FROM python_syntax('SOURCES', 'imports')",
    "SELECT * FROM python_syntax('SOURCES', 'docstrings')",
    "SELECT * FROM python_syntax('SOURCES', 'errors')",
    "SELECT count(*) FROM python_syntax('SOURCES', 'defs')",
    "SELECT stable_id_parts('node', path, bstart, bend), span_len(span_make(bstart, bend)), \
     span_make(bstart, bend) FROM defs",
    "SELECT utf8_normalize(name), qname_normalize(name, path), stable_hash_any(bstart) FROM defs",
    "SELECT path, list_unique(name), count_if(docstring IS NULL), arg_max(name, bend), \
     string_agg(name, '+'), count_distinct_agg(type) FROM defs GROUP BY path",
    "SELECT path, name FROM defs QUALIFY dedupe_best_by_score(bend - bstart, name) OVER (PARTITION BY path)",
    "SELECT lag_window(name) OVER (PARTITION BY path ORDER BY bstart) FROM defs",
    "SELECT path, any_value_det(name, bstart), arg_min(name, bend), asof_select(qualname, start_line), \
     collect_set(type) FROM defs GROUP BY path",
    "SELECT name, lead_window(name) OVER w, row_number_window() OVER w FROM defs \
     WINDOW w AS (PARTITION BY path ORDER BY bstart)",
    "SELECT path, bstart, list_unique(type) OVER w, count_distinct_agg(type) OVER w, arg_max(name, bend) OVER w, \
     string_agg(name, '+') OVER w, count_if(docstring IS NULL) OVER w FROM defs \
     WINDOW w AS (PARTITION BY path ORDER BY bstart ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
    "SELECT stable_hash64(name), stable_hash128(name), prefixed_hash64('d', name), prefixed_hash_parts64('d', path, bend), \
     span_id('span', path, bstart, bend, type), interval_align_score(0, 1, bstart, bend), \
     utf8_null_if_blank(docstring), cdf_change_rank(type), col_to_byte(name, 1, 'UTF16'), \
     canonicalize_byte_span(bstart, name, 0, bstart, name, 1, 'BYTE'), cpg_score(bend) FROM defs",
    "SELECT map_get_default(m, name, 0), map_normalize(m, 'upper'), list_unique_sorted(l), list_compact(l), \
     struct_pick(span_make(bstart, bend), 'bend'), span_contains(span_make(0, bend), span_make(bstart, bend)), \
     span_overlaps(span_make(0, bstart), span_make(bstart, bend)), semantic_tag('FileId', path) \
     FROM (SELECT *, map([name], [bstart]) AS m, [name, docstring, name] AS l FROM defs)",
    "SELECT * FROM interval_align((SELECT * FROM defs), (SELECT * FROM defs))",
    "SELECT path, name, right_name, match_kind, match_score FROM interval_align((SELECT * FROM defs), \
     (SELECT * FROM defs WHERE type = 'class'), mode => 'CONTAINED_BEST', how => 'left', \
     tie_breakers => 'name DESC') WHERE path LIKE '%.py'",
    "SELECT * FROM interval_align((SELECT * FROM defs), (SELECT * FROM defs), mode => 'EXACT') WHERE right_name = 'g'",
    "SELECT span -> 'bend', span ->> 'bstart', id, arrow_metadata(id) FROM ids",
    "SELECT [1, 2] @> [2], [1, 2] <@ [2], span_make(1, 2) -> 'line_base'",
    "SELECT * FROM files",
    "SELECT count(*) FROM defs WHERE 'a' IN (SELECT path FROM files)",
];

/// The rows of each query, sorted, with the session's schema.
async fn answers(context: &SessionContext, sources: &TempDir) -> Vec<String> {
    let folder = sources.path().display().to_string();
    let mut answers = Vec::new();
    for sql in SETUP.iter().chain(QUERIES) {
        let sql = sql.replace("SOURCES", &folder);
        let frame = context
            .sql(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let schema = frame.schema().as_arrow().clone();
        let rows = frame
            .collect()
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let rows = pretty_format_batches(&rows).unwrap().to_string();
        let mut lines: Vec<_> = rows.lines().map(str::to_owned).collect();
        lines.sort();
        let fields: Vec<_> = schema
            .fields()
            .iter()
            .map(|f| (f.data_type(), f.is_nullable(), f.metadata()))
            .collect();
        answers.push(format!("{sql}\n{fields:?}\n{}", lines.join("\n")));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn loaded_and_linked_in_agree_whatever_partitions_and_batches() {
    let sources = sources();
    let expected = answers(&linked_in(config(1, 8192)), &sources).await;
    for answer in &expected[SETUP.len()..] {
        assert!(answer.lines().count() > 5, "nothing is compared: {answer}");
    }
    for (partitions, batch_size) in [(1, 8192), (3, 7), (2, 1)] {
        let config = config(partitions, batch_size);
        for context in [loaded(config.clone()), linked_in(config.clone())] {
            let found = answers(&context, &sources).await;
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(
                    found, expected,
                    "{partitions} partitions, batches of {batch_size}"
                );
            }
        }
    }
}

#[tokio::test]
async fn errors_are_the_same() {
    let (loaded, linked_in) = (loaded(config(1, 8192)), linked_in(config(1, 8192)));
    for sql in [
        "SELECT stable_hash64(1)",
        "SELECT struct_pick(span_make(1, 2), 'nothing')",
        "SELECT * FROM python_syntax('/nowhere/at/all', 'defs')",
        "SELECT * FROM python_syntax('/nowhere/*', 'classes')",
        "SELECT * FROM interval_align((SELECT 1), (SELECT 1), mode => 'NEAREST')",
        "SELECT span_make(1, 2) -> 'nothing'",
        "CREATE TABLE t (c BYTE_SPAN(1))",
    ] {
        let error = linked_in.sql(sql).await.unwrap_err();
        let message = error.strip_backtrace();
        let loaded = loaded.sql(sql).await.unwrap_err().strip_backtrace();
        // The loaded one also says which plugin and item it is of.
        let last = message
            .lines()
            .last()
            .unwrap()
            .trim_start_matches("Error during planning: ");
        assert!(loaded.contains(last), "{sql}\n{loaded}\n{message}");
    }
}

#[test]
fn unknown_options_are_listed_with_those_that_are_known() {
    let config = "[plugins.codeanatomy.options]\nspan_lines = 1";
    let error = PluginHost::builder()
        .plugin_file(plugin("datafusion-plugin-codeanatomy"))
        .config(Config::parse(config).unwrap())
        .load()
        .unwrap_err()
        .to_string();
    for part in ["span_lines", "span_line_base", "utf8_normalize_form"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn tables_are_seen_as_of_a_snapshot() {
    let context = loaded(config(1, 8192));
    run(&context, SETUP[0]).await;
    let other = "CREATE TABLE other AS SELECT * FROM (VALUES (1), (2)) t(snapshot)";
    run(&context, other).await;
    for (sql, count) in [
        ("SELECT count(*) FROM files", "| 2 "),
        ("SELECT count(*) FROM other", "| 2 "),
        ("SELECT count(*) FROM files WHERE path = 'a'", "| 1 "),
        (
            "SELECT count(*) FROM other WHERE snapshot IN (SELECT snapshot FROM files)",
            "| 1 ",
        ),
    ] {
        let found = run(&context, sql).await;
        assert!(found.contains(count), "{sql}: {found}");
    }
    // The limit of a prepared statement is the scan's.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("files.csv");
    fs::write(&file, "1,a\n1,b\n2,c\n").unwrap();
    let table = format!(
        "CREATE EXTERNAL TABLE files (snapshot INT, path VARCHAR) STORED AS CSV LOCATION '{}' \
         OPTIONS ('format.has_header' 'false')",
        file.display()
    );
    for statement in ["DROP TABLE files", &table] {
        run(&context, statement).await;
    }
    for columns in ["*", "path"] {
        let prepare = format!(
            "PREPARE p{} AS SELECT {columns} FROM files LIMIT 1",
            columns.len()
        );
        run(&context, &prepare).await;
        let found = run(&context, &format!("EXECUTE p{}", columns.len())).await;
        assert!(found.contains("| c "), "{columns}: {found}");
    }
}

/// Whatever people may want to know of a function is in the host's own table.
#[tokio::test]
async fn functions_are_listed_with_their_documentation() {
    let context = loaded(config(1, 8192));
    let listed = run(
        &context,
        "SELECT kind, count(*) AS functions, count(section) AS sections, count(description) AS descriptions, \
         count(syntax) AS syntaxes, count(example) AS examples FROM plugin_functions() \
         WHERE plugin = 'codeanatomy' GROUP BY kind ORDER BY kind",
    )
    .await;
    let expected = "\
+-----------+-----------+----------+--------------+----------+----------+
| kind      | functions | sections | descriptions | syntaxes | examples |
+-----------+-----------+----------+--------------+----------+----------+
| aggregate | 9         | 9        | 9            | 9        | 9        |
| scalar    | 30        | 30       | 30           | 30       | 30       |
| table     | 1         | 1        | 1            | 1        | 1        |
| window    | 4         | 4        | 4            | 4        | 4        |
+-----------+-----------+----------+--------------+----------+----------+";
    assert_eq!(listed, expected);
    let aliases = run(
        &context,
        "SELECT count(*) FROM plugin_functions() WHERE plugin = 'codeanatomy' AND aliases <> ''",
    )
    .await;
    assert!(aliases.contains("| 13 "), "{aliases}");
}
