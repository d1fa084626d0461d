//! Rows being built, of the columns that are asked for alone.

use std::{collections::VecDeque, sync::Arc};

use arrow::{
    array::{ArrayRef, Int32Builder, Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder},
    datatypes::{DataType, SchemaRef},
};
use datafusion_common::Result;

use super::column::Column;

/// One row; what its kind does not have stays absent.
#[derive(Default)]
pub(super) struct Row<'a> {
    pub(super) id: Option<i64>,
    pub(super) parent: Option<i64>,
    pub(super) node_type: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) place: Place,
    pub(super) field: Option<&'a str>,
    pub(super) parent_type: Option<&'a str>,
    pub(super) qualname: Option<&'a str>,
    pub(super) docstring: Option<&'a str>,
    pub(super) arguments: Option<i32>,
    pub(super) module: Option<&'a str>,
    pub(super) alias: Option<&'a str>,
    pub(super) level: Option<i32>,
    pub(super) message: Option<&'a str>,
}

/// Where something stands in its file.
#[derive(Default, Clone, Copy)]
pub(super) struct Place {
    pub(super) bytes: (usize, usize),
    /// Line and column, from 0.
    pub(super) start: (usize, usize),
    pub(super) end: (usize, usize),
}

enum Builder {
    Text(StringBuilder),
    Number(Int64Builder),
    Small(Int32Builder),
}

/// Rows until they are a batch.
pub(super) struct Rows {
    schema: SchemaRef,
    columns: Vec<(Column, Builder)>,
    batch_size: usize,
    rows: usize,
    /// Rows that may still come.
    left: Option<usize>,
    finished: VecDeque<RecordBatch>,
}

impl Rows {
    /// `schema` has the fields of `columns`.
    pub(super) fn new(
        schema: SchemaRef,
        columns: &[Column],
        batch_size: usize,
        limit: Option<usize>,
    ) -> Self {
        let columns = columns.iter().map(|&column| {
            let builder = match column.field().data_type() {
                DataType::Int64 => Builder::Number(Int64Builder::new()),
                DataType::Int32 => Builder::Small(Int32Builder::new()),
                _ => Builder::Text(StringBuilder::new()),
            };
            (column, builder)
        });
        Self {
            schema,
            columns: columns.collect(),
            batch_size: batch_size.max(1),
            rows: 0,
            left: limit,
            finished: VecDeque::new(),
        }
    }

    /// Whether a column is asked for.
    pub(super) fn wants(&self, column: Column) -> bool {
        self.columns.iter().any(|(wanted, _)| *wanted == column)
    }

    /// Whether no more rows are asked for.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Whether nothing waits to become a batch.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn push(&mut self, path: &str, row: &Row) -> Result<()> {
        match &mut self.left {
            Some(0) => return Ok(()),
            Some(left) => *left -= 1,
            None => {}
        }
        for (column, builder) in &mut self.columns {
            match builder {
                Builder::Text(builder) => builder.append_option(text(*column, path, row)),
                Builder::Number(builder) => builder.append_option(number(*column, row)),
                Builder::Small(builder) => builder.append_option(small(*column, row)),
            }
        }
        self.rows += 1;
        if self.rows == self.batch_size {
            self.finish()?;
        }
        Ok(())
    }

    /// What is built becomes a batch, however small.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(|(_, builder)| -> ArrayRef {
            match builder {
                Builder::Text(builder) => Arc::new(builder.finish()),
                Builder::Number(builder) => Arc::new(builder.finish()),
                Builder::Small(builder) => Arc::new(builder.finish()),
            }
        });
        // A query that counts asks for no column.
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let columns = columns.collect();
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        self.finished.push_back(batch);
        self.rows = 0;
        Ok(())
    }

    /// The oldest batch that is ready.
    pub(super) fn take(&mut self) -> Option<RecordBatch> {
        self.finished.pop_front()
    }
}

fn text<'a>(column: Column, path: &'a str, row: &Row<'a>) -> Option<&'a str> {
    match column {
        Column::Path => Some(path),
        Column::Type => Some(row.node_type),
        Column::Name => row.name,
        Column::Field => row.field,
        Column::ParentType => row.parent_type,
        Column::Qualname => row.qualname,
        Column::Docstring => row.docstring,
        Column::Module => row.module,
        Column::Alias => row.alias,
        Column::Message => row.message,
        _ => None,
    }
}

fn number(column: Column, row: &Row) -> Option<i64> {
    match column {
        Column::Id => row.id,
        Column::Parent => row.parent,
        Column::Start => Some(row.place.bytes.0 as i64),
        Column::End => Some(row.place.bytes.1 as i64),
        _ => None,
    }
}

fn small(column: Column, row: &Row) -> Option<i32> {
    // The parser's own lines and columns have 32 bits.
    match column {
        Column::StartLine => Some(row.place.start.0 as i32 + 1),
        Column::StartCol => Some(row.place.start.1 as i32),
        Column::EndLine => Some(row.place.end.0 as i32 + 1),
        Column::EndCol => Some(row.place.end.1 as i32),
        Column::Arguments => row.arguments,
        Column::Level => row.level,
        _ => None,
    }
}
