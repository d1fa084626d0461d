//! Optimize, vacuum, checkpoint, restore.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use datafusion::prelude::SessionContext;
use serde_json::{Value, json};

use super::{Copy, failure, linked_in, linked_in_with, options, rows, same_as_expected, value};

pub(super) async fn small_files_become_large_ones(context: &SessionContext) {
    for (table, column, latest) in [
        ("orders", "id, day", 5),
        ("vectors", "id", 2),
        ("types", "text", 0),
    ] {
        let copy = Copy::of(table);
        let uri = copy.path();
        let files = format!("select num_files from delta_snapshot('{uri}')");
        let before: u64 = value(context, &files).await.parse().unwrap();
        rows(context, &format!("select * from delta_optimize('{uri}')")).await;
        let after: u64 = value(context, &files).await.parse().unwrap();
        assert!(after < before || before == 1, "{table}: {before} {after}");
        let all = format!("select * from read_delta('{uri}')");
        same_as_expected(context, &all, &format!("{table}.{latest}.json")).await;
        rows(
            context,
            &format!("select * from delta_optimize('{uri}', '{column}')"),
        )
        .await;
        same_as_expected(context, &all, &format!("{table}.{latest}.json")).await;
    }
    let copy = Copy::of("orders");
    let sql = format!(
        "select version, files_added, files_removed from delta_optimize('{}')",
        copy.path()
    );
    let said = value(context, &sql).await;
    assert_eq!(said, "6 | 3 | 6");
    let sql = format!("select * from delta_optimize('{}', 'nowhere')", copy.path());
    assert!(failure(context, &sql).await.contains("nowhere"));
    let sql = format!("select * from delta_optimize('{}', null, 0)", copy.path());
    let message = failure(context, &sql).await;
    assert!(
        message.contains("delta_optimize: argument target_size is 0 of type Int64"),
        "{message}"
    );
}

pub(super) async fn checkpoints_are_written_and_read(context: &SessionContext) {
    for (table, latest) in [("orders", 5), ("vectors", 2), ("mapped", 1), ("changes", 4)] {
        let copy = Copy::of(table);
        let uri = copy.path();
        let sql = format!("select version from delta_checkpoint('{uri}')");
        assert_eq!(value(context, &sql).await, latest.to_string());
        // Only the checkpoint and what follows is needed.
        for version in 0..=latest {
            fs::remove_file(copy.entry(version)).unwrap();
        }
        let all = format!("select * from read_delta('{uri}')");
        same_as_expected(context, &all, &format!("{table}.{latest}.json")).await;
    }
}

pub(super) async fn earlier_versions_come_back(context: &SessionContext) {
    let copy = Copy::of("orders");
    let uri = copy.path();
    let sql = format!("select version, restored_version from delta_restore('{uri}', 1)");
    assert_eq!(value(context, &sql).await, "6 | 1");
    let all = format!("select * from read_delta('{uri}')");
    same_as_expected(context, &all, "orders.1.json").await;
    for (version, part) in [("9", "has no version 9"), ("6", "Version to restore 6")] {
        let sql = format!("select * from delta_restore('{uri}', {version})");
        let message = failure(context, &sql).await;
        assert!(message.contains(part), "{message}");
    }
    let message = failure(context, &format!("select * from delta_restore('{uri}')")).await;
    assert!(message.contains("argument version is missing"), "{message}");
    assert_eq!(copy.version(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_in_maintains() {
    small_files_become_large_ones(&linked_in()).await;
    checkpoints_are_written_and_read(&linked_in()).await;
    earlier_versions_come_back(&linked_in()).await;
}

/// Has the log say that files were removed just now, from when on they are retained: the table does not get younger.
fn as_if_removed_now(copy: &Copy) {
    let log = copy.dir().join("_delta_log");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for checkpoint in [
        "_last_checkpoint",
        "00000000000000000004.checkpoint.parquet",
    ] {
        fs::remove_file(log.join(checkpoint)).unwrap();
    }
    for version in 0..=copy.version() {
        let entry = fs::read_to_string(copy.entry(version)).unwrap();
        let actions = entry.lines().map(|line| {
            let mut action: Value = serde_json::from_str(line).unwrap();
            if let Some(removed) = action.pointer_mut("/remove/deletionTimestamp") {
                *removed = (now.as_millis() as u64).into();
            }
            format!("{action}\n")
        });
        fs::write(copy.entry(version), actions.collect::<String>()).unwrap();
    }
}

/// By default nothing is removed, and never what the retention keeps.
#[tokio::test]
async fn vacuum_removes_what_it_may() {
    let copy = Copy::of("orders");
    as_if_removed_now(&copy);
    let uri = copy.path();
    let parquet = || {
        let folders = fs::read_dir(copy.dir())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let folders = folders.filter(|path| !path.ends_with("_delta_log"));
        folders
            .flat_map(|folder| fs::read_dir(folder).unwrap())
            .count()
    };
    let before = parquet();
    let context = linked_in();
    assert_eq!(
        rows(&context, &format!("select * from delta_vacuum('{uri}')"))
            .await
            .len(),
        0
    );
    let message = failure(
        &context,
        &format!("select * from delta_vacuum('{uri}', 0, false)"),
    )
    .await;
    assert!(message.contains("retention"), "{message}");
    for (arguments, part) in [
        (
            "-1",
            "argument retention_hours is -1 of type Int64, expected a whole number",
        ),
        (
            "1, 2",
            "argument dry_run is 2 of type Int64, expected true or false",
        ),
        (
            "1, true, 'all'",
            "argument mode is 'all', expected 'lite' or 'full'",
        ),
    ] {
        let sql = format!("select * from delta_vacuum('{uri}', {arguments})");
        let message = failure(&context, &sql).await;
        assert!(message.contains(part), "{message}");
    }

    let context = linked_in_with(&options(json!({ "allow_short_retention": true })));
    let removable = rows(&context, &format!("select * from delta_vacuum('{uri}', 0)")).await;
    assert_eq!(removable.len(), before - 8, "{removable:?}");
    assert!(
        removable.iter().all(|row| row.ends_with("| false")),
        "{removable:?}"
    );
    assert_eq!(parquet(), before);
    fs::write(
        copy.dir().join("region=east/unknown.parquet"),
        "left by a failed write",
    )
    .unwrap();
    let removed = rows(
        &context,
        &format!("select * from delta_vacuum('{uri}', 0, false)"),
    )
    .await;
    assert_eq!(removed.len(), removable.len());
    assert_eq!(parquet(), 8 + 1);
    let all = format!("select * from read_delta('{uri}')");
    same_as_expected(&context, &all, "orders.5.json").await;
    let sql = format!("select path from delta_vacuum('{uri}', 0, false, 'full')");
    let removed = rows(&context, &sql).await;
    assert!(
        removed.contains(&"region=east/unknown.parquet".to_owned()),
        "{removed:?}"
    );
    assert!(
        removed.iter().all(|path| path.starts_with("region=")),
        "{removed:?}"
    );
    assert_eq!(parquet(), 8);
    // What time travel needed is gone, and that is said.
    let message = failure(&context, &format!("select * from read_delta('{uri}', 0)")).await;
    assert!(
        message.contains("not found") && message.contains(".parquet"),
        "{message}"
    );
}
