//! Change data.

use datafusion::prelude::SessionContext;

use super::{Copy, failure, linked_in, original, rows, same_as_expected, value};

const COLUMNS: &str = "id, kind, value, _change_type, _commit_version";

pub(super) async fn changes_are_those_that_the_writer_reads(context: &SessionContext) {
    let uri = original("changes");
    for (from, to) in [(1, 4), (2, 3), (3, 3), (4, 4)] {
        let sql = format!("select {COLUMNS} from read_delta_cdf('{uri}', {from}, {to})");
        same_as_expected(context, &sql, &format!("changes.changes.{from}-{to}.json")).await;
    }
    let sql = format!("select {COLUMNS} from read_delta_cdf('{uri}', 1)");
    same_as_expected(context, &sql, "changes.changes.1-4.json").await;
    let sql = format!("select {COLUMNS} from read_delta_cdf('{uri}', 1, 4) limit 2");
    assert_eq!(rows(context, &sql).await.len(), 2);
    for (predicate, count) in [
        ("_change_type = 'insert'", "2"),
        ("kind = 'b'", "3"),
        ("_commit_version > 3", "1"),
        ("id = 2 and value = 'yy'", "1"),
    ] {
        let sql = format!("select count(*) from read_delta_cdf('{uri}', 1, 4) where {predicate}");
        assert_eq!(value(context, &sql).await, count, "{predicate}");
    }
}

pub(super) async fn changes_that_were_not_recorded_are_refused(context: &SessionContext) {
    let (changes, orders) = (original("changes"), original("orders"));
    for (call, part) in [
        (
            format!("'{changes}', 0, 4"),
            "does not record changes at version 0",
        ),
        (
            format!("'{orders}', 2, 3"),
            "does not record changes at version 2",
        ),
        (
            format!("'{changes}', 3, 2"),
            "Start version 3 is greater than end version 2",
        ),
        (
            format!("'{changes}', 1, 5"),
            "has no version 5; the latest is 4",
        ),
        (format!("'{changes}', 9"), "has no version 9"),
        (
            format!("'{changes}'"),
            "argument from is missing, expected a version",
        ),
        (
            format!("'{changes}', true"),
            "argument from is of type Boolean",
        ),
    ] {
        let sql = format!("select * from read_delta_cdf({call})");
        let message = failure(context, &sql).await;
        assert!(message.contains(part), "{sql}: {message}");
    }
}

#[tokio::test]
async fn linked_in_changes() {
    changes_are_those_that_the_writer_reads(&linked_in()).await;
    changes_that_were_not_recorded_are_refused(&linked_in()).await;
}

/// What the crate writes to such a table it records, too.
#[tokio::test]
async fn own_changes_are_recorded() {
    let (context, copy) = (linked_in(), Copy::of("changes"));
    copy.as_t(&context).await;
    rows(&context, "insert into t values (6, 'c', 'u')").await;
    rows(&context, "update t set value = 'new' where id = 6").await;
    rows(&context, "delete from t where id = 6").await;
    let sql = format!("select {COLUMNS} from read_delta_cdf('{}', 5)", copy.path());
    assert_eq!(
        rows(&context, &sql).await,
        [
            "6 | c | new | delete | 7",
            "6 | c | new | update_postimage | 6",
            "6 | c | u | insert | 5",
            "6 | c | u | update_preimage | 6",
        ]
    );
}
