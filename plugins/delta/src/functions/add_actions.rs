//! `delta_add_actions(uri [, version | timestamp])`.

use std::sync::Arc;

use datafusion::{catalog::TableProvider, datasource::MemTable, error::Result};

use super::{Entry, arguments::Arguments};
use crate::{
    error::failed,
    open::{Tables, snapshot},
    runtime::wait,
};

pub(super) static ENTRY: Entry = Entry {
    name: "delta_add_actions",
    syntax: "delta_add_actions(uri [, version | timestamp])",
    description: "The files of a Delta table at a version, one row each: path, size_bytes, \
                  modification_time, num_records, and for each column that has them \
                  partition.COLUMN, null_count.COLUMN, min.COLUMN, max.COLUMN; deletion_vector \
                  columns where the table supports deletion vectors.",
    arguments: &[
        ("uri", "Path or URL of the table."),
        (
            "version",
            "A version (integer) or a time; the latest version without it.",
        ),
    ],
    example: "select path, size_bytes from delta_add_actions('/data/orders');",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let moment = arguments.moment_or_latest(1)?;
    let tables = Arc::clone(tables);
    // The columns follow from the table, so it is read at planning.
    let files = wait(async move {
        let table = tables.open(&location, moment).await?;
        let files = snapshot(&table, &location)?.add_actions_table(true);
        files.map_err(|error| failed("files of", &location, error))
    })?;
    Ok(Arc::new(MemTable::try_new(
        files.schema(),
        vec![vec![files]],
    )?))
}
