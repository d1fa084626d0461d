//! The rows that a write is given, as a leaf of the author's plan.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
};
use futures::Stream;

use crate::{
    abi::{CallError, InputObject, message::InputDescriptor},
    df55::{batches::BatchReader, error::from_call_error, plan_properties::Operands},
};

/// The input of one execution; the task's session configuration carries it to the leaf.
#[derive(Debug)]
pub(super) struct HostInput(pub(super) InputObject);

/// Reads the host's rows.
#[derive(Debug)]
pub(super) struct HostInputExec(Arc<PlanProperties>);

impl HostInputExec {
    pub(super) fn new(schema: SchemaRef, input: &InputDescriptor) -> Result<Self, CallError> {
        let mut eq = EquivalenceProperties::new(Arc::clone(&schema));
        let columns = Operands {
            schema: &schema,
            expressions: &[],
        };
        for ordering in &input.orderings {
            eq.add_ordering(columns.ordering(ordering)?);
        }
        Ok(Self(Arc::new(PlanProperties::new(
            eq,
            Partitioning::UnknownPartitioning(input.partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ))))
    }
}

impl DisplayAs for HostInputExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("HostInputExec")
    }
}

impl ExecutionPlan for HostInputExec {
    fn name(&self) -> &str {
        "HostInputExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.0
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
            internal_err!("the host's input has no children")
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(input) = context.session_config().get_extension::<HostInput>() else {
            return internal_err!("executed without the host's input");
        };
        let stream = input.0.execute(partition).map_err(from_call_error)?;
        Ok(Box::pin(HostStream(BatchReader::new(
            stream,
            self.schema(),
        ))))
    }
}

struct HostStream(BatchReader);

impl Stream for HostStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let batch = self.0.poll_next(context);
        batch.map(|batch| batch.map(|batch| batch.map_err(from_call_error)))
    }
}

impl RecordBatchStream for HostStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.0.schema())
    }
}
