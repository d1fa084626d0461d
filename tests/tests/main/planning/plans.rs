//! Plans, as `EXPLAIN` prints them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
        util::pretty::pretty_format_batches,
    },
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext, col},
};

use super::super::twins::{linked_in_with, loaded_with};

/// `t`, sorted by `a`; `b` may be null.
fn table() -> MemTable {
    let fields = vec![
        Field::new("a", DataType::Int64, false),
        Field::new("b", DataType::Int64, true),
    ];
    let schema = Arc::new(Schema::new(fields));
    let a = Arc::new(Int64Array::from_iter_values(0..100));
    let b = Arc::new(Int64Array::from_iter(
        (0..100).map(|i| (i % 3 > 0).then_some(i % 7)),
    ));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![a, b]).unwrap();
    let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
    table.with_sort_order(vec![vec![col("a").sort(true, false)]])
}

fn contexts() -> [SessionContext; 2] {
    let config = || SessionConfig::new().with_target_partitions(4);
    let contexts = [linked_in_with(config()), loaded_with(config())];
    for context in &contexts {
        context.register_table("t", Arc::new(table())).unwrap();
        context.register_table("u", Arc::new(table())).unwrap();
    }
    contexts
}

async fn text(context: &SessionContext, sql: &str) -> String {
    let frame = context
        .sql(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let batches = frame
        .collect()
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    pretty_format_batches(&batches).unwrap().to_string()
}

/// Asserts that the plan and the rows of `sql` are the same linked in and loaded; the plan.
async fn plan(contexts: &[SessionContext; 2], sql: &str) -> String {
    let explain = format!("explain {sql}");
    let linked_in = text(&contexts[0], &explain).await;
    assert_eq!(text(&contexts[1], &explain).await, linked_in, "{sql}");
    assert_eq!(
        text(&contexts[1], sql).await,
        text(&contexts[0], sql).await,
        "{sql}"
    );
    linked_in
}

async fn assert_plans(cases: &[(&str, &str, bool)]) {
    let contexts = contexts();
    for (sql, part, is_there) in cases {
        let plan = plan(&contexts, sql).await;
        assert_eq!(plan.contains(part), *is_there, "{sql}: '{part}' in\n{plan}");
    }
}

#[tokio::test]
async fn a_sorted_input_stays_sorted() {
    assert_plans(&[
        ("select a from t order by doubled(a)", "SortExec", false),
        (
            "select a from t order by negated(a) desc nulls last",
            "SortExec",
            false,
        ),
        ("select a from t order by negated(a)", "SortExec", true),
        ("select doubled(a) d from t order by d", "SortExec", false),
        ("select a from t order by tens(a)", "SortExec", true),
        (
            "select a, b from t order by doubled(a), b",
            "SortExec",
            true,
        ),
        ("select a, b from t order by doubled(b)", "SortExec", true),
        (
            "select p from (select packed(a, b) p from t) order by p['x']",
            "SortExec",
            false,
        ),
        (
            "select p from (select packed(a, b) p from t) order by p['y'], p['x']",
            "SortExec",
            true,
        ),
        (
            "select doubled(a), count(*) from t group by doubled(a) order by 1",
            "ordering_mode=Sorted",
            true,
        ),
    ])
    .await;
}

#[tokio::test]
async fn equal_calls_are_computed_once() {
    assert_plans(&[
        (
            "select doubled(a) + 1, doubled(a) + 2 from t",
            "__common_expr",
            true,
        ),
        (
            "select doubled(a) + 1, negated(a) + 2 from t",
            "__common_expr",
            false,
        ),
        (
            "select doubled(a) + 1, doubled(b) + 2 from t",
            "__common_expr",
            false,
        ),
        (
            "select describe(a, 1) || 'x', describe(a, 1) || 'y' from t",
            "__common_expr",
            true,
        ),
        (
            "select describe(a, 1) || 'x', describe(a, 2) || 'y' from t",
            "__common_expr",
            false,
        ),
        (
            "select describe_each(a) || 'x', describe_each(a) || 'y' from t",
            "__common_expr",
            false,
        ),
        // Lazy arguments are no reason to compute a call; eager ones are.
        (
            "select first_known(b, doubled(a)), first_known(a, doubled(a)) from t",
            "__common_expr",
            false,
        ),
        (
            "select first_known(doubled(a), b), first_known(doubled(a), a) from t",
            "__common_expr",
            true,
        ),
    ])
    .await;
}

#[tokio::test]
async fn volatility_decides_when_a_call_is_computed() {
    assert_plans(&[
        ("select describe(1) from t", "Utf8(\"1 rows of", true),
        ("select describe_each(1) from t", "Utf8(\"1 rows of", false),
        ("select describe_query(1) from t", "Utf8(\"1 rows of", true),
        (
            "select a from t where doubled(5) = 10 and a < 3",
            "doubled",
            false,
        ),
        ("select a from t where doubled(5) = 11", "EmptyExec", true),
    ])
    .await;
}

#[tokio::test]
async fn calls_are_rewritten() {
    assert_plans(&[
        (
            "select plus_zero(a) + 1 from t order by 1",
            "projection=[a",
            true,
        ),
        ("select a from t where plus_zero(a) < 5", "plus_zero", false),
        ("select a from t where tens(a) = 20", "tens", false),
        (
            "select a from t where tens(a) = 20",
            "a@0 >= 20 AND a@0 < 30",
            true,
        ),
        ("select a from t where tens(a) > 70", "a@0 >= 80", true),
        ("select a from t where tens(a) = 21", "tens", true),
        // A strict function of a null is null, so the outer join drops those rows anyway.
        (
            "select t.a, u.b from t left join u on t.a = u.b where doubled(u.b) > 2 order by 1, 2",
            "join_type=Inner",
            true,
        ),
        (
            "select t.a, u.b from t left join u on t.a = u.b where tens(u.b) > 2 order by 1, 2",
            "join_type=Inner",
            false,
        ),
    ])
    .await;
}

/// A function that only a rewriting yields has no bare name in the session: its plan says whose it is.
#[tokio::test]
async fn functions_made_by_a_rewriting_carry_the_plugin_s_name() {
    let [linked_in, loaded] = contexts();
    let sql = "select a from t where starts(cast(a as varchar), '1') order by a";
    let explain = format!("explain {sql}");
    let plan = text(&linked_in, &explain).await;
    assert!(plan.contains(" starts_with_constant("), "{plan}");
    let plan = text(&loaded, &explain).await;
    assert!(plan.contains(" twins.starts_with_constant("), "{plan}");
    assert_eq!(text(&loaded, sql).await, text(&linked_in, sql).await);
}

#[tokio::test]
async fn calls_move_to_their_place() {
    let contexts = contexts();
    for sql in [
        "select leafward(a) l, b from (select a, b from t order by b, a limit 10) order by b, l",
        "select leafward(a) from t where b > 3 order by 1",
        "select doubled(a) l, b from (select a, b from t order by b, a limit 10) order by b, l",
        "select l from (select leafward(a) l, b from t) where b > 1 order by l",
    ] {
        plan(&contexts, sql).await;
    }
}

#[tokio::test]
async fn aggregates_and_windows_are_planned_alike() {
    let contexts = contexts();
    for sql in [
        "select tally(b), tally(a) filter (where b > 2) from t",
        "select b, tally(a) from t group by b order by b",
        "select tally(distinct b) from t",
        "select last_of(a order by b, a) from t",
        "select gather(b order by a desc) from t",
        "select a, tally(b) over (order by a rows between 2 preceding and current row) from t order by a",
        "select a, first_in_frame(b) over (order by a rows between 1 preceding and 1 following) from t order by a",
        "select a, echo_all(b) over (partition by b order by a) from t order by a limit 5",
        "select * from t where a in (select tally(b) from u)",
    ] {
        plan(&contexts, sql).await;
    }
}

/// A setting that changes a function's type changes the installed function, under both its names.
#[tokio::test]
async fn settings_change_functions() {
    let contexts = contexts();
    let types = "select arrow_typeof(zoned())";
    let before = text(&contexts[0], types).await;
    assert_eq!(text(&contexts[1], types).await, before);
    for context in &contexts {
        context
            .sql("set datafusion.execution.time_zone = 'Europe/Paris'")
            .await
            .unwrap();
    }
    let after = text(&contexts[0], types).await;
    assert!(after.contains("Europe/Paris") && after != before, "{after}");
    assert_eq!(text(&contexts[1], types).await, after);
    plan(&contexts, "select zoned(), describe_query()").await;
    let qualified = text(&contexts[1], "select arrow_typeof(twins.zoned())").await;
    assert!(qualified.contains("Europe/Paris"), "{qualified}");
    // Two calls of the changed function are still one.
    let sql = "select doubled(cast(zoned() as bigint) + a) + 1, doubled(cast(zoned() as bigint) + a) + 2 from t";
    assert!(plan(&contexts, sql).await.contains("__common_expr"));
}

#[tokio::test]
async fn schemas_are_the_same() {
    let [linked_in, loaded] = contexts();
    for sql in [
        "select echo(a), echo(b), describe(1, a), describe(a, b), first_known(b, a), first_known(b, b) from t",
        "select packed(a, b), zoned(), sig_any(a, b), tally(b) over (), echo_all(a) over () from t",
        "select last_of(b), gather(a), tally(a) from t",
    ] {
        let schema =
            async |context: &SessionContext| context.sql(sql).await.unwrap().schema().clone();
        assert_eq!(schema(&loaded).await, schema(&linked_in).await, "{sql}");
    }
}
