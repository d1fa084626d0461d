//! `INSERT`, `DELETE`, `UPDATE`, and the races between them.

use std::fs;

use datafusion::prelude::SessionContext;
use futures::future::join_all;
use serde_json::json;

use super::{Copy, create, failure, linked_in, linked_in_with, options, rows, run, value};

pub(super) async fn rows_are_appended_and_replaced(context: &SessionContext) {
    let copy = Copy::of("orders");
    copy.as_t(context).await;
    let insert = "insert into t (id, region, amount) values (11, 'north', 1.5), (12, null, null)";
    assert_eq!(value(context, insert).await, "2");
    assert_eq!(
        value(context, "select count(*), count(day) from t").await,
        "11 | 9"
    );
    assert_eq!(
        value(context, "select region from t where id = 11").await,
        "north"
    );
    assert_eq!(copy.version(), 6);

    let again = "insert into t (id, region, amount, day, note) select id + 100, region, amount, day, note from t";
    assert_eq!(value(context, again).await, "11");
    assert_eq!(value(context, "select count(*) from t").await, "22");

    let replace = "insert overwrite t select * from t where id < 3";
    assert_eq!(value(context, replace).await, "2");
    assert_eq!(rows(context, "select id from t").await, ["1", "2"]);
    assert_eq!(copy.version(), 8);

    let message = failure(context, "replace into t select * from t").await;
    assert!(message.contains("it has no keys"), "{message}");
}

pub(super) async fn rows_are_deleted_and_updated(context: &SessionContext) {
    let copy = Copy::of("orders");
    copy.as_t(context).await;
    for (sql, count, left) in [
        // A whole partition, some rows of files, none.
        ("delete from t where region = 'east'", "2", "7"),
        ("delete from t where id = 1 or amount is null", "1", "6"),
        (
            "delete from t where region = 'north' and upper(note) = 'MERGED'",
            "1",
            "5",
        ),
        ("delete from t where id > 1000", "0", "5"),
        (
            "update t set amount = amount + 1, note = 'more' where id = 3",
            "1",
            "5",
        ),
        (
            "update t set region = 'moved' where region is null",
            "1",
            "5",
        ),
        ("update t set amount = id", "5", "5"),
        ("update t set amount = 0 where id > 1000", "0", "5"),
    ] {
        assert_eq!(value(context, sql).await, count, "{sql}");
        assert_eq!(
            value(context, "select count(*) from t").await,
            left,
            "{sql}"
        );
    }
    assert_eq!(
        value(context, "select amount, note from t where id = 3").await,
        "3.0 | more"
    );
    assert_eq!(
        value(context, "select id from t where region = 'moved'").await,
        "4"
    );
    // A statement that touches nothing is no version.
    assert_eq!(copy.version(), 5 + 6);
}

/// A file without statistics and one with a deletion vector: what is counted was there.
pub(super) async fn deleted_rows_are_counted_without_statistics(context: &SessionContext) {
    let copy = Copy::of("orders");
    for version in [0, 1] {
        let text = fs::read_to_string(copy.entry(version)).unwrap();
        let lines = text.lines().map(|line| {
            let mut action: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(add) = action.get_mut("add") {
                add["stats"] = json!(null);
            }
            action.to_string() + "\n"
        });
        fs::write(copy.entry(version), lines.collect::<String>()).unwrap();
    }
    for version in 2..=5 {
        fs::remove_file(copy.entry(version)).unwrap();
    }
    let log = copy.dir().join("_delta_log");
    fs::remove_file(log.join("00000000000000000004.checkpoint.parquet")).unwrap();
    fs::remove_file(log.join("_last_checkpoint")).unwrap();
    copy.as_t(context).await;
    assert_eq!(value(context, "select count(*) from t").await, "7");
    assert_eq!(
        value(context, "delete from t where region = 'north'").await,
        "3"
    );
    assert_eq!(value(context, "select count(*) from t").await, "4");

    let copy = Copy::of("vectors");
    create(context, "v", &copy.path(), "").await.unwrap();
    assert_eq!(value(context, "delete from v where id < 3").await, "2");
    assert_eq!(
        value(context, "update v set name = 'x' where id in (3, 5)").await,
        "1"
    );
    assert_eq!(
        value(context, "select count(*), sum(id) from v").await,
        "9 | 86"
    );
}

pub(super) async fn column_mapping_is_kept(context: &SessionContext) {
    let copy = Copy::of("mapped");
    copy.as_t(context).await;
    assert_eq!(value(context, "insert into t values (3, 'Eve')").await, "1");
    assert_eq!(
        value(context, "update t set \"full name\" = 'Eva' where id = 3").await,
        "1"
    );
    assert_eq!(
        value(context, "delete from t where \"full name\" = 'Bob'").await,
        "2"
    );
    assert_eq!(
        rows(context, "select * from t").await,
        ["1 | Ada", "3 | Eva"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_in_writes() {
    rows_are_appended_and_replaced(&linked_in()).await;
    rows_are_deleted_and_updated(&linked_in()).await;
    deleted_rows_are_counted_without_statistics(&linked_in()).await;
    column_mapping_is_kept(&linked_in()).await;
}

/// `EXPLAIN`, and planning without executing, change nothing.
#[tokio::test]
async fn planning_changes_nothing() {
    let (context, copy) = (linked_in(), Copy::of("orders"));
    copy.as_t(&context).await;
    let uri = copy.path();
    let listed = || {
        let mut files: Vec<_> = walk(&copy.dir());
        files.sort();
        files
    };
    let before = listed();
    for sql in [
        "insert into t (id) values (1)".to_owned(),
        "insert overwrite t (id) values (1)".to_owned(),
        "delete from t where id = 1".to_owned(),
        "update t set amount = 1".to_owned(),
        "merge into t using (values (1)) s(id) on t.id = s.id when matched then delete".to_owned(),
        format!("select * from delta_optimize('{uri}')"),
        format!("select * from delta_vacuum('{uri}', 0, false)"),
        format!("select * from delta_checkpoint('{uri}')"),
        format!("select * from delta_restore('{uri}', 0)"),
    ] {
        let plan = rows(&context, &format!("explain {sql}")).await.join("\n");
        assert!(plan.contains("Delta"), "{plan}");
        context
            .sql(&sql)
            .await
            .unwrap()
            .create_physical_plan()
            .await
            .unwrap();
        assert_eq!(listed(), before, "{sql}");
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[tokio::test]
async fn constraints_are_kept_and_nothing_is_half_written() {
    let (context, copy) = (linked_in(), Copy::of("rules"));
    copy.as_t(&context).await;
    let before = copy.version();
    for (sql, part) in [
        (
            "insert into t (id, amount) values (3, 3), (4, -1)",
            "amount > 0",
        ),
        ("insert into t (id, amount) values (null, 1)", "id"),
        ("insert into t values (3, 3, 7)", "twice"),
        ("update t set amount = -1 where id = 1", "amount > 0"),
        (
            "merge into t using (values (1, -5)) s(id, amount) on t.id = s.id \
             when matched then update set amount = s.amount",
            "amount > 0",
        ),
    ] {
        let message = failure(&context, sql).await;
        assert!(message.contains(part), "{sql}: {message}");
        assert_eq!(copy.version(), before, "{sql}");
    }
    // A generated column is computed where it is not given, and checked where it is.
    assert_eq!(
        value(&context, "insert into t (id, amount) values (3, 3)").await,
        "1"
    );
    assert_eq!(value(&context, "insert into t values (4, 4, 8)").await, "1");
    assert_eq!(
        rows(&context, "select * from t where id > 2").await,
        ["3 | 3 | 6", "4 | 4 | 8"]
    );
}

/// What `deltalake` would not check is refused before anything is written.
#[tokio::test]
async fn constraints_that_cannot_be_checked_are_refused() {
    let context = linked_in();
    for (metadata, part) in [
        (
            "\\\"__CHAR_VARCHAR_TYPE_STRING\\\":\\\"varchar(3)\\\"",
            "column 'id' is declared varchar(3)",
        ),
        (
            "\\\"delta.generationExpression\\\":\\\"1\\\"",
            "the feature generatedColumns",
        ),
    ] {
        let copy = Copy::of("changes");
        for version in [0, 1] {
            let text = fs::read_to_string(copy.entry(version)).unwrap();
            let text = text.replacen(
                "\\\"metadata\\\":{}",
                &format!("\\\"metadata\\\":{{{metadata}}}"),
                1,
            );
            let text = text.replacen("\"minWriterVersion\":4", "\"minWriterVersion\":2", 1);
            fs::write(copy.entry(version), text).unwrap();
        }
        let name = format!("t{}", part.len());
        create(&context, &name, &copy.path(), "").await.unwrap();
        for sql in [
            format!("insert into {name} values (9, 'a', 'b')"),
            format!("update {name} set value = 'b'"),
            format!(
                "merge into {name} using (values (1)) s(id) on {name}.id = s.id when matched then delete"
            ),
        ] {
            let message = failure(&context, &sql).await;
            assert!(message.contains(part), "{sql}: {message}");
        }
        assert_eq!(copy.version(), 4);
    }
}

#[tokio::test]
async fn deleting_everything_needs_leave() {
    let copy = Copy::of("orders");
    let context = linked_in();
    copy.as_t(&context).await;
    for sql in [
        "delete from t",
        "delete from t where true",
        "truncate table t",
    ] {
        let message = failure(&context, sql).await;
        assert!(message.contains("allow_delete_all is not set"), "{message}");
    }
    assert_eq!(copy.version(), 5);
    let context = linked_in_with(&options(json!({ "allow_delete_all": true })));
    copy.as_t(&context).await;
    assert_eq!(value(&context, "delete from t").await, "9");
    assert_eq!(value(&context, "select count(*) from t").await, "0");
    run(&context, "insert into t (id) values (1)")
        .await
        .unwrap();
    assert_eq!(value(&context, "truncate table t").await, "1");
}

#[tokio::test]
async fn nothing_is_changed_where_that_is_not_allowed() {
    let copy = Copy::of("orders");
    let context = linked_in_with(&options(json!({ "read_only": true })));
    copy.as_t(&context).await;
    let uri = copy.path();
    assert_eq!(value(&context, "select count(*) from t").await, "9");
    for sql in [
        "insert into t (id) values (1)".to_owned(),
        "delete from t where id = 1".to_owned(),
        "update t set amount = 1".to_owned(),
        "merge into t using (values (1)) s(id) on t.id = s.id when matched then delete".to_owned(),
        format!("select * from delta_optimize('{uri}')"),
        format!("select * from delta_vacuum('{uri}', null, false)"),
        format!("select * from delta_checkpoint('{uri}')"),
        format!("select * from delta_restore('{uri}', 0)"),
    ] {
        let message = failure(&context, &sql).await;
        assert!(message.contains("read_only is set"), "{sql}: {message}");
    }
    assert_eq!(copy.version(), 5);
    run(&context, &format!("select * from delta_vacuum('{uri}')"))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_append_only_table_only_grows() {
    let (context, copy) = (linked_in(), Copy::of("changes"));
    let text = fs::read_to_string(copy.entry(1)).unwrap();
    let on = "\"delta.enableChangeDataFeed\":\"true\",\"delta.appendOnly\":\"true\"";
    let text = text.replace("\"delta.enableChangeDataFeed\":\"true\"", on);
    fs::write(copy.entry(1), text).unwrap();
    copy.as_t(&context).await;
    for sql in [
        "delete from t where id = 2",
        "update t set value = 'x' where id = 2",
        "insert overwrite t values (1, 'a', 'b')",
        "merge into t using (values (2)) s(id) on t.id = s.id when matched then delete",
    ] {
        let message = failure(&context, sql).await;
        assert!(message.contains("append-only"), "{sql}: {message}");
    }
    assert_eq!(copy.version(), 4);
    assert_eq!(
        value(&context, "insert into t values (9, 'a', 'b')").await,
        "1"
    );
}

/// Writers that do not disturb each other all succeed; of those that do, the losers are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_are_won_or_reported() {
    let (context, copy) = (linked_in(), Copy::of("orders"));
    copy.as_t(&context).await;
    let inserts = (0..6).map(|i| {
        let (context, sql) = (
            context.clone(),
            format!("insert into t (id) values ({})", 100 + i),
        );
        async move { run(&context, &sql).await.map(|_| ()) }
    });
    for inserted in join_all(inserts).await {
        inserted.unwrap();
    }
    assert_eq!(
        value(&context, "select count(*) from t where id >= 100").await,
        "6"
    );
    assert_eq!(copy.version(), 5 + 6);

    let updates = (0..6).map(|i| {
        let (context, sql) = (
            context.clone(),
            format!("update t set amount = {i} where id = 1"),
        );
        async move { run(&context, &sql).await.map(|_| ()) }
    });
    let mut won = 0;
    for updated in join_all(updates).await {
        match updated {
            Ok(()) => won += 1,
            Err(error) => {
                let message = error.strip_backtrace();
                assert!(message.contains("conflict"), "{message}");
                assert!(message.contains("nothing was changed"), "{message}");
            }
        }
    }
    assert!(won >= 1);
    assert_eq!(copy.version(), 5 + 6 + won);
    assert_eq!(
        value(&context, "select count(*) from t where id = 1").await,
        "1"
    );
}

/// Columns make a new table; clauses that a table would not keep are refused.
#[tokio::test]
async fn tables_are_made() {
    let context = linked_in();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new/table").display().to_string();
    let make = |columns: &str, more: &str| {
        format!(
            "create external table made {columns} stored as deltatable {more} location '{place}'"
        )
    };
    for (columns, more, part) in [
        ("(id bigint primary key)", "", "keeps no PRIMARY KEY"),
        ("(id bigint default 3)", "", "keeps no column DEFAULT"),
        ("(id bigint)", "with order (id)", "keeps no WITH ORDER"),
    ] {
        let message = failure(&context, &make(columns, more)).await;
        assert!(message.contains(part), "{message}");
    }
    assert!(!folder.path().join("new").exists());
    run(
        &context,
        &make("(id bigint not null, day date)", "partitioned by (day)"),
    )
    .await
    .unwrap();
    run(
        &context,
        "insert into made values (1, date '2024-01-01'), (2, null)",
    )
    .await
    .unwrap();
    assert_eq!(
        rows(&context, "select * from made").await,
        ["1 | 2024-01-01", "2 | NULL"]
    );
    let message = failure(&context, "insert into made values (null, null)").await;
    assert!(message.contains("id"), "{message}");
    let sql =
        format!("select array_to_string(partition_columns, ',') from delta_snapshot('{place}')");
    assert_eq!(value(&context, &sql).await, "day");
    run(&context, "drop table made").await.unwrap();
    let message = failure(&context, &make("(id bigint)", "")).await;
    assert!(
        message.to_lowercase().contains("already exists"),
        "{message}"
    );
}
