//! `delta_checkpoint(uri)`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{RecordBatch, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::TableProvider,
    error::Result,
};
use deltalake::checkpoints::create_checkpoint;

use super::{Entry, arguments::Arguments};
use crate::{
    action::{ActionExec, ActionTable},
    error::failed,
    open::{Tables, snapshot},
};

pub(super) static ENTRY: Entry = Entry {
    name: "delta_checkpoint",
    syntax: "delta_checkpoint(uri)",
    description: "Writes a checkpoint of the latest version of a Delta table, when the query is \
                  executed, so that readers need not read the log before it. Removes nothing. \
                  Yields one row: the version.",
    arguments: &[("uri", "Path or URL of the table.")],
    example: "select version from delta_checkpoint('/data/orders');",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let tables = Arc::clone(tables);
    let title = format!("delta_checkpoint of {location}");
    let action = ActionExec::new(title, schema(), move |_| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        async move {
            let table = tables.open_to_write(&location).await?;
            create_checkpoint(&table, None)
                .await
                .map_err(|error| failed("delta_checkpoint of", &location, error))?;
            let version = UInt64Array::from(vec![snapshot(&table, &location)?.version()]);
            Ok(RecordBatch::try_new(schema(), vec![Arc::new(version)])?)
        }
    });
    Ok(Arc::new(ActionTable::new(action)))
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(
        "version",
        DataType::UInt64,
        false,
    )]))
}
