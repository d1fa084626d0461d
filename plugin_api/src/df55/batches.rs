//! Record batches in both directions: struct arrays of a schema that crossed before.

use std::task::{Context, Poll};

use arrow::{
    array::{Array, AsArray, StructArray},
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_execution::SendableRecordBatchStream;

use super::error::to_call_error;
use crate::abi::{
    ArrowArray, Batch, BatchStreamObject, CallError, HostWaker, Validation, export_array,
    import_validated,
};

/// Hands a batch out as one of `schema`.
///
/// # Errors
/// A contract error that names the first column that is not of the schema.
pub fn export_batch(batch: RecordBatch, schema: &SchemaRef) -> Result<ArrowArray, CallError> {
    if batch.num_columns() != schema.fields().len() {
        return Err(CallError::contract(format!(
            "a batch of {} columns, but the schema promised {}",
            batch.num_columns(),
            schema.fields().len()
        )));
    }
    for (column, field) in batch.columns().iter().zip(schema.fields()) {
        if column.data_type() != field.data_type() {
            return Err(CallError::contract(format!(
                "column '{}' of a batch is of type {}, but the schema promised {}",
                field.name(),
                column.data_type(),
                field.data_type()
            )));
        }
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(CallError::contract(format!(
                "column '{}' of a batch has nulls, but the schema promised none",
                field.name()
            )));
        }
    }
    Ok(export_array(&StructArray::from(batch)))
}

/// Batches of this side's on their way out.
pub struct BatchSource {
    schema: SchemaRef,
    /// Gone at the end, or at the first error.
    stream: Option<SendableRecordBatchStream>,
}

impl BatchSource {
    /// Hands out the batches of `stream` as ones of `schema`.
    pub fn new(stream: SendableRecordBatchStream, schema: SchemaRef) -> Self {
        Self {
            schema,
            stream: Some(stream),
        }
    }

    /// The next batch.
    ///
    /// # Errors
    /// That of the stream, and those of [`export_batch`].
    pub fn poll_next(&mut self, waker: HostWaker) -> Result<Batch, CallError> {
        // Taken for the poll: a stream that fails or panics is not polled again.
        let Some(mut stream) = self.stream.take() else {
            return Ok(Batch::End);
        };
        match waker.with(|waker| stream.as_mut().poll_next(&mut Context::from_waker(waker))) {
            Poll::Pending => {
                self.stream = Some(stream);
                Ok(Batch::Pending)
            }
            Poll::Ready(None) => Ok(Batch::End),
            Poll::Ready(Some(Err(error))) => Err(to_call_error(&error)),
            Poll::Ready(Some(Ok(batch))) => {
                let batch = export_batch(batch, &self.schema)?;
                self.stream = Some(stream);
                Ok(Batch::Ready(batch))
            }
        }
    }

    /// The stream, to be dropped where it belongs.
    pub fn take(&mut self) -> Option<SendableRecordBatchStream> {
        self.stream.take()
    }
}

/// Reads the other side's batches.
#[derive(Debug)]
pub struct BatchReader {
    schema: SchemaRef,
    row_type: DataType,
    validation: Validation,
    /// Released at the end, or at the first error.
    stream: Option<BatchStreamObject>,
}

impl BatchReader {
    /// Reads batches of `schema`.
    pub fn new(stream: BatchStreamObject, schema: SchemaRef) -> Self {
        Self {
            row_type: DataType::Struct(schema.fields().clone()),
            schema,
            validation: Validation::Structural,
            stream: Some(stream),
        }
    }

    /// The same with batches looked at as far as `validation` says.
    #[must_use]
    pub fn validated(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch. Nothing comes after the end or an error.
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<RecordBatch, CallError>>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        let item = match stream.poll_next(context.waker().into()) {
            Ok(Batch::Pending) => return Poll::Pending,
            Ok(Batch::End) => None,
            Ok(Batch::Ready(array)) => Some(self.batch(array)),
            Err(error) => Some(Err(error)),
        };
        if !matches!(item, Some(Ok(_))) {
            self.stream = None;
        }
        Poll::Ready(item)
    }

    fn batch(&self, array: ArrowArray) -> Result<RecordBatch, CallError> {
        let rows = import_validated(array, &self.row_type, self.validation)?;
        let rows = rows.as_struct();
        if rows.null_count() > 0 {
            return Err(CallError::contract("a batch with rows that are null"));
        }
        if rows.columns().is_empty() {
            return Ok(RecordBatch::from(rows));
        }
        // Checks nullability against the schema, which the struct type does not.
        RecordBatch::try_new(self.schema.clone(), rows.columns().to_vec())
            .map_err(|error| CallError::contract(error.to_string()))
    }
}
