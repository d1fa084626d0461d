//! A plugin's batches as a stream.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    common::Result,
    execution::RecordBatchStream,
};
use datafusion_plugin_api::{abi::BatchStreamObject, df55::batches::BatchReader};
use futures::Stream;

use crate::import::origin::Origin;

pub(super) struct PluginStream {
    origin: Origin,
    batches: BatchReader,
}

impl PluginStream {
    pub(super) fn new(origin: Origin, stream: BatchStreamObject, schema: SchemaRef) -> Self {
        Self {
            origin,
            batches: BatchReader::new(stream, schema),
        }
    }
}

impl Stream for PluginStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let since = Instant::now();
        let batch = self.batches.poll_next(context);
        if let Poll::Ready(Some(Ok(batch))) = &batch {
            self.origin.metrics().called(batch.num_rows(), since);
        }
        batch.map(|batch| batch.map(|batch| batch.map_err(|error| self.origin.error(error))))
    }
}

impl RecordBatchStream for PluginStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.batches.schema())
    }
}
