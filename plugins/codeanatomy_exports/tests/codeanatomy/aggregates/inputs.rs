//! Every aggregate and window function on all types of strings: of a slice, as a literal, and null.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Int64Array, RecordBatch, StringArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion_codeanatomy::{aggregate_functions, window_functions};

use crate::{register, rows, session};

/// A call with `{v}` for its string, and what it gives over the column, over a literal and over nulls.
const CASES: [(&str, &str, &str, &str); 13] = [
    ("list_unique({v})", "[a, b]", "[c]", "[]"),
    ("collect_set({v})", "[a, b]", "[c]", "[]"),
    ("count_distinct_agg({v})", "2", "1", "0"),
    ("count_if({v} = 'b')", "2", "0", "0"),
    ("any_value_det({v}, k)", "b", "c", "NULL"),
    ("arg_max({v}, k)", "b", "c", "NULL"),
    ("arg_min({v}, -k)", "b", "c", "NULL"),
    ("asof_select({v}, k)", "b", "c", "NULL"),
    ("string_agg({v}, '-')", "a-b-b", "c-c-c-c", "NULL"),
    (
        "dedupe_best_by_score({v}) OVER (ORDER BY k)",
        "true false false false",
        "true false false false",
        "true false false false",
    ),
    (
        "lag_window({v}) OVER (ORDER BY k)",
        "NULL b a b",
        "NULL c c c",
        "NULL NULL NULL NULL",
    ),
    (
        "lead_window({v}) OVER (ORDER BY k)",
        "a b NULL NULL",
        "c c c NULL",
        "NULL NULL NULL NULL",
    ),
    (
        "row_number_window() OVER (ORDER BY {v} NULLS LAST, k)",
        "2 1 3 4",
        "1 2 3 4",
        "1 2 3 4",
    ),
];

#[test]
fn every_function_has_cases() {
    let aggregates = aggregate_functions().into_iter();
    let aggregates = aggregates.map(|function| function.name().to_owned());
    let windows = window_functions().into_iter();
    let windows = windows.map(|function| function.name().to_owned());
    for name in aggregates.chain(windows) {
        let call = format!("{name}(");
        assert!(
            CASES.iter().any(|case| case.0.starts_with(&call)),
            "{name} has no case"
        );
    }
}

#[tokio::test]
async fn of_every_type() {
    let context = session();
    for text in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
        let values = [Some("x"), Some("b"), None, Some("a"), Some("b"), Some("y")];
        let values = cast(&StringArray::from_iter(values), &text).unwrap();
        let keys = Int64Array::from(vec![9, 1, 5, 2, 3, 0]);
        let columns = [("v", values, true), ("k", Arc::new(keys) as _, true)];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        register(&context, "input", batch.slice(1, 4));
        for (call, column, literal, null) in CASES {
            for (value, expected) in [
                ("v".to_owned(), column),
                (format!("arrow_cast('c', '{text}')"), literal),
                (format!("arrow_cast(NULL, '{text}')"), null),
            ] {
                let order = if call.contains("OVER") {
                    "ORDER BY k"
                } else {
                    ""
                };
                let call = call.replace("{v}", &value);
                let sql = format!("SELECT {call} FROM input {order}");
                assert_eq!(rows(&context, &sql).await.join(" "), expected, "{sql}");
            }
        }
    }
}
