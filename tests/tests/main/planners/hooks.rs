//! Expression planners: every hook.

use super::{error, linked_in, loaded, plans, rows};

/// One or more for each hook; each is planned as a text of what the hook was handed.
const QUERIES: &[(&str, &str)] = &[
    ("LongArrow", "SELECT a ->> 'x' FROM numbers LIMIT 1"),
    ("Plus", "SELECT a + 'told' FROM numbers LIMIT 1"),
    ("NamedStructField", "SELECT named_struct('told', 1)['told']"),
    ("ListIndex", "SELECT make_array('told')[1]"),
    ("ListRange", "SELECT make_array('told')[1:2]"),
    ("array", "SELECT [b, 'told', a] FROM numbers LIMIT 1"),
    ("position", "SELECT position('told' IN 'x')"),
    ("told", "SELECT {'x': 'told', 'y': 2}"),
    ("extract", "SELECT extract(year FROM 'told')"),
    ("substring", "SELECT substring('told' FROM 2 FOR 3)"),
    ("struct false", "SELECT struct('told', 1)"),
    ("struct true", "SELECT struct('told' AS x, 1 AS y)"),
    ("overlay", "SELECT overlay('told' PLACING 'x' FROM 2)"),
    ("map", "SELECT MAP {'k': 'told'}"),
    (
        "compound",
        "SELECT s.told FROM (SELECT named_struct('told', 1) AS s)",
    ),
    (
        "sum",
        "SELECT sum(DISTINCT 'told') FILTER (WHERE a > 3) FROM numbers",
    ),
    (
        "array_agg",
        "SELECT array_agg('told' ORDER BY a DESC NULLS LAST) FROM numbers",
    ),
    (
        "lag",
        "SELECT lag('told', 2) IGNORE NULLS OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING) \
         FROM numbers LIMIT 1",
    ),
    (
        "sum",
        "SELECT sum('told') OVER (ORDER BY a) FROM numbers LIMIT 1",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_hook_is_handed_what_a_linked_in_planner_is() {
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    for (hook, sql) in QUERIES {
        let expected = rows(&linked_in, sql).await;
        let expected = expected.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(expected.contains(hook), "{sql}\n{expected}");
        assert_eq!(rows(&loaded, sql).await.unwrap(), expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_planner_declines_is_planned_by_the_next() {
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    for sql in [
        "SELECT a + b, [a, b], extract(year FROM DATE '2024-02-03') FROM numbers LIMIT 1",
        "SELECT substring('hello' FROM 2 FOR 3), position('l' IN 'hello'), overlay('abc' PLACING 'x' FROM 2)",
        "SELECT struct(1, 2), named_struct('f', 1)['f'], {'k': 1}, MAP {'k': 2}, make_array(1, 2)[1]",
        "SELECT sum(a) FILTER (WHERE b > 5), count(*) FROM numbers",
        "SELECT sum(a) OVER (ORDER BY a) FROM numbers ORDER BY 1 LIMIT 2",
        "SELECT s.x FROM (SELECT named_struct('x', 1) AS s)",
    ] {
        assert_eq!(
            plans(&loaded, sql).await.unwrap(),
            plans(&linked_in, sql).await.unwrap(),
            "{sql}"
        );
        assert_eq!(
            rows(&loaded, sql).await.unwrap(),
            rows(&linked_in, sql).await.unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_hook_names_plugin_and_planner() {
    let loaded = loaded().await;
    let failure = error(&loaded, "SELECT position('failing' IN 'x')").await;
    for part in ["position fails", "planners", "hooks"] {
        assert!(failure.contains(part), "{part}: {failure}");
    }
    let panic = error(&loaded, "SELECT position('panicking' IN 'x')").await;
    for part in ["position panics", "planners", "hooks", "hooks.rs:"] {
        assert!(panic.contains(part), "{part}: {panic}");
    }
}
