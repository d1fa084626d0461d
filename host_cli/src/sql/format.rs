//! Query results as tables, CSV or JSON, batch by batch.

use std::io::Write;

use arrow::{
    array::RecordBatch,
    csv,
    datatypes::SchemaRef,
    error::ArrowError,
    json::{WriterBuilder, writer::JsonArray},
    util::{display::FormatOptions, pretty::pretty_format_batches_with_options},
};

use crate::{cli::Format, exit::CliError, output::clean_lines};

/// Rows of a table that share one layout; longer results are several tables.
const TABLE_ROWS: usize = 8192;

/// Writes the rows of one statement.
pub(super) struct ResultWriter {
    format: Format,
    schema: SchemaRef,
    /// Table: rows not yet laid out.
    held: Vec<RecordBatch>,
    /// Whether anything has been written.
    started: bool,
}

impl ResultWriter {
    pub(super) fn new(format: Format, schema: SchemaRef) -> Self {
        Self {
            format,
            schema,
            held: Vec::new(),
            started: false,
        }
    }

    /// Writes rows.
    ///
    /// # Errors
    /// Rows that the format cannot express, or an output that takes no more.
    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        match self.format {
            Format::Table => {
                self.held.push(batch.clone());
                let rows: usize = self.held.iter().map(RecordBatch::num_rows).sum();
                if rows >= TABLE_ROWS {
                    self.table(out)?;
                }
            }
            Format::Csv => out.write_all(&self.csv(batch)?)?,
            Format::Json => {
                let rows = json_rows(batch)?;
                out.write_all(if self.started { b"," } else { b"[" })?;
                out.write_all(&rows)?;
            }
        }
        self.started = true;
        Ok(())
    }

    /// Writes what is still to be written.
    ///
    /// # Errors
    /// As [`ResultWriter::write`].
    pub(super) fn finish(mut self, out: &mut dyn Write) -> Result<(), CliError> {
        match self.format {
            Format::Table if !self.held.is_empty() || !self.started => self.table(out)?,
            Format::Table => {}
            Format::Csv if !self.started => {
                let empty = RecordBatch::new_empty(self.schema.clone());
                out.write_all(&self.csv(&empty)?)?;
            }
            Format::Csv => {}
            Format::Json if self.started => out.write_all(b"]\n")?,
            Format::Json => out.write_all(b"[]\n")?,
        }
        Ok(())
    }

    fn table(&mut self, out: &mut dyn Write) -> Result<(), CliError> {
        if self.held.is_empty() {
            self.held.push(RecordBatch::new_empty(self.schema.clone()));
        }
        let options = FormatOptions::default().with_display_error(true);
        let table = pretty_format_batches_with_options(&self.held, &options)?;
        writeln!(out, "{}", clean_lines(&table.to_string()))?;
        self.held.clear();
        Ok(())
    }

    /// Rows in memory first, so that an output that takes no more is told from bad rows.
    fn csv(&self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let mut rows = Vec::new();
        let builder = csv::WriterBuilder::new().with_header(!self.started);
        builder.build(&mut rows).write(batch)?;
        Ok(rows)
    }
}

/// The rows as JSON objects, commas between them.
fn json_rows(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut rows = Vec::new();
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, JsonArray>(&mut rows);
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    let inner = rows
        .strip_prefix(b"[")
        .and_then(|rows| rows.strip_suffix(b"]"));
    Ok(inner.map_or_else(Vec::new, <[u8]>::to_vec))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn batch(numbers: Vec<Option<i64>>) -> RecordBatch {
        let texts: StringArray = numbers.iter().map(|_| Some("a\x1b,b")).collect();
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        RecordBatch::try_from_iter_with_nullable([
            ("n", numbers, true),
            ("t", Arc::new(texts), true),
        ])
        .unwrap()
    }

    fn written(format: Format, batches: &[RecordBatch]) -> String {
        let mut out = Vec::new();
        let mut writer = ResultWriter::new(format, batch(vec![]).schema());
        for batch in batches {
            writer.write(batch, &mut out).unwrap();
        }
        writer.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn batches_become_one_result() {
        let batches = [
            batch(vec![Some(1), None]),
            batch(vec![]),
            batch(vec![Some(3)]),
        ];
        let csv = written(Format::Csv, &batches);
        assert_eq!(csv.lines().count(), 4, "{csv}");
        assert_eq!(csv.lines().next(), Some("n,t"));
        let json = written(Format::Json, &batches);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json[1]["n"], serde_json::Value::Null);
        assert_eq!(json[2], serde_json::json!({"n": 3, "t": "a\x1b,b"}));
        let table = written(Format::Table, &batches);
        assert_eq!(table.lines().count(), 7, "{table}");
        assert!(!table.contains('\x1b'));
    }

    #[test]
    fn a_result_without_rows_says_so() {
        assert_eq!(written(Format::Csv, &[]), "n,t\n");
        assert_eq!(written(Format::Json, &[batch(vec![])]), "[]\n");
        assert!(written(Format::Table, &[]).contains("| n | t |"));
    }

    #[test]
    fn long_tables_are_written_as_they_come() {
        let long = batch(vec![Some(1); TABLE_ROWS]);
        let table = written(Format::Table, &[long.clone(), long]);
        assert_eq!(table.matches("| n ").count(), 2);
    }
}
