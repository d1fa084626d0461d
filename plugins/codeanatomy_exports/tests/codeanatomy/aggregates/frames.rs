//! Frames whose start moves on give rows back.

use datafusion::prelude::SessionConfig;
use datafusion_codeanatomy::aggregate_functions;

use crate::{batches, rows, session_with};

const CALLS: [&str; 10] = [
    "list_unique({v})",
    "collect_set({v})",
    "count_distinct_agg({v})",
    "count_if({v} = 'b')",
    "any_value_det({v}, t.k)",
    "arg_max({v}, t.k)",
    "arg_min({v}, t.k)",
    "asof_select({v}, t.k)",
    "string_agg({v}, '-')",
    "string_agg({v}, null)",
];

#[test]
fn every_function_has_a_call() {
    for function in aggregate_functions() {
        let call = format!("{}(", function.name());
        assert!(CALLS.iter().any(|known| known.starts_with(&call)), "{call}");
    }
}

/// As the rows of each frame are that are a group.
#[tokio::test]
async fn are_aggregated_as_groups_are() {
    for (batch_size, text) in [(1, "Utf8"), (3, "LargeUtf8"), (8192, "Utf8View")] {
        let context = session_with(SessionConfig::new().with_batch_size(batch_size));
        let table = format!(
            "CREATE TABLE t AS SELECT column1 AS n, column2 AS k, arrow_cast(column3, '{text}') AS v \
             FROM (VALUES (1, 4, 'b'), (2, 4, 'a'), (3, null, 'c'), (4, 2, 'b'), (5, 2, 'b'), \
             (6, 9, null), (7, null, null), (8, -1, ''), (9, 4, 'b'), (10, 4, 'ab'))"
        );
        batches(&context, &table).await.unwrap();
        for (first, last) in [(-1, 0), (0, 1), (-3, -1), (-2, 2), (1, 3)] {
            check(&context, first, last).await;
        }
    }
}

async fn check(context: &datafusion::prelude::SessionContext, first: i32, last: i32) {
    let bound = |rows: i32| match rows {
        ..0 => format!("{} PRECEDING", -rows),
        0 => "CURRENT ROW".to_owned(),
        _ => format!("{rows} FOLLOWING"),
    };
    let (start, end) = (bound(first), bound(last));
    for call in CALLS {
        for filter in ["", " FILTER (WHERE t.n <> 4)"] {
            let call = format!("{}{filter}", call.replace("{v}", "t.v"));
            let groups = format!(
                "SELECT f.n, {call} FROM (SELECT n FROM t) f LEFT JOIN t \
                 ON t.n BETWEEN f.n + {first} AND f.n + {last} GROUP BY f.n ORDER BY f.n"
            );
            let expected = rows(context, &groups).await;
            assert_eq!(expected.len(), 10);
            for unit in ["ROWS", "RANGE"] {
                let frames = format!(
                    "SELECT n, {call} OVER (ORDER BY n {unit} BETWEEN {start} AND {end}) FROM t ORDER BY n"
                );
                assert_eq!(rows(context, &frames).await, expected, "{frames}");
            }
        }
    }
}
