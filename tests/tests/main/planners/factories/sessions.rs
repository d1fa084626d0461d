//! Where made functions are used: queries, views, prepared statements, sessions of their own.

use datafusion_plugin_host::{PluginHost, Subject, config::Config};
use plugin_tests::plugins::plugin;

use super::{builder, error, linked_in, loaded, rows, run, same};
use datafusion::prelude::SessionContext;

#[tokio::test(flavor = "multi_thread")]
async fn views_and_prepared_statements_use_what_was_made() {
    let (linked_in, loaded) = (linked_in(), loaded());
    for context in [&linked_in, &loaded] {
        run(
            context,
            &[
                "CREATE FUNCTION f1(BIGINT) RETURNS BIGINT RETURN $1 + 1",
                "CREATE FUNCTION add_ten(BIGINT) RETURNS BIGINT LANGUAGE adding IMMUTABLE RETURN 10",
                "CREATE FUNCTION total(BIGINT) RETURNS BIGINT LANGUAGE totalling RETURN 0",
                "CREATE VIEW v AS SELECT f1(value) AS a, add_ten(value) AS b FROM generate_series(1, 3)",
                "CREATE TABLE stored AS SELECT a, total(b) AS t FROM v GROUP BY a",
                "PREPARE p(BIGINT) AS SELECT f1($1), add_ten(f1($1)), a FROM v WHERE a > $1",
                // What is there keeps what it was made of.
                "DROP FUNCTION f1",
                "CREATE OR REPLACE FUNCTION add_ten(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN 1000",
            ],
        )
        .await;
    }
    let queries = [
        "SELECT * FROM v ORDER BY a",
        "SELECT * FROM stored ORDER BY a",
        "EXECUTE p(2)",
        "SELECT add_ten(b) FROM v WHERE add_ten(a) > 1002 ORDER BY 1",
    ];
    same(&linked_in, &loaded, &queries).await;
}

/// One plugin serves many sessions, each with functions of its own.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_have_their_own_functions() {
    let (first, second) = (loaded(), loaded());
    run(
        &first,
        &[
            "CREATE FUNCTION mine(BIGINT) RETURNS BIGINT RETURN $1 + 1",
            "CREATE FUNCTION add_it(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN 1",
            "CREATE FUNCTION only_here() LANGUAGE listing RETURN 1",
        ],
    )
    .await;
    run(
        &second,
        &[
            "CREATE FUNCTION mine(BIGINT) RETURNS BIGINT RETURN $1 * 100",
            "CREATE FUNCTION add_it(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN 2",
        ],
    )
    .await;
    let sql = "SELECT mine(value), add_it(value) FROM generate_series(7, 7)";
    assert!(rows(&first, sql).await.unwrap().contains("| 8 "));
    let second_rows = rows(&second, sql).await.unwrap();
    assert!(
        second_rows.contains("| 700 ") && second_rows.contains("| 9 "),
        "{second_rows}"
    );
    run(&first, &["DROP FUNCTION mine"]).await;
    error(&first, "SELECT mine(1)").await;
    error(&second, "SELECT * FROM only_here()").await;
    run(&second, &["SELECT mine(1)"]).await;
}

/// Many sessions at once.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_create_at_the_same_time() {
    let sessions = (0..16).map(|number: i64| {
        tokio::spawn(async move {
            let context = loaded();
            for step in 0..8 {
                let sum = 100 * number + step;
                let create = format!(
                    "CREATE OR REPLACE FUNCTION f(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN {sum}"
                );
                run(&context, &[&create]).await;
                run(
                    &context,
                    &["CREATE OR REPLACE FUNCTION g(BIGINT) RETURNS BIGINT RETURN f($1) * 2"],
                )
                .await;
                let found = rows(&context, "SELECT g(value) AS g FROM generate_series(1, 1)").await;
                let found = found.unwrap();
                assert!(
                    found.contains(&format!("| {} ", 2 * (1 + sum))),
                    "{sum}: {found}"
                );
            }
        })
    });
    for session in sessions.collect::<Vec<_>>() {
        session.await.unwrap();
    }
}

/// Policies are told what is created, and what its body names.
#[tokio::test(flavor = "multi_thread")]
async fn guarded_sessions_create_what_policies_let_them() {
    let config = r#"
        [[plugins.policy.options.rule]]
        name = "no secrets"
        effect = "deny"
        reason = "not to be made"
        statements = ["create_function"]
        functions = ["secret_*", "sqrt"]
        [policies]
        # However loaded the machine is: this is not about time.
        time_limit_ms = 60000
    "#;
    let host = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-planner-plugin"))
        .plugin_file(plugin("datafusion-plugin-policy"))
        .config(Config::parse(config).unwrap())
        .load()
        .unwrap();
    let context = SessionContext::new_with_state(builder().build());
    host.install(&context);
    let session = host.guarded(&context, Subject::user("ann"));
    for sql in [
        "CREATE FUNCTION f1(BIGINT) RETURNS BIGINT RETURN $1 + 1",
        "CREATE FUNCTION total(BIGINT) RETURNS BIGINT LANGUAGE totalling RETURN 0",
        "CREATE OR REPLACE FUNCTION f1(BIGINT) RETURNS BIGINT RETURN $1 + 2",
    ] {
        session.sql(sql).await.unwrap();
    }
    let sql = "SELECT total(f1(value)) AS t FROM generate_series(1, 2)";
    let found = session.sql(sql).await.unwrap().collect().await.unwrap();
    let found = datafusion::arrow::util::pretty::pretty_format_batches(&found).unwrap();
    assert!(found.to_string().contains("| 7 "), "{found}");
    for sql in [
        "CREATE FUNCTION secret_f(BIGINT) RETURNS BIGINT RETURN $1 + 1",
        "CREATE FUNCTION root(DOUBLE) RETURNS DOUBLE RETURN sqrt($1)",
    ] {
        let error = session.sql(sql).await.unwrap_err().to_string();
        assert!(error.contains("not to be made"), "{sql}: {error}");
    }
    session.sql("DROP FUNCTION f1").await.unwrap();
    assert!(session.sql("SELECT f1(1)").await.is_err());
}
