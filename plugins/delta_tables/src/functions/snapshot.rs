//! `delta_snapshot(uri [, version | timestamp])`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            ArrayRef, Int32Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
            TimestampMillisecondArray, UInt64Array,
        },
        datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    },
    catalog::TableProvider,
    error::Result,
};
use deltalake::DeltaTable;

use super::{Entry, arguments::Arguments};
use crate::{
    action::{ActionExec, ActionTable},
    error::failed,
    location::Location,
    open::{Tables, snapshot},
};

pub(super) static ENTRY: Entry = Entry {
    name: "delta_snapshot",
    syntax: "delta_snapshot(uri [, version | timestamp])",
    description: "What a Delta table is at a version, in one row: its version, id, name, \
                  description, times, protocol, features, partition columns, properties and schema \
                  (both JSON), and the number, bytes and rows of its files. Rows are null where a \
                  file does not say how many it has.",
    arguments: &[
        ("uri", "Path or URL of the table."),
        (
            "version",
            "A version (integer) or a time; the latest version without it.",
        ),
    ],
    example: "select version, num_files from delta_snapshot('/data/orders');",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let moment = arguments.moment_or_latest(1)?;
    let tables = Arc::clone(tables);
    let title = format!("delta_snapshot of {location}");
    let action = ActionExec::new(title, schema(), move |_| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        async move {
            let table = tables.open(&location, moment).await?;
            described(&table, &location)
        }
    });
    Ok(Arc::new(ActionTable::new(action)))
}

fn schema() -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let names = || DataType::new_list(DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        Field::new("version", DataType::UInt64, false),
        Field::new("timestamp", time(), true),
        Field::new("id", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("description", DataType::Utf8, true),
        Field::new("created_at", time(), true),
        Field::new("min_reader_version", DataType::Int32, false),
        Field::new("min_writer_version", DataType::Int32, false),
        Field::new("reader_features", names(), true),
        Field::new("writer_features", names(), true),
        Field::new("partition_columns", names(), false),
        Field::new("properties", DataType::Utf8, false),
        Field::new("schema", DataType::Utf8, false),
        Field::new("num_files", DataType::UInt64, false),
        Field::new("size_in_bytes", DataType::Int64, false),
        Field::new("num_rows", DataType::UInt64, true),
    ]))
}

fn described(table: &DeltaTable, location: &Location) -> Result<RecordBatch> {
    let snapshot = snapshot(table, location)?;
    let (metadata, protocol) = (snapshot.metadata(), snapshot.protocol());
    let mut properties: Vec<_> = metadata.configuration().iter().collect();
    properties.sort();
    let properties: serde_json::Map<_, _> = properties
        .into_iter()
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect();
    let json = |value: Result<String, serde_json::Error>| {
        value.map_err(|error| failed("describing", location, error.into()))
    };
    let files = snapshot.try_log_data();
    let files = files.map_err(|error| failed("describing", location, error))?;
    let (mut count, mut bytes, mut rows) = (0, 0, Some(0));
    for file in files.iter() {
        count += 1;
        bytes += file.size();
        let deleted = match file.deletion_vector_descriptor() {
            Some(vector) => u64::try_from(vector.cardinality).ok(),
            None => Some(0),
        };
        let live = || (file.num_records()? as u64).checked_sub(deleted?);
        rows = rows.and_then(|rows: u64| Some(rows + live()?));
    }
    let time = |millis| TimestampMillisecondArray::from(vec![millis]).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from(vec![snapshot.version()])),
        Arc::new(time(snapshot.version_timestamp(snapshot.version()))),
        Arc::new(StringArray::from(vec![metadata.id()])),
        Arc::new(StringArray::from(vec![metadata.name()])),
        Arc::new(StringArray::from(vec![metadata.description()])),
        Arc::new(time(metadata.created_time())),
        Arc::new(Int32Array::from(vec![protocol.min_reader_version()])),
        Arc::new(Int32Array::from(vec![protocol.min_writer_version()])),
        names(protocol.reader_features()),
        names(protocol.writer_features()),
        names(Some(metadata.partition_columns())),
        Arc::new(StringArray::from(vec![json(serde_json::to_string(
            &properties,
        ))?])),
        Arc::new(StringArray::from(vec![json(serde_json::to_string(
            snapshot.schema().as_ref(),
        ))?])),
        Arc::new(UInt64Array::from(vec![count])),
        Arc::new(Int64Array::from(vec![bytes])),
        Arc::new(UInt64Array::from(vec![rows])),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// A list of one row; null where there is none.
fn names<T: ToString>(names: Option<&[T]>) -> ArrayRef {
    let mut list = ListBuilder::new(StringBuilder::new());
    let mut sorted: Vec<String> = names.unwrap_or_default().iter().map(T::to_string).collect();
    sorted.sort();
    sorted
        .iter()
        .for_each(|name| list.values().append_value(name));
    list.append(names.is_some());
    Arc::new(list.finish())
}
