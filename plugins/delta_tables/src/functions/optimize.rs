//! `delta_optimize(uri [, z_order [, target_size]])`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::TableProvider,
    common::plan_err,
    error::Result,
};
use deltalake::operations::optimize::OptimizeType;

use super::{Entry, arguments::Arguments};
use crate::{
    action::{ActionExec, ActionTable},
    error::failed,
    open::{Tables, snapshot},
    session::state_in,
};

pub(super) static ENTRY: Entry = Entry {
    name: "delta_optimize",
    syntax: "delta_optimize(uri [, z_order [, target_size]])",
    description: "Rewrites the files of a Delta table into fewer and larger ones, when the query \
                  is executed. The rows stay the same. Yields one row: the version after, and the \
                  files and bytes added and removed.",
    arguments: &[
        ("uri", "Path or URL of the table."),
        (
            "z_order",
            "Columns, separated by commas, that the rows are ordered by together. Null or absent: \
             small files are put together, and rows keep their order.",
        ),
        (
            "target_size",
            "Bytes per file; what the table's properties say without it.",
        ),
    ],
    example: "select * from delta_optimize('/data/orders', 'customer, day');",
    call,
};

fn call(tables: &Arc<Tables>, arguments: &Arguments<'_>) -> Result<Arc<dyn TableProvider>> {
    let location = arguments.location(tables)?;
    let columns = arguments.optional_text(1)?.map(|columns| {
        let columns = columns.split(',').map(|column| column.trim().to_owned());
        columns.collect::<Vec<_>>()
    });
    if columns.iter().flatten().any(String::is_empty) {
        return plan_err!("delta_optimize: argument z_order has an empty column name");
    }
    let target = arguments.optional_size(2)?;
    let tables = Arc::clone(tables);
    let title = format!("delta_optimize of {location}");
    let action = ActionExec::new(title, schema(), move |context| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        let columns = columns.clone();
        async move {
            let table = tables.open_to_write(&location).await?;
            let mut optimize = table
                .optimize()
                .with_session_state(state_in(&context))
                .with_commit_properties(tables.commit());
            if let Some(columns) = columns {
                optimize = optimize.with_type(OptimizeType::ZOrder(columns));
            }
            if let Some(target) = target {
                optimize = optimize.with_target_size(target);
            }
            let (table, metrics) = optimize
                .await
                .map_err(|error| failed("delta_optimize of", &location, error))?;
            let (added, removed) = (metrics.files_added, metrics.files_removed);
            let columns: Vec<ArrayRef> = vec![
                Arc::new(UInt64Array::from(vec![
                    snapshot(&table, &location)?.version(),
                ])),
                Arc::new(UInt64Array::from(vec![metrics.num_files_added])),
                Arc::new(UInt64Array::from(vec![metrics.num_files_removed])),
                Arc::new(Int64Array::from(vec![added.total_size])),
                Arc::new(Int64Array::from(vec![removed.total_size])),
            ];
            Ok(RecordBatch::try_new(schema(), columns)?)
        }
    });
    Ok(Arc::new(ActionTable::new(action)))
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("version", DataType::UInt64, false),
        Field::new("files_added", DataType::UInt64, false),
        Field::new("files_removed", DataType::UInt64, false),
        Field::new("bytes_added", DataType::Int64, false),
        Field::new("bytes_removed", DataType::Int64, false),
    ]))
}
