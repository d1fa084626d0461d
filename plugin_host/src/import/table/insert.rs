//! A plugin's write of rows as a node of the host's plan.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::datatypes::SchemaRef,
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{
        Distribution, LexRequirement, OrderingRequirements, PhysicalExpr, PhysicalSortRequirement,
    },
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
        InputDistributionRequirements, PlanProperties, metrics::MetricsSet,
    },
};
use datafusion_plugin_api::{
    abi::{
        InputObject,
        message::{Alteration, InputDescriptor, InputRequirements},
    },
    df55::plan_properties::Operands,
};

use super::{
    input::{HostInput, describe},
    planned::Planned,
};

/// The plugin writes what the node's only child yields.
#[derive(Debug)]
pub(crate) struct PluginInsertExec {
    planned: Planned,
    input: Arc<dyn ExecutionPlan>,
    described: InputDescriptor,
    distribution: Distribution,
    ordering: Option<OrderingRequirements>,
    benefits_from_partitioning: bool,
}

impl PluginInsertExec {
    /// `described` is what the plugin was told of `input`.
    pub(super) fn new(
        planned: Planned,
        input: Arc<dyn ExecutionPlan>,
        described: InputDescriptor,
    ) -> Result<Self> {
        let origin = &planned.origin;
        // A plan that reads no input asks nothing of it.
        let InputRequirements {
            single_partition,
            hash,
            ordering,
            benefits_from_partitioning,
        } = planned.descriptor.input.clone().unwrap_or_default();
        let schema = input.schema();
        let columns = Operands {
            schema: &schema,
            expressions: &[],
        };
        let distribution = if single_partition {
            Distribution::SinglePartition
        } else if hash.is_empty() {
            Distribution::UnspecifiedDistribution
        } else {
            let hash = columns.all(&hash).map_err(|error| origin.error(error))?;
            Distribution::KeyPartitioned(hash.unwrap_or_default())
        };
        let sorts = columns
            .ordering(&ordering)
            .map_err(|error| origin.error(error))?;
        let ordering = LexRequirement::new(sorts.into_iter().map(PhysicalSortRequirement::from))
            .map(OrderingRequirements::new);
        Ok(Self {
            planned,
            input,
            described,
            distribution,
            ordering,
            benefits_from_partitioning,
        })
    }
}

impl DisplayAs for PluginInsertExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.planned.line("PluginInsertExec"))
    }
}

impl ExecutionPlan for PluginInsertExec {
    fn name(&self) -> &str {
        "PluginInsertExec"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(self.planned.schema())
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.planned.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![self.distribution.clone()])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![self.ordering.clone()]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![self.benefits_from_partitioning]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return internal_err!("a plugin's insert has one child");
        };
        let described = describe(input.equivalence_properties(), input.output_partitioning());
        let alteration = Alteration::Input(described.clone());
        match self.planned.altered(&alteration)? {
            Some(planned) => Ok(Arc::new(Self::new(planned, input, described)?)),
            None => internal_err!("a plugin's insert took no other input"),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let found = self.input.output_partitioning().partition_count();
        if found != self.described.partitions {
            return internal_err!(
                "{found} partitions of input, where {} were planned",
                self.described.partitions
            );
        }
        let input = HostInput::new(&self.planned.origin, &self.input, &context);
        let input = Some(InputObject::new(input));
        self.planned.execute(partition, &context, input)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.planned.metrics())
    }
}
