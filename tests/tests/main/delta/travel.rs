//! Versions and times.

use std::{
    fs::File,
    time::{Duration, SystemTime},
};

use datafusion::prelude::SessionContext;

use super::{Copy, create, failure, linked_in, rows, same_as_expected, value};

/// Version n of the copy is of n hours after 2024-05-06.
fn dated(copy: &Copy) {
    let midnight = SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_953_600);
    for version in 0..=copy.version() {
        let entry = File::options()
            .write(true)
            .open(copy.entry(version))
            .unwrap();
        entry
            .set_modified(midnight + Duration::from_secs(3600 * version))
            .unwrap();
    }
}

pub(super) async fn times_find_their_version(context: &SessionContext) {
    let copy = Copy::of("orders");
    dated(&copy);
    let uri = copy.path();
    for (time, version) in [
        ("'2024-05-06T00:00:00Z'", 0),
        ("'2024-05-06T00:59:59Z'", 0),
        ("'2024-05-06 02:00:00'", 2),
        ("timestamp '2024-05-06 02:30:00'", 2),
        ("'2024-05-06T05:10:00+02:00'", 3),
        ("date '2024-05-07'", 5),
    ] {
        let sql = format!("select * from read_delta('{uri}', {time})");
        same_as_expected(context, &sql, &format!("orders.{version}.json")).await;
        let sql = format!("select version from delta_snapshot('{uri}', {time})");
        assert_eq!(value(context, &sql).await, version.to_string(), "{time}");
    }
    let sql = format!("select * from read_delta('{uri}', '2024-05-05')");
    let message = failure(context, &sql).await;
    assert!(
        message.contains("no version as old as 2024-05-05T00:00:00Z"),
        "{message}"
    );
    let sql = format!("select * from read_delta('{uri}', 6)");
    let message = failure(context, &sql).await;
    assert!(
        message.contains("has no version 6; the latest is 5"),
        "{message}"
    );
}

#[tokio::test]
async fn linked_in_times() {
    times_find_their_version(&linked_in()).await;
}

/// A table that dates its commits itself is not asked when its files were made.
#[tokio::test]
async fn commit_timestamps_go_before_those_of_files() {
    let (context, copy) = (linked_in(), Copy::of("changes"));
    dated(&copy);
    for version in 0..=copy.version() {
        let text = std::fs::read_to_string(copy.entry(version)).unwrap();
        let time = 1_000_000 * (version + 1);
        let text = text.replace(
            "{\"commitInfo\":{",
            &format!("{{\"commitInfo\":{{\"inCommitTimestamp\":{time},"),
        );
        let text = text.replace(
            "\"delta.enableChangeDataFeed\":\"true\"",
            "\"delta.enableChangeDataFeed\":\"true\",\"delta.enableInCommitTimestamps\":\"true\"",
        );
        std::fs::write(copy.entry(version), text).unwrap();
    }
    for (millis, version) in [(3_000_000, 2), (3_999_999, 2), (4_000_000, 3)] {
        let sql = format!(
            "select version from delta_snapshot('{}', arrow_cast({millis}, \
             'Timestamp(Millisecond, None)'))",
            copy.path()
        );
        assert_eq!(value(&context, &sql).await, version.to_string());
    }
}

/// A registered table moves on with its table; one of a version does not.
#[tokio::test]
async fn the_latest_version_is_that_of_the_scan() {
    let (context, other) = (linked_in(), linked_in());
    let copy = Copy::of("orders");
    copy.as_t(&context).await;
    copy.as_t(&other).await;
    create(&context, "then", &copy.path(), "options (version 5)")
        .await
        .unwrap();
    rows(&other, "delete from t where id = 1").await;
    assert_eq!(value(&context, "select count(*) from t").await, "8");
    assert_eq!(value(&context, "select count(*) from then").await, "9");
    let message = failure(&context, "delete from then where id = 2").await;
    assert!(
        message.contains("only the latest version can be changed"),
        "{message}"
    );
    let message = failure(&context, "insert into then (id) values (2)").await;
    assert!(
        message.contains("only the latest version can be changed"),
        "{message}"
    );
}

/// Columns that are added later do not disturb a registered table, and ones that are gone are named.
#[tokio::test]
async fn a_schema_that_changes_under_a_registered_table() {
    let context = linked_in();
    let copy = Copy::of("orders");
    let newer = std::fs::read(copy.entry(5)).unwrap();
    std::fs::remove_file(
        copy.dir()
            .join("_delta_log/00000000000000000004.checkpoint.parquet"),
    )
    .unwrap();
    std::fs::remove_file(copy.dir().join("_delta_log/_last_checkpoint")).unwrap();
    let fourth = std::fs::read(copy.entry(4)).unwrap();
    std::fs::remove_file(copy.entry(5)).unwrap();
    std::fs::remove_file(copy.entry(4)).unwrap();
    copy.as_t(&context).await;
    assert_eq!(value(&context, "select count(*) from t").await, "6");
    std::fs::write(copy.entry(4), fourth).unwrap();
    std::fs::write(copy.entry(5), &newer).unwrap();
    assert_eq!(rows(&context, "select * from t").await.len(), 9);
    assert_eq!(
        value(&context, "select region from t where id = 10").await,
        "east"
    );
    let message = failure(&context, "select note from t").await;
    assert!(message.contains("No field named note"), "{message}");

    let metadata = std::fs::read_to_string(copy.entry(4)).unwrap();
    let metadata = metadata
        .lines()
        .find(|line| line.contains("metaData"))
        .unwrap();
    let renamed = metadata.replace("\\\"amount\\\"", "\\\"sum\\\"");
    assert_ne!(renamed, metadata);
    std::fs::write(copy.entry(6), renamed + "\n").unwrap();
    assert_eq!(value(&context, "select count(id) from t").await, "9");
    let message = failure(&context, "select amount from t").await;
    assert!(
        message.contains("column 'amount'") && message.contains("is gone now"),
        "{message}"
    );
}
