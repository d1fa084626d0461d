//! A plugin's scan as a leaf of the host's plan.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::{DataType, Schema, SchemaRef},
    },
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, PhysicalExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
    },
};
use datafusion_plugin_api::abi::{
    Batch, BatchStreamObject, ScanObject, import_array, import_schema, message::ScanDescriptor,
};
use futures::Stream;

use crate::import::origin::Origin;

/// One leaf; the plugin plans and runs what is below it.
#[derive(Debug)]
pub(super) struct PluginScanExec {
    origin: Origin,
    scan: ScanObject,
    display: String,
    properties: Arc<PlanProperties>,
}

impl PluginScanExec {
    /// Takes in a scan whose batches must be of the `expected` fields.
    pub(super) fn new(origin: Origin, scan: ScanObject, expected: &Schema) -> Result<Self> {
        let parcel = scan.describe().map_err(|error| origin.error(error))?;
        let descriptor: ScanDescriptor = parcel.message().map_err(|error| origin.error(error))?;
        let schema = import_schema(&parcel.schema).map_err(|error| origin.error(error))?;
        if schema.fields() != expected.fields() {
            return Err(origin.breach(format!(
                "a scan of {}, where {} was asked for",
                names(&schema),
                names(expected)
            )));
        }
        let boundedness = if descriptor.unbounded {
            Boundedness::Unbounded {
                requires_infinite_memory: false,
            }
        } else {
            Boundedness::Bounded
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::new(schema)),
            Partitioning::UnknownPartitioning(descriptor.partitions),
            EmissionType::Incremental,
            boundedness,
        );
        Ok(Self {
            origin,
            scan,
            display: descriptor.display,
            properties: Arc::new(properties),
        })
    }
}

fn names(schema: &Schema) -> String {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| format!("{}: {}", f.name(), f.data_type()))
        .collect();
    format!("({})", fields.join(", "))
}

impl DisplayAs for PluginScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let (plugin, item) = (self.origin.plugin().name(), self.origin.item());
        write!(f, "PluginScanExec: plugin={plugin}, item={item}")?;
        if !self.display.is_empty() {
            write!(f, ", scan=[{}]", self.display)?;
        }
        Ok(())
    }
}

impl ExecutionPlan for PluginScanExec {
    fn name(&self) -> &str {
        "PluginScanExec"
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
        if children.is_empty() {
            Ok(self)
        } else {
            internal_err!("a plugin's scan has no children")
        }
    }

    fn execute(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let stream = self
            .scan
            .execute(partition)
            .map_err(|error| self.origin.error(error))?;
        let schema = self.schema();
        Ok(Box::pin(PluginStream {
            origin: self.origin.clone(),
            row_type: DataType::Struct(schema.fields().clone()),
            schema,
            stream: Some(stream),
        }))
    }
}

struct PluginStream {
    origin: Origin,
    schema: SchemaRef,
    row_type: DataType,
    /// Released at the end, or at the first error.
    stream: Option<BatchStreamObject>,
}

impl PluginStream {
    fn batch(&self, array: datafusion_plugin_api::abi::ArrowArray) -> Result<RecordBatch> {
        let rows = import_array(array, &self.row_type).map_err(|error| self.origin.error(error))?;
        let rows = rows.as_struct();
        if rows.columns().is_empty() {
            return Ok(RecordBatch::from(rows));
        }
        // Checks nullability against the schema, which the struct type does not.
        Ok(RecordBatch::try_new(
            Arc::clone(&self.schema),
            rows.columns().to_vec(),
        )?)
    }
}

impl Stream for PluginStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let since = Instant::now();
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        let item = match stream.poll_next(context.waker().into()) {
            Ok(Batch::Pending) => return Poll::Pending,
            Ok(Batch::End) => None,
            Ok(Batch::Ready(array)) => Some(self.batch(array)),
            Err(error) => Some(Err(self.origin.error(error))),
        };
        match &item {
            Some(Ok(batch)) => self.origin.metrics().called(batch.num_rows(), since),
            _ => self.stream = None,
        }
        Poll::Ready(item)
    }
}

impl RecordBatchStream for PluginStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
