//! Files parsed as they are asked for.

use std::{fmt, fs, future::poll_fn, path::PathBuf, sync::Arc, task::Poll};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion_common::{Result, exec_datafusion_err, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
    metrics::{BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet},
    stream::RecordBatchStreamAdapter,
};
use futures::stream;
use tree_sitter::Parser;

use super::{
    column::Column,
    kind::Kind,
    parse::Parsed,
    rows::{Row, Rows},
    walk::walk,
};

/// Each partition parses its files one after the other.
#[derive(Debug)]
pub(super) struct PythonScan {
    kind: Kind,
    columns: Vec<Column>,
    files: Vec<Vec<PathBuf>>,
    limit: Option<usize>,
    batch_size: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PythonScan {
    pub(super) fn new(
        kind: Kind,
        columns: Vec<Column>,
        schema: SchemaRef,
        files: Vec<Vec<PathBuf>>,
        limit: Option<usize>,
        batch_size: usize,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(files.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            kind,
            columns,
            files,
            limit,
            batch_size,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for PythonScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let files: usize = self.files.iter().map(Vec::len).sum();
        write!(f, "PythonScan: kind={:?}, files={files}", self.kind)?;
        match self.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for PythonScan {
    fn name(&self) -> &str {
        "PythonScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.len() {
            0 => Ok(self),
            _ => internal_err!("a scan has no children"),
        }
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(files) = self.files.get(partition) else {
            return internal_err!("a scan has no partition {partition}");
        };
        let mut parser = Parser::new();
        parser
            .set_language(&tree_sitter_python::LANGUAGE.into())
            .map_err(|error| exec_datafusion_err!("Python's grammar does not load: {error}"))?;
        let rows = Rows::new(self.schema(), &self.columns, self.batch_size, self.limit);
        let files = Files {
            kind: self.kind,
            files: files.clone().into_iter(),
            parser,
            rows,
            read: MetricBuilder::new(&self.metrics).counter("files_read", partition),
            baseline: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::unfold(files, async |mut files| {
            loop {
                match files.step() {
                    Ok(Step::Batch(batch)) => return Some((Ok(batch), files)),
                    // However many files are without rows, a query can be given up between them.
                    Ok(Step::NoBatchYet) => pending_once().await,
                    Ok(Step::Done) => return None,
                    Err(error) => return Some((Err(error), files)),
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// The files that a partition has still to read.
struct Files {
    kind: Kind,
    files: std::vec::IntoIter<PathBuf>,
    parser: Parser,
    rows: Rows,
    read: Count,
    baseline: BaselineMetrics,
}

/// What comes of reading at most one file.
enum Step {
    Batch(RecordBatch),
    NoBatchYet,
    Done,
}

/// Lets the executor do something else first.
async fn pending_once() {
    let mut polled = false;
    poll_fn(|context| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

impl Files {
    fn step(&mut self) -> Result<Step> {
        let elapsed = self.baseline.elapsed_compute().clone();
        let _timer = elapsed.timer();
        if let Some(batch) = self.rows.take() {
            return Ok(self.handed_out(batch));
        }
        if self.rows.is_full() {
            self.files = Vec::new().into_iter();
        }
        match self.files.next() {
            Some(file) => self.read(&file)?,
            None => self.rows.finish()?,
        }
        Ok(match self.rows.take() {
            Some(batch) => self.handed_out(batch),
            None if self.files.as_slice().is_empty() && self.rows.is_empty() => Step::Done,
            None => Step::NoBatchYet,
        })
    }

    fn handed_out(&self, batch: RecordBatch) -> Step {
        self.baseline.record_output(batch.num_rows());
        Step::Batch(batch)
    }

    /// A file that cannot be read is a row of errors.
    fn read(&mut self, file: &PathBuf) -> Result<()> {
        let path = file.to_string_lossy();
        self.read.add(1);
        let source = match fs::read(file) {
            Ok(source) => source,
            Err(error) => return self.failed(&path, "unreadable", &error.to_string()),
        };
        if self.kind == Kind::Errors
            && let Err(error) = std::str::from_utf8(&source)
        {
            self.failed(&path, "encoding", &format!("not UTF-8: {error}"))?;
        }
        match Parsed::of(&mut self.parser, &source) {
            Some(parsed) => walk(&path, &source, &parsed, self.kind, &mut self.rows),
            None => self.failed(&path, "unreadable", "the parser gave up"),
        }
    }

    fn failed(&mut self, path: &str, error: &str, message: &str) -> Result<()> {
        if self.kind != Kind::Errors {
            return Ok(());
        }
        let row = Row {
            node_type: error,
            message: Some(message),
            ..Row::default()
        };
        self.rows.push(path, &row)
    }
}
