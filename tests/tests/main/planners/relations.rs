//! Relation planners.

use plugin_tests::kept::Kept;

use super::{error, linked_in, loaded, plans, rows};

/// Relations that DataFusion's own examples of relation planning plan, and what planners do with each
/// other.
const QUERIES: &[&str] = &[
    "SELECT count(*) FROM numbers TABLESAMPLE (10 PERCENT) REPEATABLE (7)",
    "SELECT a FROM numbers TABLESAMPLE (25 PERCENT) REPEATABLE (1) ORDER BY a",
    "SELECT s.a FROM numbers AS s TABLESAMPLE (5) ORDER BY s.a",
    "SELECT n.a, s.b FROM numbers n JOIN numbers AS s TABLESAMPLE (10 PERCENT) USING (a) ORDER BY 1",
    "SELECT a FROM big TABLESAMPLE (20 PERCENT) REPEATABLE (3) WHERE b > 4000 ORDER BY a",
    "SELECT * FROM sales PIVOT (sum(quantity) FOR year IN (2024, 2025 AS last)) ORDER BY region",
    "SELECT * FROM sales PIVOT (sum(quantity) AS total, count(*) AS n FOR year IN (2024, 2026)) \
     AS p ORDER BY p.region",
    "SELECT * FROM (SELECT * FROM sales WHERE quantity > 1) PIVOT (max(quantity) FOR region IN \
     ('north', 'south')) ORDER BY year",
    "SELECT * FROM wide UNPIVOT (amount FOR month IN (jan, feb AS february)) ORDER BY id, month",
    "SELECT month, sum(amount) FROM wide UNPIVOT INCLUDE NULLS (amount FOR month IN (jan, feb)) AS u \
     GROUP BY month ORDER BY month",
    // One planner inside of another, both ways.
    "SELECT count(*) FROM (SELECT * FROM wide UNPIVOT (amount FOR month IN (jan, feb))) TABLESAMPLE (100 PERCENT)",
    "SELECT * FROM sales TABLESAMPLE (100 PERCENT) PIVOT (sum(quantity) FOR year IN (2024)) ORDER BY region",
    "SELECT * FROM claimed",
    "SELECT c.column1 + 1 FROM claimed AS c",
    "SELECT sum(x) FROM made AS m(x)",
    "SELECT * FROM made JOIN numbers ON n = a ORDER BY n",
    // A session has those tables at hand that the statement mentions.
    "SELECT * FROM asking WHERE EXISTS (SELECT 1 FROM numbers)",
    "SELECT a FROM scanned_twice WHERE EXISTS (SELECT 1 FROM numbers) ORDER BY a LIMIT 5",
    // Subqueries and outer references inside of what is sampled.
    "SELECT a FROM (SELECT a FROM numbers o WHERE EXISTS (SELECT 1 FROM sales WHERE quantity = o.a)) \
     TABLESAMPLE (100 PERCENT) ORDER BY a",
    "SELECT a FROM numbers WHERE a IN (SELECT b FROM numbers TABLESAMPLE (50 PERCENT) REPEATABLE (2)) ORDER BY a",
    "SELECT a, (SELECT max(p.\"2024\") FROM sales PIVOT (sum(quantity) FOR year IN (2024)) AS p WHERE p.\"2024\" = o.a) \
     FROM numbers o WHERE a < 3",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) \
     SELECT * FROM r TABLESAMPLE (100 PERCENT) ORDER BY n",
    "SELECT * FROM (SELECT a, row_number() OVER (PARTITION BY a % 3 ORDER BY b DESC ROWS BETWEEN 1 PRECEDING AND \
     CURRENT ROW) AS r, sum(b) FILTER (WHERE a > 3) OVER (ORDER BY a) AS s FROM numbers) TABLESAMPLE (100 PERCENT) ORDER BY a",
    "SELECT * FROM (SELECT a % 2 AS k, a % 3 AS l, count(DISTINCT b) FROM numbers GROUP BY GROUPING SETS ((a % 2), (a % 2, a % 3), ())) \
     TABLESAMPLE (100 PERCENT) ORDER BY 1, 2, 3",
    // What nobody claims is planned as without planners.
    "SELECT * FROM numbers, UNNEST([1, 2]) AS u(x), generate_series(1, 2) WHERE a = 1",
    "SELECT * FROM (numbers JOIN sales ON a = quantity) ORDER BY a, region",
];

#[tokio::test(flavor = "multi_thread")]
async fn plans_and_rows_are_those_of_the_planners_linked_in() {
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    for sql in QUERIES {
        let expected = plans(&linked_in, sql).await;
        let expected = expected.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let found = plans(&loaded, sql).await;
        let found = found.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(found, expected, "{sql}");
        let expected = rows(&linked_in, sql).await;
        let expected = expected.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(rows(&loaded, sql).await.unwrap(), expected, "{sql}");
    }
}

/// What a sample of a hundred rows must be, whoever plans it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_a_share_and_repeats() {
    let loaded = loaded().await;
    let sampled = |sql: &'static str| {
        let loaded = loaded.clone();
        async move { loaded.sql(sql).await.unwrap().count().await.unwrap() }
    };
    assert_eq!(
        sampled("SELECT a FROM numbers TABLESAMPLE (0 PERCENT)").await,
        0
    );
    assert_eq!(
        sampled("SELECT a FROM numbers TABLESAMPLE (100 PERCENT)").await,
        100
    );
    let half = sampled("SELECT a FROM numbers TABLESAMPLE (50 PERCENT) REPEATABLE (5)").await;
    assert!((30..70).contains(&half), "{half}");
    let sql = "SELECT a FROM numbers TABLESAMPLE (50 PERCENT) REPEATABLE (5)";
    let other = "SELECT a FROM numbers TABLESAMPLE (50 PERCENT) REPEATABLE (6)";
    assert_eq!(
        rows(&loaded, sql).await.unwrap(),
        rows(&loaded, sql).await.unwrap()
    );
    assert_ne!(
        rows(&loaded, sql).await.unwrap(),
        rows(&loaded, other).await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pivot_has_a_column_per_value() {
    let sql = "SELECT * FROM sales PIVOT (sum(quantity) FOR year IN (2024, 2025 AS last)) ORDER BY region";
    let expected = "\
+--------+------+------+
| region | 2024 | last |
+--------+------+------+
| east   |      |      |
| north  | 1    | 2    |
| south  | 12   |      |
+--------+------+------+";
    assert_eq!(rows(&loaded().await, sql).await.unwrap(), expected);
}

/// A planner's own extension node keeps its line, its inputs and its expressions; like linked in, it
/// cannot be run without an extension planner.
#[tokio::test(flavor = "multi_thread")]
async fn an_extension_node_of_the_planner_is_in_the_plan() {
    let sql = "SELECT m.a FROM numbers MATCH_RECOGNIZE (ORDER BY a MEASURES a AS x PATTERN (low high+) \
               DEFINE low AS a < 10, high AS a > 90 AND b IN (SELECT quantity FROM sales)) AS m";
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    let plan = |context: &datafusion::prelude::SessionContext| {
        let state = context.state();
        async move {
            let plan = state.create_logical_plan(sql).await.unwrap();
            plan.display_indent_schema().to_string()
        }
    };
    let expected = plan(&linked_in).await;
    assert!(expected.contains("Matches: low high+ by"), "{expected}");
    assert_eq!(plan(&loaded).await, expected);
    for context in [&linked_in, &loaded] {
        let error = error(
            context,
            "SELECT a FROM numbers MATCH_RECOGNIZE (PATTERN (l) DEFINE l AS a < 10)",
        )
        .await;
        assert!(
            error.contains("No installed planner was able to convert the custom node"),
            "{error}"
        );
    }
}

/// Also where the planner's own node stands above it.
#[tokio::test(flavor = "multi_thread")]
async fn what_planners_were_shown_goes_with_the_session() {
    let mut left = Vec::new();
    for sql in [
        "SELECT a FROM ten_numbers",
        "SELECT m.a FROM ten_numbers MATCH_RECOGNIZE (PATTERN (low) DEFINE low AS a < 10) AS m",
        "SELECT a FROM ten_numbers TABLESAMPLE (50 PERCENT) REPEATABLE (1)",
    ] {
        let context = loaded().await;
        let kept = Kept::table(&context);
        context
            .state()
            .create_logical_plan(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        drop(context);
        if !kept.is_gone().await {
            left.push(sql);
        }
    }
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_planning_are_those_of_the_planners_linked_in() {
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    for sql in [
        "SELECT * FROM numbers TABLESAMPLE (101 PERCENT)",
        "SELECT * FROM numbers TABLESAMPLE (3 ROWS)",
        "SELECT * FROM sales PIVOT (upper(region) FOR year IN (2024))",
        "SELECT * FROM sales PIVOT (sum(no_such_column) FOR year IN (2024))",
        "SELECT * FROM no_such_table TABLESAMPLE (3 PERCENT)",
    ] {
        let expected = error(&linked_in, sql).await;
        let found = error(&loaded, sql).await;
        assert!(found.starts_with(&expected), "{sql}\n{found}\n{expected}");
        // Some errors have the plugin's name where a backtrace would stand.
        let whole = rows(&loaded, sql).await.unwrap_err().to_string();
        assert!(whole.contains("example"), "{whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_plan_at_once() {
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    let sql = "SELECT * FROM sales TABLESAMPLE (100 PERCENT) PIVOT (sum(quantity) FOR year IN (2024)) ORDER BY region";
    let expected = plans(&linked_in, sql).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let loaded = loaded.clone();
            tokio::spawn(async move {
                let mut found = Vec::new();
                for _ in 0..20 {
                    found.push(plans(&loaded, sql).await.unwrap());
                }
                found
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().iter().all(|found| *found == expected));
    }
}

/// A subquery in a subquery, and so on, deeper than serde_json would go.
#[tokio::test(flavor = "multi_thread")]
async fn deep_relations_cross() {
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    let nested = (0..12).fold("numbers".to_owned(), |inner, _| {
        format!("(SELECT a, b FROM {inner} WHERE a > 0)")
    });
    let sum = vec!["a"; 100].join(" + ");
    for sql in [
        format!("SELECT a FROM {nested} TABLESAMPLE (100 PERCENT) ORDER BY a LIMIT 3"),
        format!(
            "SELECT * FROM (SELECT {sum} AS s FROM numbers) TABLESAMPLE (100 PERCENT) ORDER BY s LIMIT 3"
        ),
    ] {
        let expected = rows(&linked_in, &sql).await.unwrap();
        assert_eq!(rows(&loaded, &sql).await.unwrap(), expected);
    }
}
