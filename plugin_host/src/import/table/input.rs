//! The host's rows, handed to a plugin that writes them.

use std::sync::Arc;

use datafusion::{
    execution::TaskContext,
    physical_expr::EquivalenceProperties,
    physical_plan::{ExecutionPlan, Partitioning},
};
use datafusion_plugin_api::{
    abi::{
        Batch, BatchStream, BatchStreamObject, CallError, HostWaker, Input,
        message::InputDescriptor,
    },
    df55::{
        batches::BatchSource,
        error::to_call_error,
        plan_properties::{ColumnsOnly, orderings_to_message},
    },
};
use tokio::runtime::Handle;

use crate::import::origin::Origin;

/// What a plugin is told of its input.
pub(super) fn describe(eq: &EquivalenceProperties, partitioning: &Partitioning) -> InputDescriptor {
    InputDescriptor {
        partitions: partitioning.partition_count(),
        orderings: orderings_to_message(eq, &mut ColumnsOnly),
    }
}

/// The input of one execution.
pub(super) struct HostInput {
    item: String,
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    /// The plugin polls on its own threads, where the host's runtime is not entered.
    runtime: Option<Handle>,
}

impl HostInput {
    pub(super) fn new(
        origin: &Origin,
        plan: &Arc<dyn ExecutionPlan>,
        context: &Arc<TaskContext>,
    ) -> Self {
        Self {
            item: origin.item().to_owned(),
            plan: Arc::clone(plan),
            context: Arc::clone(context),
            runtime: Handle::try_current().ok(),
        }
    }
}

impl Input for HostInput {
    fn item(&self) -> &str {
        &self.item
    }

    fn execute(&self, partition: usize) -> Result<BatchStreamObject, CallError> {
        let _entered = self.runtime.as_ref().map(Handle::enter);
        let stream = self.plan.execute(partition, Arc::clone(&self.context));
        let stream = stream.map_err(|error| to_call_error(&error))?;
        Ok(BatchStreamObject::new(HostStream {
            item: self.item.clone(),
            batches: BatchSource::new(stream, self.plan.schema()),
            runtime: self.runtime.clone(),
        }))
    }
}

struct HostStream {
    item: String,
    batches: BatchSource,
    runtime: Option<Handle>,
}

impl BatchStream for HostStream {
    fn item(&self) -> &str {
        &self.item
    }

    fn poll_next(&mut self, waker: HostWaker) -> Result<Batch, CallError> {
        // Entered first, and so left last: the stream is dropped inside the runtime too.
        let _entered = self.runtime.as_ref().map(Handle::enter);
        self.batches.poll_next(waker)
    }
}

impl Drop for HostStream {
    fn drop(&mut self) {
        let _entered = self.runtime.as_ref().map(Handle::enter);
        drop(self.batches.take());
    }
}
