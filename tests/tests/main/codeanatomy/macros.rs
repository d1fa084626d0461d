//! Macros of `CREATE FUNCTION`, loaded and linked in, beside the same written out.

use std::sync::Arc;

use datafusion::{execution::SessionStateBuilder, prelude::SessionContext};
use datafusion_codeanatomy::Macros;

use super::{config, linked_in, loaded, options, query, run, sources};

const MACROS: &[&str] = &[
    "CREATE FUNCTION twice(x BIGINT) RETURNS BIGINT AS 'x * 2'",
    "CREATE FUNCTION plus(BIGINT, BIGINT DEFAULT 10) RETURNS BIGINT RETURN $1 + $2",
    "CREATE FUNCTION half(x BIGINT) RETURNS DOUBLE AS 'x / 2.0'",
    "CREATE FUNCTION key_of(s VARCHAR) AS 'stable_id(''node'', lower(s))'",
    "CREATE FUNCTION spread(x BIGINT) RETURNS BIGINT AS 'max(x) - min(x)'",
    "CREATE FUNCTION spread_again(BIGINT) RETURNS BIGINT RETURN max($1) - min($1)",
    "CREATE FUNCTION weighted(x BIGINT, w DOUBLE) RETURNS DOUBLE \
     AS 'sum(x * w) / sum(w) FILTER (WHERE w > 1)'",
    "CREATE FUNCTION kinds(x BIGINT) AS 'count(DISTINCT x % 3) + count(*) * 100'",
    "CREATE FUNCTION early(x BIGINT) RETURNS BOOLEAN AS '[1, 2, 3] @> [x]'",
    "CREATE FUNCTION multiples(n BIGINT) LANGUAGE table \
     AS 'SELECT a, a * $n AS multiple FROM numbers WHERE a <= $n'",
    "CREATE FUNCTION difference(x DOUBLE) AS 'x - x'",
    "CREATE FUNCTION above(x BIGINT) LANGUAGE table \
     AS 'SELECT a FROM (VALUES (1), (2), (3), (4)) AS t(a) WHERE a > $x'",
    "CREATE FUNCTION typed(x INT) LANGUAGE table AS 'SELECT arrow_typeof($x) AS kind'",
    "CREATE FUNCTION functions_of(path VARCHAR) LANGUAGE table \
     AS 'SELECT name FROM python_syntax($path, ''defs'')'",
    "CREATE FUNCTION endless(n BIGINT) LANGUAGE table AS 'SELECT * FROM endless($n)'",
    "CREATE FUNCTION above_two(y BIGINT) LANGUAGE table AS 'SELECT * FROM above($y + 2)'",
    "CREATE FUNCTION total(x BIGINT) AS 'sum(coalesce(x, 0))'",
    "CREATE FUNCTION inverse(x BIGINT) AS 'sum(1000 / x) FILTER (WHERE x <> 0)'",
    "CREATE FUNCTION counted(x BIGINT) AS 'count(x)'",
    "CREATE FUNCTION eased(x DOUBLE DEFAULT 1 + 2.5) AS 'x'",
    "CREATE FUNCTION quoted(\"Big\" BIGINT, Small BIGINT) AS '\"Big\" - $SMALL'",
    "CREATE FUNCTION quoted_total(\"A,b\" BIGINT, \"c\" BIGINT) AS 'sum(\"A,b\") + sum(c)'",
    "CREATE FUNCTION quoted_rows(\"a,b\" BIGINT, N BIGINT) LANGUAGE table AS 'SELECT $1 AS x, $n AS y, $N AS z'",
    "CREATE FUNCTION Doubled(x BIGINT) AS 'x * 2'",
    "CREATE FUNCTION Widest(x BIGINT) AS 'max(x) - min(x)'",
    "CREATE FUNCTION Pair(n BIGINT) LANGUAGE table AS 'SELECT $n AS a, $n + 1 AS b'",
    "CREATE FUNCTION narrow(x INT) AS 'x + 1'",
    "CREATE FUNCTION narrow_total(x INT) AS 'sum(x)'",
];

async fn filled(context: SessionContext) -> SessionContext {
    let numbers = "CREATE TABLE numbers AS SELECT value AS a, value % 7 AS g, \
                   CASE WHEN value % 11 = 0 THEN NULL ELSE value % 5 END AS w \
                   FROM generate_series(1, 1000)";
    run(&context, numbers).await;
    for sql in MACROS {
        run(&context, sql).await;
    }
    context
}

/// A call, and what it stands for.
const CALLS: &[(&str, &str)] = &[
    (
        "SELECT a, twice(a), plus(a), plus(a, g), half(a) FROM numbers ORDER BY a LIMIT 9",
        "SELECT a, a * 2, a + 10, a + g, a / 2.0 FROM numbers ORDER BY a LIMIT 9",
    ),
    (
        "SELECT a FROM numbers WHERE twice(a) = 14",
        "SELECT a FROM numbers WHERE a * 2 = 14",
    ),
    (
        "SELECT a FROM numbers WHERE early(a) ORDER BY a",
        "SELECT a FROM numbers WHERE a <= 3 ORDER BY a",
    ),
    (
        "SELECT key_of('MiXed')",
        "SELECT stable_id('node', 'mixed')",
    ),
    (
        "SELECT spread(a), spread_again(a) FROM numbers",
        "SELECT max(a) - min(a), max(a) - min(a) AS again FROM numbers",
    ),
    (
        "SELECT g, spread(a), weighted(a, w), kinds(a) FROM numbers GROUP BY g ORDER BY g",
        "SELECT g, max(a) - min(a), \
         sum(a * CAST(w AS DOUBLE)) / sum(CAST(w AS DOUBLE)) FILTER (WHERE w > 1), \
         count(DISTINCT a % 3) + count(*) * 100 FROM numbers GROUP BY g ORDER BY g",
    ),
    (
        "SELECT spread(a), kinds(a) FROM numbers WHERE a < 0",
        "SELECT max(a) - min(a), count(DISTINCT a % 3) + count(*) * 100 FROM numbers WHERE a < 0",
    ),
    (
        "WITH numbers AS (SELECT * FROM numbers) SELECT m.multiple, m.a FROM multiples(4) AS m ORDER BY a",
        "SELECT a * 4, a FROM numbers WHERE a <= 4 ORDER BY a",
    ),
    (
        "WITH numbers AS (SELECT * FROM numbers) \
         SELECT count(*) FROM multiples(2 + 1) l JOIN multiples(5) r ON l.a = r.a",
        "SELECT 3",
    ),
    (
        "SELECT difference(r) = 0, difference(a) FROM (SELECT a, random() AS r FROM numbers) LIMIT 3",
        "SELECT true, CAST(0 AS DOUBLE) FROM numbers LIMIT 3",
    ),
    (
        "SELECT above.a, typed.kind FROM above(2), typed(7) ORDER BY a",
        "SELECT 3 AS a, 'Int32' UNION ALL SELECT 4, 'Int32' ORDER BY a",
    ),
    ("SELECT a FROM above_two(1)", "SELECT 4"),
    (
        "SELECT count(*) FROM functions_of('SOURCES')",
        "SELECT count(*) FROM python_syntax('SOURCES', 'defs')",
    ),
    (
        "SELECT g, total(w), counted(w) FROM numbers GROUP BY g ORDER BY g",
        "SELECT g, sum(coalesce(w, 0)), count(w) FROM numbers GROUP BY g ORDER BY g",
    ),
    (
        "SELECT inverse(a - g) FROM numbers",
        "SELECT sum(1000 / (a - g)) FROM numbers WHERE a <> g",
    ),
    (
        "SELECT o.a, (SELECT counted(i.a) FROM numbers i WHERE i.a = o.a + 999) FROM numbers o \
         WHERE o.a < 3 ORDER BY 1",
        "SELECT o.a, (SELECT count(i.a) FROM numbers i WHERE i.a = o.a + 999) FROM numbers o \
         WHERE o.a < 3 ORDER BY 1",
    ),
    (
        "SELECT a, widest(w) OVER frame, total(w) OVER frame FROM numbers \
         WINDOW frame AS (ORDER BY a ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) ORDER BY a",
        "SELECT a, max(w) OVER frame - min(w) OVER frame, sum(coalesce(w, 0)) OVER frame FROM numbers \
         WINDOW frame AS (ORDER BY a ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) ORDER BY a",
    ),
    (
        "SELECT eased(), eased(2)",
        "SELECT CAST(3.5 AS DOUBLE), CAST(2 AS DOUBLE)",
    ),
    ("SELECT quoted(a, g) FROM numbers WHERE a = 30", "SELECT 28"),
    (
        "SELECT quoted_total(a, g) FROM numbers",
        "SELECT sum(a) + sum(g) FROM numbers",
    ),
    (
        "SELECT x, y, z FROM quoted_rows(1, 2)",
        "SELECT 1, 2 AS y, 2 AS z",
    ),
    (
        "SELECT Doubled(1), doubled(2), \"Doubled\"(3)",
        "SELECT 2, 4, 6",
    ),
    ("SELECT Widest(a) FROM numbers", "SELECT 999"),
    (
        "SELECT difference(half(a)), twice(twice(a)) FROM numbers WHERE a = 5",
        "SELECT CAST(0 AS DOUBLE), 20",
    ),
    (
        "SELECT Pair.b, p.b, q.b FROM Pair(3), pair(4) AS p, \"Pair\"(5) AS q",
        "SELECT 4, 5, 6",
    ),
    (
        "SELECT narrow(1), narrow(a), narrow(NULL) FROM numbers WHERE a = 4",
        "SELECT 2, 5, NULL",
    ),
    (
        "SELECT narrow_total(a), narrow_total(1) FROM numbers",
        "SELECT sum(a), count(*) FROM numbers",
    ),
];

/// The values of the rows, whatever the columns are called.
fn values(rows: &str) -> Vec<String> {
    let rows = rows.lines().filter(|line| line.starts_with('|')).skip(1);
    rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_macro_is_what_it_stands_for() {
    let sources = sources();
    let folder = sources.path().display().to_string();
    for (partitions, batch_size) in [(1, 8192), (4, 7)] {
        let config = || config(partitions, batch_size);
        for (context, which) in [
            (linked_in(config()), "linked in"),
            (loaded(config()), "loaded"),
        ] {
            let context = filled(context).await;
            for (call, written) in CALLS {
                let shown = async |sql: &str| {
                    let rows = run(&context, &sql.replace("SOURCES", &folder)).await;
                    values(&rows)
                };
                let (found, expected) = (shown(call).await, shown(written).await);
                assert_eq!(found, expected, "{which}: {call}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_macro_says_why() {
    for (context, which) in [
        (linked_in(config(1, 8192)), "linked in"),
        (loaded(config(1, 8192)), "loaded"),
    ] {
        let context = filled(context).await;
        for (sql, part) in [
            ("CREATE FUNCTION f(x BIGINT) AS 'x + $2'", "$2"),
            ("CREATE FUNCTION f(x BIGINT) AS 'x + y'", "No field named y"),
            (
                "CREATE FUNCTION f(x BIGINT, X BIGINT) AS 'x'",
                "two arguments 'x'",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) AS 'no_such_function(x)'",
                "no_such_function",
            ),
            (
                "CREATE FUNCTION f() AS 'count(*)'",
                "an aggregate has arguments",
            ),
            (
                "CREATE FUNCTION f(n BIGINT) LANGUAGE table AS 'DROP TABLE numbers'",
                "not one query",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) LANGUAGE other AS 'x'",
                "language other",
            ),
            ("SELECT * FROM multiples(1, 2)", "takes 1 arguments, not 2"),
            ("SELECT twice(1, 2)", "takes 1 arguments, not 2"),
            ("SELECT plus(1, 2, 3)", "takes 1 to 2 arguments, not 3"),
            ("SELECT twice('x')", "'x' is of type Int64"),
            (
                "SELECT difference(random())",
                "and random() would be another value each time",
            ),
            (
                "SELECT difference(a + round(random())) FROM numbers",
                "compute it in a subquery",
            ),
            ("SELECT spread(true) FROM numbers", "'x' is of type Int64"),
            ("SELECT * FROM multiples(4)", "WITH t AS (SELECT * FROM t)"),
            (
                "SELECT * FROM endless(1)",
                "macro 'endless' is called from 6",
            ),
            ("SELECT * FROM numbers, above(a)", "has no columns"),
            (
                "SELECT (SELECT count(*) FROM above(o.a)) FROM numbers o",
                "no columns of queries around it",
            ),
            ("SELECT * FROM above(x => 2)", "takes no argument x => 2"),
            ("SELECT * FROM numbers, LATERAL above(2)", "create it again"),
            (
                "CREATE FUNCTION f(n BIGINT) LANGUAGE table AS 'SELECT $2'",
                "names $2, which is no argument",
            ),
            (
                "CREATE FUNCTION f(n BIGINT, N BIGINT) LANGUAGE table AS 'SELECT 1'",
                "two arguments 'n'",
            ),
            (
                "CREATE FUNCTION f(n BIGINT DEFAULT 1) LANGUAGE table AS 'SELECT $n'",
                "no defaults",
            ),
            (
                "CREATE FUNCTION f(n BIGINT) RETURNS BIGINT LANGUAGE table AS 'SELECT $n'",
                "no RETURNS",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) AS 'sum(x) OVER ()'",
                "no window",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) AS 'row_number() OVER () + x'",
                "no window",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) RETURN row_number() OVER ()",
                "no window",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) AS 'EXISTS (SELECT 1)'",
                "subqueries",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) AS 'x + (SELECT 1)'",
                "subqueries",
            ),
            (
                "CREATE FUNCTION f(x BIGINT) AS 'x IN (SELECT 1)'",
                "subqueries",
            ),
            ("CREATE FUNCTION f(x BIGINT) AS 'unnest([x])'", "or unnest"),
            (
                "CREATE FUNCTION f(x BIGINT) AS 'max(x) + date_part(''year'', now())'",
                "change from call to call",
            ),
            (
                "CREATE FUNCTION f(x BIGINT DEFAULT $1) AS 'x'",
                "is no value",
            ),
            (
                "CREATE FUNCTION f(x BIGINT DEFAULT 1) AS 'max(x)'",
                "no defaults",
            ),
        ] {
            let error = match query(&context, sql).await {
                Ok(rows) => panic!("{which}: {sql} gives\n{rows}"),
                Err(error) => error.strip_backtrace(),
            };
            assert!(error.contains(part), "{which}: {sql}: {error}");
        }
    }
}

/// An application need not have the options in its sessions.
#[tokio::test]
async fn a_body_has_the_options_of_its_factory() {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_function_factory(Some(Arc::new(Macros::new(&options()))))
        .build();
    let context = SessionContext::new_with_state(state);
    let base = "CREATE FUNCTION base() AS 'get_field(span_make(1, 2), ''line_base'')'";
    run(&context, base).await;
    let found = run(&context, "SELECT base()").await;
    assert_eq!(values(&found), ["| 1 |"]);
}
