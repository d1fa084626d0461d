//! Functions of every kind, made by a factory.

use datafusion::prelude::SessionContext;

use super::{error, linked_in, loaded, rows, rows_counted, run, same};

const KINDS: &[&str] = &[
    "CREATE FUNCTION add_ten(BIGINT) RETURNS BIGINT LANGUAGE adding IMMUTABLE RETURN 10",
    "CREATE FUNCTION total(BIGINT) RETURNS BIGINT LANGUAGE totalling IMMUTABLE RETURN 100",
    "CREATE FUNCTION numbers(BIGINT) RETURNS BIGINT LANGUAGE numbering IMMUTABLE RETURN 5",
    "CREATE FUNCTION listed() LANGUAGE listing RETURN 4",
];

async fn with_kinds(context: SessionContext) -> SessionContext {
    run(&context, KINDS).await;
    context
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_every_kind_run() {
    let linked_in = with_kinds(linked_in()).await;
    let loaded = with_kinds(loaded()).await;
    let queries = [
        "SELECT add_ten(value) FROM generate_series(1, 4)",
        "SELECT add_ten(1), add_ten(NULL)",
        "SELECT total(value), total(add_ten(value)) FROM generate_series(1, 4)",
        "SELECT value % 2, total(value) FROM generate_series(1, 9) GROUP BY value % 2 ORDER BY 1",
        "SELECT value, numbers(value) OVER (ORDER BY value DESC) FROM generate_series(1, 3) ORDER BY 1",
        "SELECT total(n) OVER (ORDER BY n) FROM listed()",
        "SELECT count(*), sum(n) FROM listed() WHERE n > 1",
        "SELECT l.n, r.n FROM listed() l JOIN listed() r ON add_ten(l.n) = add_ten(r.n) ORDER BY 1",
    ];
    same(&linked_in, &loaded, &queries).await;
    let found = rows(
        &loaded,
        "SELECT total(add_ten(value)) FROM generate_series(1, 4)",
    )
    .await;
    assert!(found.unwrap().contains("| 150 "));
    let volatility = |context: &SessionContext| {
        let state = context.state();
        (
            state.scalar_functions()["add_ten"].signature().clone(),
            state.aggregate_functions()["total"].signature().clone(),
            state.window_functions()["numbers"].signature().clone(),
        )
    };
    assert_eq!(volatility(&loaded), volatility(&linked_in));
}

/// Everything that the statement says reaches the factory, with the session's settings and id.
#[tokio::test(flavor = "multi_thread")]
async fn the_factory_is_told_the_whole_statement() {
    let (linked_in, loaded) = (linked_in(), loaded());
    let statements = [
        "CREATE FUNCTION t() LANGUAGE telling",
        "CREATE OR REPLACE FUNCTION t() RETURNS VARCHAR LANGUAGE telling STABLE RETURN 'a'",
        "CREATE TEMPORARY FUNCTION t(a BIGINT, \"B\" VARCHAR DEFAULT 'x', c DOUBLE DEFAULT 1 + 1) \
         RETURNS DECIMAL(19, 4) LANGUAGE telling IMMUTABLE RETURN $a + $c",
        "CREATE OR REPLACE TEMPORARY FUNCTION t(TIMESTAMP, BIGINT[]) RETURNS STRUCT<x INT> \
         LANGUAGE \"telling\" VOLATILE AS 'some text'",
        "CREATE FUNCTION t(INTERVAL) RETURNS DATE LANGUAGE telling \
         RETURN DATE '2026-01-01' + $1",
    ];
    for sql in statements {
        run(&linked_in, &[sql]).await;
        run(&loaded, &[sql]).await;
        let told = rows(&linked_in, "SELECT t()").await.unwrap();
        assert!(told.contains("77 of a test"), "{told}");
        assert_eq!(rows(&loaded, "SELECT t()").await.unwrap(), told, "{sql}");
    }
}

/// The latest function has the name, though the author's `PartialEq` calls it equal to the one
/// before.
#[tokio::test(flavor = "multi_thread")]
async fn functions_are_replaced_and_dropped() {
    let (linked_in, loaded) = (linked_in(), loaded());
    for number in [10, 20] {
        let create = format!(
            "CREATE OR REPLACE FUNCTION add_it(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN {number}"
        );
        for context in [&linked_in, &loaded] {
            run(context, &[&create]).await;
        }
        same(&linked_in, &loaded, &["SELECT add_it(1)"]).await;
        let expected = format!("| {} ", number + 1);
        assert!(
            rows(&loaded, "SELECT add_it(1)")
                .await
                .unwrap()
                .contains(&expected)
        );
    }
    run(
        &loaded,
        &[
            "CREATE TEMPORARY FUNCTION passing(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN 1",
            "SELECT passing(1)",
            "DROP FUNCTION passing",
            "DROP FUNCTION add_it",
            "DROP FUNCTION IF EXISTS add_it",
            "CREATE FUNCTION listed() LANGUAGE listing RETURN 4",
            "DROP FUNCTION listed",
        ],
    )
    .await;
    for sql in [
        "SELECT add_it(1)",
        "SELECT passing(1)",
        "SELECT * FROM listed()",
    ] {
        let found = error(&loaded, sql).await;
        let name = sql
            .split([' ', '('])
            .find(|word| word.contains('_') || word.ends_with('g'));
        assert!(found.contains(name.unwrap_or("listed")), "{sql}: {found}");
    }
    assert!(
        error(&loaded, "DROP FUNCTION add_it")
            .await
            .contains("does not exist")
    );
}

/// Calls of what a factory made are counted as the factory's.
#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted() {
    let loaded = loaded();
    run(
        &loaded,
        &["CREATE FUNCTION add_one(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN 1"],
    )
    .await;
    let before = rows_counted(&loaded).await;
    run(
        &loaded,
        &["SELECT add_one(value) FROM generate_series(1, 1234)"],
    )
    .await;
    assert!(rows_counted(&loaded).await >= before + 1234);
}
