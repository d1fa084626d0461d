//! A node that the host holds, as the plugin has it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use datafusion_common::{
    Result, Statistics, config::ConfigOptions, not_impl_err, tree_node::TreeNodeRecursion,
};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{Distribution, OrderingRequirements, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, PlanProperties,
    execution_plan::CardinalityEffect, statistics::StatisticsArgs,
};

use super::{
    describe,
    plugin::{OfCall, PluginPhysical},
};
use crate::{
    abi::message::{Cardinality, NodeDescriptor, NodeReply, PhysicalQuestion, TableStatistics},
    df55::{
        error::from_call_error,
        parcel::ParcelContent,
        plan_properties::{Operands, properties_from_message},
        statistics::statistics_from_message,
    },
};

/// Knows what planning asks. The host makes what an altered one is, and runs it.
pub(super) struct HeldExec {
    pub(super) call: OfCall,
    pub(super) number: u64,
    described: NodeDescriptor,
    properties: Arc<PlanProperties>,
    distributions: Vec<Distribution>,
    orderings: Vec<Option<OrderingRequirements>>,
    children: Vec<Arc<dyn ExecutionPlan>>,
    statistics: OnceLock<Arc<Statistics>>,
}

impl HeldExec {
    pub(super) fn new(
        plans: &PluginPhysical,
        number: u64,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Self> {
        let content: ParcelContent<NodeDescriptor> =
            plans.ask(&PhysicalQuestion::Describe(number))?;
        let schema = content.schema();
        let known = Operands {
            schema: &schema,
            expressions: &[],
        };
        let properties = properties_from_message(&content.message.rows, &content, known)
            .map_err(from_call_error)?;
        let described = content.message;
        let inputs = &described.inputs;
        Ok(Self {
            call: plans.call(),
            number,
            properties: Arc::new(properties),
            distributions: describe::distributions(inputs, &children).map_err(from_call_error)?,
            orderings: describe::orderings(inputs, &children).map_err(from_call_error)?,
            described,
            children,
            statistics: OnceLock::new(),
        })
    }

    fn plans(&self) -> Result<PluginPhysical> {
        self.call.plans(self.name())
    }

    /// The stand-in for a node that the host made of this one.
    fn made(
        &self,
        reply: &NodeReply,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let made = reply.node.map(|number| -> Result<Arc<dyn ExecutionPlan>> {
            Ok(Arc::new(Self::new(&self.plans()?, number, children)?))
        });
        made.transpose()
    }

    fn altered(&self, question: &PhysicalQuestion) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let reply: ParcelContent<NodeReply> = self.plans()?.ask(question)?;
        self.made(&reply.message, self.children.clone())
    }

    fn ask_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let question = PhysicalQuestion::Statistics(self.number, partition);
        let content: ParcelContent<TableStatistics> = self.plans()?.ask(&question)?;
        let statistics = statistics_from_message(&content.message, &content);
        statistics.map(Arc::new).map_err(from_call_error)
    }
}

impl fmt::Debug for HeldExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(&self.described.name)
            .field("held", &self.described.rows.display)
            .field("children", &self.children)
            .finish()
    }
}

impl DisplayAs for HeldExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.described.rows.display)
    }
}

impl ExecutionPlan for HeldExec {
    fn name(&self) -> &str {
        &self.described.name
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(self.distributions.clone())
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.orderings.clone()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        let mut keeps = self.described.keeps_order.clone();
        keeps.resize(self.children.len(), false);
        keeps
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        let inputs = self.described.inputs.iter();
        let mut benefits: Vec<_> = inputs.map(|i| i.benefits_from_partitioning).collect();
        benefits.resize(self.children.len(), false);
        benefits
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.children.iter().collect()
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
        let same = children.len() == self.children.len()
            && children
                .iter()
                .zip(&self.children)
                .all(|(new, own)| Arc::ptr_eq(new, own));
        if same {
            return Ok(self);
        }
        let reply = self.plans()?.replace(self.number, &children)?;
        match self.made(&reply, children)? {
            Some(made) => Ok(made),
            None => not_impl_err!("'{}' with other children", self.name()),
        }
    }

    fn repartitioned(
        &self,
        target: usize,
        _: &ConfigOptions,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        self.altered(&PhysicalQuestion::Repartition(self.number, target))
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        not_impl_err!(
            "'{}' is a node of the host: it can be planned here, not run",
            self.name()
        )
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        if args.partition().is_some() {
            return self.ask_statistics(args.partition());
        }
        if let Some(known) = self.statistics.get() {
            return Ok(Arc::clone(known));
        }
        let statistics = self.ask_statistics(None)?;
        Ok(Arc::clone(self.statistics.get_or_init(|| statistics)))
    }

    fn supports_limit_pushdown(&self) -> bool {
        self.described.limit_pushdown
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        // No error can be returned here; the limit stays above the node then.
        self.altered(&PhysicalQuestion::Fetch(self.number, limit))
            .unwrap_or_else(|error| {
                tracing::warn!(node = self.name(), %error, "a limit did not cross");
                None
            })
    }

    fn fetch(&self) -> Option<usize> {
        self.described.rows.fetch
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        match self.described.cardinality {
            Cardinality::Equal => CardinalityEffect::Equal,
            Cardinality::LowerEqual => CardinalityEffect::LowerEqual,
            Cardinality::GreaterEqual => CardinalityEffect::GreaterEqual,
            _ => CardinalityEffect::Unknown,
        }
    }
}
