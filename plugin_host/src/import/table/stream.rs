//! A plugin's batches as a stream.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    common::Result,
    execution::RecordBatchStream,
    physical_plan::metrics::{Count, ExecutionPlanMetricsSet, Gauge, MetricBuilder, Time},
};
use datafusion_plugin_api::{
    abi::{BatchStreamObject, CallError, ErrorKind, Validation},
    df55::batches::BatchReader,
};
use futures::Stream;

use super::memory::Account;
use crate::{
    import::{offload::Offloaded, origin::Origin},
    threads::NoAnswer,
};

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

    fn called(&self, rows: Option<usize>, took: Duration) {
        self.calls.add(1);
        if let Some(rows) = rows {
            self.batches.add(1);
            self.rows.add(rows);
        }
        self.time.add_duration(took);
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
    schema: SchemaRef,
    batches: Batches,
    crossing: Crossing,
    account: Arc<Account>,
}

type Item = Option<Result<RecordBatch, CallError>>;

enum Batches {
    Direct(BatchReader),
    /// Started and polled elsewhere, since the plugin's streams have a limit of time.
    Limited(Offloaded<Timed, (Item, Duration)>),
    Ended,
}

/// A stream whose polls are timed where they are made.
struct Timed {
    stream: Limited,
    /// In polls for the next item.
    spent: Duration,
}

impl Timed {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Item, Duration)> {
        let begun = Instant::now();
        let item = self.stream.poll(context);
        self.spent += begun.elapsed();
        item.map(|item| (item, std::mem::take(&mut self.spent)))
    }
}

/// A stream that starts with its first poll.
enum Limited {
    Unstarted(Option<Start>, SchemaRef, Validation),
    Started(BatchReader),
}

type Start = Box<dyn FnOnce() -> Result<BatchStreamObject, CallError> + Send>;

impl Limited {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Item> {
        if let Self::Unstarted(start, schema, validation) = self {
            let Some(start) = start.take() else {
                return Poll::Ready(None);
            };
            match start() {
                Ok(stream) => {
                    let batches = BatchReader::new(stream, Arc::clone(schema));
                    *self = Self::Started(batches.validated(*validation));
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        match self {
            Self::Started(batches) => batches.poll_next(context),
            Self::Unstarted(..) => Poll::Ready(None),
        }
    }
}

impl PluginStream {
    /// Starts the stream that `start` yields.
    pub(super) fn start(
        origin: Origin,
        start: impl FnOnce() -> Result<BatchStreamObject, CallError> + Send + 'static,
        schema: SchemaRef,
        crossing: Crossing,
        account: Arc<Account>,
    ) -> Result<Self> {
        let limits = origin.plugin().limits();
        let validation = origin.plugin().validation();
        let batches = match limits.stream {
            None => {
                let batches = BatchReader::new(origin.call(start)?, Arc::clone(&schema));
                Batches::Direct(batches.validated(validation))
            }
            Some(limit) => {
                let start: Start = Box::new(start);
                let stream = Limited::Unstarted(Some(start), Arc::clone(&schema), validation);
                let stream = Timed {
                    stream,
                    spent: Duration::ZERO,
                };
                let limited = Offloaded::new(&limits.threads, limit, stream, Timed::poll);
                Batches::Limited(limited)
            }
        };
        Ok(Self {
            origin,
            schema,
            batches,
            crossing,
            account,
        })
    }
}

impl Stream for PluginStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let (batch, took) = match (this.origin.admit(), &mut this.batches) {
            (_, Batches::Ended) => return Poll::Ready(None),
            (Err(refusal), _) => {
                this.batches = Batches::Ended;
                return Poll::Ready(Some(Err(this.origin.error(refusal))));
            }
            (Ok(()), Batches::Direct(batches)) => {
                let begun = Instant::now();
                let batch = batches.poll_next(context);
                (batch, begun.elapsed())
            }
            (Ok(()), Batches::Limited(batches)) => match batches.poll(context) {
                // One item is one call, however often it is asked for.
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok((item, took))) => (Poll::Ready(item), took),
                Poll::Ready(Err(error)) => {
                    let took = match error {
                        NoAnswer::TooSlow(limit) => limit,
                        _ => Duration::ZERO,
                    };
                    (Poll::Ready(Some(Err(error.into()))), took)
                }
            },
        };
        let batch = match this.account.overdrawn() {
            Some(error) => Poll::Ready(Some(Err(error.clone()))),
            None => batch,
        };
        // What has ended is dropped at once.
        if matches!(batch, Poll::Ready(None | Some(Err(_)))) {
            this.batches = Batches::Ended;
        }
        let rows = match &batch {
            Poll::Ready(Some(Ok(batch))) => Some(batch.num_rows()),
            _ => None,
        };
        this.origin
            .took(took, u64::from(rows.is_some()), rows.unwrap_or(0));
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
        Arc::clone(&self.schema)
    }
}
