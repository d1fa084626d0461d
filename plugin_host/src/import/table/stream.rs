//! A plugin's batches as a stream.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    common::Result,
    execution::RecordBatchStream,
    physical_plan::metrics::{Count, ExecutionPlanMetricsSet, Gauge, MetricBuilder, Time},
};
use datafusion_plugin_api::{
    abi::{BatchStreamObject, CallError, ErrorKind},
    df55::batches::BatchReader,
};
use futures::Stream;

use crate::import::{metrics::Begun, origin::Origin};

/// What is counted of one execution of a partition, for `EXPLAIN ANALYZE`.
#[derive(Debug)]
pub(super) struct Crossing {
    calls: Count,
    batches: Count,
    rows: Count,
    errors: Count,
    panics: Count,
    time: Time,
    pub(super) reserved: Gauge,
}

impl Crossing {
    pub(super) fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let count = |name| MetricBuilder::new(metrics).counter(name, partition);
        Self {
            calls: count("plugin_calls"),
            batches: count("plugin_batches"),
            rows: count("plugin_rows"),
            errors: count("plugin_errors"),
            panics: count("plugin_panics"),
            time: MetricBuilder::new(metrics).subset_time("plugin_time", partition),
            reserved: MetricBuilder::new(metrics).gauge("plugin_reserved_peak", partition),
        }
    }

    fn called(&self, rows: Option<usize>, took: Option<u64>) {
        self.calls.add(1);
        if let Some(rows) = rows {
            self.batches.add(1);
            self.rows.add(rows);
        }
        self.time
            .add_duration(Duration::from_nanos(took.unwrap_or(0)));
    }

    fn failed(&self, error: &CallError) {
        self.errors.add(1);
        if error.kind() == ErrorKind::Panic {
            self.panics.add(1);
        }
    }
}

pub(super) struct PluginStream {
    origin: Origin,
    batches: BatchReader,
    crossing: Crossing,
}

impl PluginStream {
    pub(super) fn new(
        origin: Origin,
        stream: BatchStreamObject,
        schema: SchemaRef,
        crossing: Crossing,
    ) -> Self {
        Self {
            origin,
            batches: BatchReader::new(stream, schema),
            crossing,
        }
    }
}

impl Stream for PluginStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Err(refusal) = this.origin.admit() {
            let ended = this.batches.end();
            let error = || Err(this.origin.error(refusal));
            return Poll::Ready(ended.then(error));
        }
        let begun = Begun::timed();
        let batch = this.batches.poll_next(context);
        let rows = match &batch {
            Poll::Ready(Some(Ok(batch))) => Some(batch.num_rows()),
            _ => None,
        };
        let took = this
            .origin
            .end(begun, u64::from(rows.is_some()), rows.unwrap_or(0));
        this.crossing.called(rows, took);
        batch.map(|batch| {
            batch.map(|batch| {
                batch.map_err(|error| {
                    this.crossing.failed(&error);
                    this.origin.error(error)
                })
            })
        })
    }
}

impl RecordBatchStream for PluginStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.batches.schema())
    }
}
