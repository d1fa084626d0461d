//! `delta_history(uri)`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray,
            TimestampMillisecondArray, UInt64Array,
        },
        datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    },
    catalog::TableProvider,
    error::Result,
};
use serde_json::Value;

use super::{Entry, arguments::Arguments};
use crate::{
    action::{ActionExec, ActionTable},
    location::Location,
    log::{CommitInfo, commit_info},
    moment::Moment,
    open::{Tables, snapshot},
};

pub(super) static ENTRY: Entry = Entry {
    name: "delta_history",
    syntax: "delta_history(uri)",
    description: "The commits of a Delta table that its log still has, the newest first: version, \
                  timestamp, and what the writer said of it. Parameters and metrics are JSON.",
    arguments: &[("uri", "Path or URL of the table.")],
    example: "select version, operation from delta_history('/data/orders');",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let tables = Arc::clone(tables);
    let title = format!("delta_history of {location}");
    let action = ActionExec::new(title, schema(), move |_| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        async move { commits(&tables, &location).await }
    });
    Ok(Arc::new(ActionTable::new(action)))
}

fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("version", DataType::UInt64, false),
        Field::new("timestamp", time, true),
        Field::new("operation", DataType::Utf8, true),
        Field::new("operation_parameters", DataType::Utf8, true),
        Field::new("operation_metrics", DataType::Utf8, true),
        Field::new("user_id", DataType::Utf8, true),
        Field::new("user_name", DataType::Utf8, true),
        Field::new("read_version", DataType::Int64, true),
        Field::new("isolation_level", DataType::Utf8, true),
        Field::new("is_blind_append", DataType::Boolean, true),
        Field::new("engine_info", DataType::Utf8, true),
    ]))
}

async fn commits(tables: &Tables, location: &Location) -> Result<RecordBatch> {
    let table = tables.open(location, Moment::Latest).await?;
    let snapshot = snapshot(&table, location)?;
    let log = table.log_store();
    let mut commits: Vec<(u64, CommitInfo)> = Vec::new();
    for version in (0..=snapshot.version()).rev() {
        match commit_info(log.as_ref(), location, version).await? {
            Some(info) => commits.push((version, info)),
            // Older ones have been cleaned up.
            None => break,
        }
    }
    let texts = |key: &str| -> ArrayRef {
        let texts = commits.iter().map(|(_, info)| info.get(key).and_then(text));
        Arc::new(StringArray::from_iter(texts))
    };
    let number = |info: &CommitInfo, key: &str| info.get(key).and_then(Value::as_i64);
    let times = commits.iter().map(|(version, info)| {
        number(info, "inCommitTimestamp")
            .or_else(|| number(info, "timestamp"))
            .or_else(|| snapshot.version_timestamp(*version))
    });
    let read = commits.iter().map(|(_, info)| number(info, "readVersion"));
    let blind = commits
        .iter()
        .map(|(_, info)| info.get("isBlindAppend")?.as_bool());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(
            commits.iter().map(|(version, _)| *version),
        )),
        Arc::new(TimestampMillisecondArray::from_iter(times).with_timezone("UTC")),
        texts("operation"),
        texts("operationParameters"),
        texts("operationMetrics"),
        texts("userId"),
        texts("userName"),
        Arc::new(Int64Array::from_iter(read)),
        texts("isolationLevel"),
        Arc::new(BooleanArray::from_iter(blind)),
        texts("engineInfo"),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// Texts as they are, everything else as JSON.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
