//! `delta_restore(uri, version | timestamp)`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::TableProvider,
    error::Result,
};

use super::{Entry, arguments::Arguments};
use crate::{
    action::{ActionExec, ActionTable},
    error::failed,
    open::{Tables, snapshot},
};

pub(super) static ENTRY: Entry = Entry {
    name: "delta_restore",
    syntax: "delta_restore(uri, version | timestamp)",
    description: "Makes a Delta table what it was at an earlier version, as a new version, when the \
                  query is executed. Fails where a file of that version is gone. Yields one row: \
                  the version after, the version restored, and the files brought back and removed.",
    arguments: &[
        ("uri", "Path or URL of the table."),
        (
            "version",
            "A version (integer), or a time: the newest version that is not newer.",
        ),
    ],
    example: "select version from delta_restore('/data/orders', 3);",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let moment = arguments.moment(1)?;
    let tables = Arc::clone(tables);
    let title = format!("delta_restore of {location} to {moment}");
    let action = ActionExec::new(title, schema(), move |_| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        async move {
            let then = tables.open(&location, moment).await?;
            let then = snapshot(&then, &location)?.version();
            let table = tables.open_to_write(&location).await?;
            let (table, metrics) = table
                .restore()
                .with_version_to_restore(then)
                .with_commit_properties(tables.commit())
                .await
                .map_err(|error| failed("delta_restore of", &location, error))?;
            let now = snapshot(&table, &location)?.version();
            let (back, gone) = (metrics.num_restored_file, metrics.num_removed_file);
            let row = [now, then, back as u64, gone as u64];
            let columns = row.map(|value| Arc::new(UInt64Array::from(vec![value])) as ArrayRef);
            Ok(RecordBatch::try_new(schema(), columns.to_vec())?)
        }
    });
    Ok(Arc::new(ActionTable::new(action)))
}

fn schema() -> SchemaRef {
    let names = [
        "version",
        "restored_version",
        "files_restored",
        "files_removed",
    ];
    let field = |name| Field::new(name, DataType::UInt64, false);
    Arc::new(Schema::new(names.map(field).to_vec()))
}
