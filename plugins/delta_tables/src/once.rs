//! Rows that arrive once, as a table.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{TableProvider, streaming::StreamingTable},
    common::exec_datafusion_err,
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{stream::RecordBatchStreamAdapter, streaming::PartitionStream},
};
use futures::{StreamExt, stream};

/// A table that can be read a single time, and how many of its rows have been.
///
/// A second reader gets an error, never rows that are missing some.
pub(crate) fn once(
    rows: SendableRecordBatchStream,
) -> Result<(Arc<dyn TableProvider>, Arc<AtomicU64>)> {
    let count = Arc::new(AtomicU64::new(0));
    let partition = Once {
        schema: rows.schema(),
        rows: Mutex::new(Some(rows)),
        count: Arc::clone(&count),
    };
    let schema = Arc::clone(&partition.schema);
    let table = StreamingTable::try_new(schema, vec![Arc::new(partition)])?;
    Ok((Arc::new(table), count))
}

struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
    count: Arc<AtomicU64>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let rows = self
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(rows) = rows else {
            let error = exec_datafusion_err!("rows to be written were asked for a second time");
            let error = stream::once(async { Err(error) });
            return Box::pin(RecordBatchStreamAdapter::new(schema, error));
        };
        let count = Arc::clone(&self.count);
        let counted = rows.inspect(move |batch| {
            if let Ok(batch) = batch {
                count.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, counted))
    }
}
