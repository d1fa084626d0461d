//! `delta_add_actions(uri [, version | timestamp])`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, RecordBatch, make_array},
        buffer::NullBuffer,
        datatypes::{DataType, Field, Schema},
    },
    catalog::TableProvider,
    datasource::MemTable,
    error::Result,
};

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
        let files = snapshot(&table, &location)?.add_actions_table(false);
        let files = files.map_err(|error| failed("files of", &location, error))?;
        flattened(&files)
    })?;
    Ok(Arc::new(MemTable::try_new(
        files.schema(),
        vec![vec![files]],
    )?))
}

/// Fields of structs as columns of their own, named STRUCT.FIELD, null where their struct is.
///
/// `deltalake` can do so itself, but not with fields that must not be null in a struct that may be,
/// which deletion vectors are.
fn flattened(batch: &RecordBatch) -> Result<RecordBatch> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        flatten(field, column, &mut fields, &mut columns)?;
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

fn flatten(
    field: &Field,
    column: &ArrayRef,
    fields: &mut Vec<Field>,
    columns: &mut Vec<ArrayRef>,
) -> Result<()> {
    let DataType::Struct(inner) = field.data_type() else {
        fields.push(field.clone());
        columns.push(Arc::clone(column));
        return Ok(());
    };
    let structs = column.as_struct();
    for (child, values) in inner.iter().zip(structs.columns()) {
        let nulls = NullBuffer::union(structs.nulls(), values.nulls());
        let values = values.to_data().into_builder().nulls(nulls).build()?;
        let name = format!("{}.{}", field.name(), child.name());
        let nullable = field.is_nullable() || child.is_nullable();
        let child = child
            .as_ref()
            .clone()
            .with_name(name)
            .with_nullable(nullable);
        flatten(&child, &make_array(values), fields, columns)?;
    }
    Ok(())
}
