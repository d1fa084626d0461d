//! Window functions.

use datafusion::prelude::SessionConfig;

use crate::{planning_error, rows, session, session_with};

const TABLE: &str = "(VALUES ('p', 1, 5, 'x'), ('p', 2, 7, 'y'), ('p', 3, 7, 'a'), ('q', 4, null, 'z'), \
                     ('q', 5, null, 'b')) t(part, id, score, name)";

#[tokio::test]
async fn one_row_of_each_partition_is_best() {
    let context = session();
    let best = |call: &str, order: &str| {
        format!(
            "SELECT id FROM (SELECT id, {call} OVER (PARTITION BY part {order}) best FROM {TABLE}) \
             WHERE best ORDER BY id"
        )
    };
    for (call, order, expected) in [
        ("dedupe_best_by_score(score, name)", "", ["3", "5"]),
        ("dedupe_best_by_score(score, id)", "", ["2", "4"]),
        (
            "dedupe_best_by_score(score)",
            "ORDER BY id DESC",
            ["3", "5"],
        ),
        ("dedupe_best_by_score(score)", "ORDER BY id", ["2", "4"]),
    ] {
        assert_eq!(
            rows(&context, &best(call, order)).await,
            expected,
            "{call} {order}"
        );
    }
    let qualify = format!(
        "SELECT id FROM {TABLE} QUALIFY dedupe_best_by_score(score, name) OVER (PARTITION BY part) \
         ORDER BY id"
    );
    assert_eq!(rows(&context, &qualify).await, ["3", "5"]);
}

#[tokio::test]
async fn are_datafusions_own_under_other_names() {
    for batch_size in [1, 8192] {
        let context = session_with(SessionConfig::new().with_batch_size(batch_size));
        for (ours, theirs) in [
            ("lag_window(name)", "lag(name)"),
            ("lag_window(id, 2, 0)", "lag(id, 2, 0)"),
            ("lead_window(name)", "lead(name)"),
            ("lead_window(id, 1, -1)", "lead(id, 1, -1)"),
            ("row_number_window()", "row_number()"),
        ] {
            for order in ["ORDER BY id", "ORDER BY id DESC"] {
                let of = |call| {
                    format!(
                        "SELECT id, {call} OVER (PARTITION BY part {order}) FROM {TABLE} ORDER BY id"
                    )
                };
                let expected = rows(&context, &of(theirs)).await;
                assert_eq!(expected.len(), 5);
                assert_eq!(rows(&context, &of(ours)).await, expected, "{ours} {order}");
            }
        }
    }
}

#[tokio::test]
async fn errors_name_function_argument_and_types() {
    for (call, parts) in [
        (
            "dedupe_best_by_score()",
            [
                "dedupe_best_by_score takes the arguments (score, ...)",
                "found 0",
            ],
        ),
        (
            "lag_window('a', 'b')",
            [
                "lag_window: the argument 'offset' is of type Utf8",
                "an integer type",
            ],
        ),
        (
            "lead_window('a', true)",
            [
                "lead_window: the argument 'offset' is of type Boolean",
                "an integer type",
            ],
        ),
        ("row_number_window(1)", ["row_number_window", "Int64"]),
    ] {
        let error = planning_error(&session(), &format!("SELECT {call} OVER ()")).await;
        for part in parts {
            assert!(error.contains(part), "{call}: {error}");
        }
    }
}
