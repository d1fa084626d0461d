//! Tables whose batches, statistics and plans lie.

use super::{failure, healthy, live, load, rows, session};

const ALWAYS: &[(&str, &str)] = &[
    ("released_batch", "released already"),
    ("null_rows", "rows that are null"),
    ("column_missing", "1 children, expected 2"),
    ("column_not_there", "child 1: not there"),
    ("other_child", "child 0: 3 buffers, expected 2"),
    ("short_column", "child 1: 2 rows, expected 3"),
    ("null_number", "null"),
    ("negative_batch", "a length of -3"),
    ("endless_partitions", "partitions, at most 65536 are taken"),
    ("order_by_nothing", "column 77 of 2"),
    ("schema_without_end", "more than 64 levels"),
];

#[tokio::test]
async fn tables_that_lie_are_refused() {
    for validation in ["structural", "full"] {
        let host = load(&format!("[host]\nvalidation = '{validation}'")).unwrap();
        let context = session(&host);
        let values = [("no_utf8", "Invalid UTF8")];
        let values = values.iter().filter(|_| validation == "full");
        for (table, said) in ALWAYS.iter().chain(values) {
            let message = failure(&context, &format!("select * from raw.{table}")).await;
            let item = format!("'{table}'");
            for part in [said, "plugin 'raw'", &item] {
                assert!(message.contains(part), "{table}: {part}: {message}");
            }
            healthy(&context).await;
        }
    }
}

#[tokio::test]
async fn statistics_that_lie_are_not_believed() {
    let host = load("").unwrap();
    let context = session(&host);
    for (table, said) in [
        ("statistics_of_three", "statistics of 3 columns, expected 2"),
        ("statistics_of_no_value", "value 5 of 0"),
    ] {
        let message = failure(&context, &format!("select * from raw.{table}")).await;
        let item = format!("'{table}'");
        for part in [said, "plugin 'raw'", &item] {
            assert!(message.contains(part), "{table}: {part}: {message}");
        }
        healthy(&context).await;
    }
}

/// A stream that is left before its end gives back what it has.
#[tokio::test]
async fn what_a_table_hands_out_is_released() {
    super::run_alone("main::hostile::tables::in_a_child");
}

/// The other test's child; alone, it has nothing to do.
#[tokio::test]
async fn in_a_child() {
    if !super::alone() {
        return;
    }
    let host = load("").unwrap();
    let context = session(&host);
    let before = live(&context).await;
    for (table, _) in ALWAYS {
        failure(&context, &format!("select * from raw.{table}")).await;
        assert_eq!(live(&context).await, before, "{table}");
    }
    rows(&context, "select * from raw.honest limit 1")
        .await
        .unwrap();
    assert_eq!(live(&context).await, before);
}
