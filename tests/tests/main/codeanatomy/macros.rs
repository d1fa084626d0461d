//! Macros of `CREATE FUNCTION`, loaded and linked in, beside the same written out.

use datafusion::prelude::SessionContext;

use super::{config, linked_in, loaded, query};

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
];

async fn run(context: &SessionContext, sql: &str) {
    let done = context.sql(sql).await;
    let done = done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    done.collect().await.unwrap();
}

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
        "SELECT g, max(a) - min(a), sum(a * w) / sum(w) FILTER (WHERE w > 1), \
         count(DISTINCT a % 3) + count(*) * 100 FROM numbers GROUP BY g ORDER BY g",
    ),
    (
        "SELECT spread(a), kinds(a) FROM numbers WHERE a < 0",
        "SELECT max(a) - min(a), count(DISTINCT a % 3) + count(*) * 100 FROM numbers WHERE a < 0",
    ),
    (
        "SELECT m.multiple, m.a FROM multiples(4) AS m ORDER BY a",
        "SELECT a * 4, a FROM numbers WHERE a <= 4 ORDER BY a",
    ),
    (
        "SELECT count(*) FROM multiples(2 + 1) l JOIN multiples(5) r ON l.a = r.a",
        "SELECT 3",
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
    for (partitions, batch_size) in [(1, 8192), (4, 7)] {
        let config = || config(partitions, batch_size);
        for (context, which) in [
            (linked_in(config()), "linked in"),
            (loaded(config()), "loaded"),
        ] {
            let context = filled(context).await;
            for (call, written) in CALLS {
                let found = values(&query(&context, call).await.unwrap());
                let expected = values(&query(&context, written).await.unwrap());
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
        ] {
            let error = match query(&context, sql).await {
                Ok(rows) => panic!("{which}: {sql} gives\n{rows}"),
                Err(error) => error.strip_backtrace(),
            };
            assert!(error.contains(part), "{which}: {sql}: {error}");
        }
    }
}
