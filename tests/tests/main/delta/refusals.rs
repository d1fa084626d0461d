//! Bad input: the message says what is wrong and where.

use std::{fs, sync::Arc};

use datafusion::prelude::SessionContext;
use datafusion_delta_tables::{DELTATABLE, DeltaTableFactory, Options, table_functions};
use serde_json::json;

use super::{
    Copy, create, failure, linked_in, linked_in_with, options, original, rows, run, value,
};

pub(super) async fn what_is_no_table_is_said(context: &SessionContext) {
    let empty = tempfile::tempdir().unwrap();
    let place = empty.path().display().to_string();
    fs::write(empty.path().join("file"), "").unwrap();
    for (call, part) in [
        (
            "".to_owned(),
            "read_delta: argument uri is missing, expected text",
        ),
        ("''".to_owned(), "the location of a Delta table is empty"),
        (
            "7".to_owned(),
            "read_delta: argument uri is 7 of type Int64, expected text",
        ),
        (
            format!("'{place}', 1, 2"),
            "read_delta takes at most 2 arguments, not 3",
        ),
        (format!("'{place}'"), "not a Delta table"),
        (format!("'{place}/missing'"), "there is no directory"),
        (format!("'file://{place}/missing'"), "there is no directory"),
        (format!("'{place}/file'"), "is not a directory"),
        ("'ftp://host/table'".to_owned(), "Unknown scheme: ftp"),
        (
            format!("'{}', 'soon'", original("orders")),
            "argument version is 'soon', expected a version",
        ),
    ] {
        let sql = format!("select * from read_delta({call})");
        let message = failure(context, &sql).await;
        assert!(message.contains(part), "{sql}: {message}");
        assert!(
            message.contains("read_delta") || message.contains(&place),
            "{sql}: {message}"
        );
    }
    let names = [
        "delta_snapshot",
        "delta_history",
        "delta_add_actions",
        "delta_optimize",
    ];
    for name in names
        .into_iter()
        .chain(["delta_vacuum", "delta_checkpoint"])
    {
        let message = failure(context, &format!("select * from {name}('{place}')")).await;
        assert!(message.contains("not a Delta table"), "{name}: {message}");
        assert!(message.contains(&place), "{name}: {message}");
    }
    assert_eq!(
        fs::read_dir(empty.path()).unwrap().count(),
        1,
        "nothing is made"
    );
}

/// A log entry that is cut off, one that is no JSON, one that is missing; a data file that is gone or
/// cut off.
pub(super) async fn damage_is_an_error_that_names_the_file(context: &SessionContext) {
    for damage in ["{\"add\":", "nonsense\n"] {
        let copy = Copy::of("orders");
        fs::write(copy.entry(5), damage).unwrap();
        let uri = copy.path();
        for sql in [
            format!("select * from read_delta('{uri}')"),
            format!("select * from delta_history('{uri}')"),
            format!("select * from delta_restore('{uri}', 1)"),
        ] {
            let message = failure(context, &sql).await;
            assert!(message.contains(&uri), "{sql}: {message}");
        }
        // Versions before it are whole.
        let sql = format!("select count(*) from read_delta('{uri}', 4)");
        assert_eq!(message_or_value(context, &sql).await, "8");
    }
    let copy = Copy::of("changes");
    fs::remove_file(copy.entry(2)).unwrap();
    let message = failure(
        context,
        &format!("select * from read_delta('{}')", copy.path()),
    )
    .await;
    assert!(message.contains(&copy.path()), "{message}");

    let copy = Copy::of("vectors");
    let sql = format!("select path from delta_add_actions('{}')", copy.path());
    let file = rows(context, &sql).await.remove(0);
    let sql = format!("select * from read_delta('{}')", copy.path());
    fs::write(copy.dir().join(&file), "cut off").unwrap();
    let message = failure(context, &sql).await;
    // That it is damaged is said, but not by every layer which file it is.
    assert!(
        message.contains("range") || message.contains("arquet"),
        "{message}"
    );
    fs::remove_file(copy.dir().join(&file)).unwrap();
    let message = failure(context, &sql).await;
    assert!(
        message.contains(&file) && message.contains("not found"),
        "{message}"
    );
}

async fn message_or_value(context: &SessionContext, sql: &str) -> String {
    match run(context, sql).await {
        Ok(_) => value(context, sql).await,
        Err(error) => error.strip_backtrace(),
    }
}

#[tokio::test]
async fn linked_in_refuses() {
    what_is_no_table_is_said(&linked_in()).await;
    damage_is_an_error_that_names_the_file(&linked_in()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_unreadable_directory_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let (context, copy) = (linked_in(), Copy::of("orders"));
    let sql = format!("select * from read_delta('{}')", copy.path());
    let log = copy.dir().join("_delta_log");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o0)).unwrap();
    let readable = fs::read_dir(&log).is_ok();
    let message = (!readable).then(|| failure(&context, &sql));
    let message = match message {
        Some(message) => Some(message.await),
        None => None,
    };
    fs::set_permissions(&log, fs::Permissions::from_mode(0o755)).unwrap();
    match message {
        Some(message) => assert!(message.contains("ermission denied"), "{message}"),
        None => eprintln!("SKIPPED: this user may read everything, whatever the permissions"),
    }
    fs::remove_dir_all(&log).unwrap();
    fs::write(&log, "").unwrap();
    let message = failure(&context, &sql).await;
    assert!(message.contains(&copy.path()), "{message}");
}

#[tokio::test]
async fn options_of_tables_are_checked() {
    let context = linked_in();
    let uri = original("orders");
    for (more, part) in [
        (
            "options (versoin 1)",
            "unknown option 'versoin'; known are version, timestamp",
        ),
        (
            "options ('some.thing' 1)",
            "unknown option 'some.thing'; known are version, timestamp",
        ),
        (
            "options (version 'one')",
            "option version is 'one', expected an integer",
        ),
        ("options (version 9)", "has no version 9; the latest is 5"),
        (
            "options (timestamp 'soon')",
            "option timestamp is 'soon', expected",
        ),
        (
            "options (version 1, timestamp '2024-01-01')",
            "exclude each other",
        ),
    ] {
        let message = create(&context, "t", &uri, more)
            .await
            .unwrap_err()
            .strip_backtrace();
        assert!(message.contains(part), "{more}: {message}");
        assert!(
            message.contains("table t") || message.contains(&uri),
            "{more}: {message}"
        );
    }
    let sql = format!(
        "create external table t stored as deltatable partitioned by (region) location '{uri}'"
    );
    let message = failure(&context, &sql).await;
    assert!(message.contains("PARTITIONED BY"), "{message}");
    let sql = "create external table t stored as deltatable";
    assert!(failure(&context, sql).await.contains("LOCATION"));
}

/// Features that are not allowed, or that nobody implements, are named.
#[tokio::test]
async fn protocols_are_gated() {
    let without = |key: &str, features: &[&str]| linked_in_with(&options(json!({ key: features })));
    let (vectors, mapped) = (original("vectors"), original("mapped"));
    let context = without("reader_features", &["columnMapping"]);
    assert_eq!(
        value(
            &context,
            &format!("select count(*) from read_delta('{mapped}')")
        )
        .await,
        "3"
    );
    for sql in [
        format!("select * from read_delta('{vectors}')"),
        format!("select * from delta_snapshot('{vectors}')"),
        format!("create external table v stored as deltatable location '{vectors}'"),
    ] {
        let message = failure(&context, &sql).await;
        assert!(
            message.contains("needs the reader features deletionVectors"),
            "{message}"
        );
        assert!(message.contains("allowed are columnMapping"), "{message}");
    }
    // A writer's features do not matter to readers.
    let context = without("writer_features", &["deletionVectors", "appendOnly"]);
    let copy = Copy::of("rules");
    copy.as_t(&context).await;
    assert_eq!(value(&context, "select count(*) from t").await, "2");
    let message = failure(&context, "delete from t where id = 1").await;
    assert!(
        message.contains("needs the writer features changeDataFeed, checkConstraints"),
        "{message}"
    );

    let copy = Copy::of("vectors");
    let unknown = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors", "timeMachine"],
        "writerFeatures": ["deletionVectors", "timeMachine"],
    }});
    fs::write(copy.entry(3), unknown.to_string() + "\n").unwrap();
    let sql = format!("select * from read_delta('{}')", copy.path());
    let message = failure(&linked_in(), &sql).await;
    assert!(message.contains("timeMachine"), "{message}");
    let unknown = unknown.to_string().replacen(",\"timeMachine\"", "", 1);
    fs::write(copy.entry(3), unknown + "\n").unwrap();
    let context = linked_in();
    copy.as_t(&context).await;
    assert_eq!(value(&context, "select count(*) from t").await, "11");
    let message = failure(&context, "insert into t values (1, 'a')").await;
    assert!(message.contains("timeMachine"), "{message}");
}

/// An operator's mistake is an error at activation.
#[test]
fn options_of_the_plugin_are_checked() {
    let wrong = options(json!({ "reader_features": ["timeMachine"] }));
    let message = table_functions(&wrong).unwrap_err().strip_backtrace();
    assert!(
        message.contains("option reader_features: 'timeMachine' is not implemented"),
        "{message}"
    );
    let unknown = serde_json::from_value::<Options>(json!({ "readonly": true }));
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("unknown field `readonly`")
    );
}

/// Statements that DataFusion 55 does not hand over whole.
#[tokio::test]
async fn statements_that_would_lose_their_predicate_are_refused() {
    let (context, copy) = (linked_in(), Copy::of("orders"));
    copy.as_t(&context).await;
    for sql in [
        "delete from t where id in (select 1)",
        "delete from t where exists (select 1 from t u where u.id = t.id + 1)",
        "delete from t where id = (select max(id) from t)",
        "delete from t where id > 3 and id in (select 4)",
        "delete from t where region = 'north' limit 1",
        "update t set amount = 1 where id in (select 1)",
        "update t set amount = (select max(id) from t) where id = 1",
    ] {
        let message = failure(&context, sql).await;
        let part = "is not supported on Delta tables; use MERGE";
        assert!(message.contains(part), "{sql}: {message}");
    }
    assert_eq!(copy.version(), 5);
}

/// What `WholeStatements` guards against: without it, DataFusion 55.2 deletes what the statement does
/// not speak of. When this fails, the rule is no longer needed.
#[tokio::test]
async fn datafusion_loses_predicates() {
    for (sql, meant) in [
        ("delete from t where id > 7 and id in (select 9)", "1"),
        ("delete from t where id > 7 limit 1", "1"),
    ] {
        let copy = Copy::of("orders");
        let context = without_rule();
        copy.as_t(&context).await;
        let deleted = value(&context, sql).await;
        assert_eq!(deleted, "3", "{sql}, where {meant} is meant");
    }
}

fn without_rule() -> SessionContext {
    let context = SessionContext::new();
    let factory = DeltaTableFactory::new(&Options::default()).unwrap();
    let state = context.state_ref();
    let mut state = state.write();
    state
        .table_factories_mut()
        .insert(DELTATABLE.into(), Arc::new(factory));
    drop(state);
    context
}
