//! Streams of batches behind the contract, and a table made of them for authors who have no
//! provider of their own.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_common::Result;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_expr::{Expr, TableType};
use datafusion_physical_plan::{
    ExecutionPlan,
    streaming::{PartitionStream, StreamingTableExec},
};
use datafusion_session::{Session, TableProvider};

use super::runtime;
use crate::{
    abi::{Batch, BatchStream, CallError, HostWaker},
    df55::batches::BatchSource,
};

/// One partition as it is read; polled inside the plugin's runtime.
pub(super) struct Streaming {
    name: String,
    batches: BatchSource,
}

impl Streaming {
    pub(super) fn new(name: &str, schema: SchemaRef, stream: SendableRecordBatchStream) -> Self {
        Self {
            name: name.to_owned(),
            batches: BatchSource::new(stream, schema),
        }
    }
}

impl BatchStream for Streaming {
    fn item(&self) -> &str {
        &self.name
    }

    fn poll_next(&mut self, waker: HostWaker) -> Result<Batch, CallError> {
        // Entered first, and so left last: the stream is dropped inside the runtime too.
        let _entered = runtime::enter()?;
        self.batches.poll_next(waker)
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        runtime::drop_inside(self.batches.take());
    }
}

/// A table that is read as streams: a schema, and for each partition what starts its stream.
pub struct StreamedTable {
    schema: SchemaRef,
    partitions: Vec<Arc<dyn PartitionStream>>,
}

impl StreamedTable {
    /// A table of one partition; `start` is called for each scan.
    pub fn new(
        schema: SchemaRef,
        start: impl Fn() -> SendableRecordBatchStream + Send + Sync + 'static,
    ) -> Self {
        Self {
            schema,
            partitions: Vec::new(),
        }
        .with_partition(start)
    }

    /// Adds a partition.
    pub fn with_partition(
        mut self,
        start: impl Fn() -> SendableRecordBatchStream + Send + Sync + 'static,
    ) -> Self {
        let schema = Arc::clone(&self.schema);
        self.partitions.push(Arc::new(Partition {
            schema,
            start: Box::new(start),
        }));
        self
    }
}

impl fmt::Debug for StreamedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedTable")
            .field("schema", &self.schema)
            .field("partitions", &self.partitions.len())
            .finish()
    }
}

#[async_trait]
impl TableProvider for StreamedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(StreamingTableExec::try_new(
            Arc::clone(&self.schema),
            self.partitions.clone(),
            projection,
            None,
            false,
            limit,
        )?))
    }
}

struct Partition {
    schema: SchemaRef,
    start: Box<dyn Fn() -> SendableRecordBatchStream + Send + Sync>,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").finish_non_exhaustive()
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        (self.start)()
    }
}
