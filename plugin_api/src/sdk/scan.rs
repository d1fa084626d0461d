//! A plan of the author's behind the contract: a scan, or a write that yields a count.

use std::sync::Arc;

use abi_stable::std_types::ROption;
use datafusion_common::{
    Result, not_impl_err,
    tree_node::{Transformed, TransformedResult, TreeNode},
};
use datafusion_execution::TaskContext;
use datafusion_physical_expr::{
    Distribution, LexOrdering, expressions::Column, projection::ProjectionExpr,
};
use datafusion_physical_plan::{
    ExecutionPlan, ExecutionPlanProperties,
    coalesce_partitions::CoalescePartitionsExec,
    execution_plan::replace_children_if_necessary,
    projection::ProjectionExec,
    sorts::sort_preserving_merge::SortPreservingMergeExec,
    statistics::{StatisticsArgs, StatisticsContext},
};

use super::{
    functions::Functions,
    input::{HostInput, HostInputExec},
    memory::HostMemory,
    runtime::{self, Inside},
    stream::Streaming,
};
use crate::{
    abi::{
        BatchStreamObject, CallError, InputObject, MemoryPoolObject, Parcel, Scan, ScanObject,
        message::{Alteration, InputDescriptor, InputRequirements, ScanMetrics, TableStatistics},
    },
    df55::{
        error::df,
        metrics::metrics_to_messages,
        parcel::ParcelBuilder,
        plan_properties::{ColumnsOnly, operands, properties_to_message, requirement_to_message},
        statistics::statistics_to_message,
    },
};

pub(super) struct ScanExport {
    name: String,
    plan: Inside<Arc<dyn ExecutionPlan>>,
    context: Arc<TaskContext>,
    functions: Arc<Functions>,
}

impl ScanExport {
    /// The author's plan, ready to run: no optimizer comes after it.
    pub(super) fn new(
        name: &str,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        functions: &Arc<Functions>,
    ) -> Result<Self, CallError> {
        let plan = df(single_partitions(plan))?;
        Ok(Self {
            name: name.to_owned(),
            plan: Inside::new(plan),
            context,
            functions: Arc::clone(functions),
        })
    }

    fn altered(&self, plan: Arc<dyn ExecutionPlan>) -> Result<ROption<ScanObject>, CallError> {
        let scan = Self::new(&self.name, plan, Arc::clone(&self.context), &self.functions)?;
        Ok(ROption::RSome(ScanObject::new(scan)))
    }

    /// The task of one execution: the host's memory, and its input where there is one.
    fn task(&self, memory: MemoryPoolObject, input: Option<InputObject>) -> Arc<TaskContext> {
        let mut runtime = self.context.runtime_env().as_ref().clone();
        runtime.memory_pool = Arc::new(HostMemory::new(memory));
        let mut config = self.context.session_config().clone();
        if let Some(input) = input {
            config.set_extension(Arc::new(HostInput(input)));
        }
        let context = self.context.as_ref();
        Arc::new(TaskContext::new(
            context.task_id(),
            context.session_id(),
            config,
            context.scalar_functions().clone(),
            context.higher_order_functions().clone(),
            context.aggregate_functions().clone(),
            context.window_functions().clone(),
            Arc::new(runtime),
        ))
    }
}

impl Scan for ScanExport {
    fn item(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        let plan = self.plan.get()?;
        let schema = plan.schema();
        let mut parcel = ParcelBuilder::new();
        let (descriptor, blob) =
            self.functions
                .write_physical(&schema, &self.context, |writer| {
                    let mut descriptor = properties_to_message(plan.as_ref(), &mut parcel, writer)?;
                    descriptor.input = df(requirements(plan))?;
                    Ok(descriptor)
                })?;
        parcel.schema(&schema).blob(blob).finish(&descriptor)
    }

    fn statistics(&self, partition: ROption<usize>) -> Result<Parcel, CallError> {
        let _entered = runtime::enter()?;
        let plan = self.plan.get()?;
        let args = StatisticsArgs::new().with_partition(partition.into());
        let statistics = df(StatisticsContext::new().compute(plan.as_ref(), &args))?;
        let mut parcel = ParcelBuilder::new();
        let message: TableStatistics = statistics_to_message(&statistics, &mut parcel)?;
        parcel.finish(&message)
    }

    fn alter(&self, request: Parcel) -> Result<ROption<ScanObject>, CallError> {
        let _entered = runtime::enter()?;
        let plan = self.plan.get()?;
        let altered = match request.message::<Alteration>()? {
            Alteration::Fetch(limit) => plan.with_fetch(limit),
            Alteration::Repartition(target) => {
                df(plan.repartitioned(target, self.context.session_config().options()))?
            }
            Alteration::Project(columns) => df(projected(plan, columns))?,
            Alteration::Input(input) => Some(with_input(plan, &input)?),
        };
        altered.map_or(Ok(ROption::RNone), |plan| self.altered(plan))
    }

    fn execute(
        &self,
        partition: usize,
        memory: MemoryPoolObject,
        input: ROption<InputObject>,
    ) -> Result<BatchStreamObject, CallError> {
        let _entered = runtime::enter()?;
        let plan = self.plan.get()?;
        let stream = df(plan.execute(partition, self.task(memory, input.into())))?;
        let stream = Streaming::new(&self.name, plan.schema(), stream);
        Ok(BatchStreamObject::new(stream))
    }

    fn metrics(&self) -> Result<Parcel, CallError> {
        Parcel::of(&ScanMetrics {
            metrics: metrics_to_messages(self.plan.get()?),
        })
    }
}

/// Puts partitions together where a node asks for one. DataFusion's optimizer would do so, but it
/// sees no further than the plan's root.
fn single_partitions(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let required = node.input_distribution_requirements();
        let mut changed = false;
        let children = node.children().into_iter().enumerate().map(|(i, child)| {
            let single = matches!(
                required.child_distribution(i),
                Some(Distribution::SinglePartition)
            );
            let spread = child.output_partitioning().partition_count() > 1;
            // The host sees to the order and the partitions of its input.
            if !single || !spread || child.is::<HostInputExec>() {
                return Arc::clone(child);
            }
            changed = true;
            let ordering: Option<LexOrdering> = child.output_ordering().cloned();
            match ordering {
                Some(ordering) => {
                    Arc::new(SortPreservingMergeExec::new(ordering, Arc::clone(child))) as _
                }
                None => Arc::new(CoalescePartitionsExec::new(Arc::clone(child))) as _,
            }
        });
        let children = children.collect();
        if changed {
            Ok(Transformed::yes(replace_children_if_necessary(
                node, children,
            )?))
        } else {
            Ok(Transformed::no(node))
        }
    })
    .data()
}

/// What the node above the host's input asks of it; nothing when the plan has no such leaf.
fn requirements(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<InputRequirements>> {
    if plan.is::<HostInputExec>() {
        return Ok(Some(InputRequirements::default()));
    }
    for (i, child) in plan.children().into_iter().enumerate() {
        if !child.is::<HostInputExec>() {
            if let Some(found) = requirements(child)? {
                return Ok(Some(found));
            }
            continue;
        }
        let required = plan.input_distribution_requirements();
        let mut requirements = InputRequirements {
            benefits_from_partitioning: plan
                .benefits_from_input_partitioning()
                .get(i)
                .copied()
                .unwrap_or_default(),
            ..InputRequirements::default()
        };
        match required.child_distribution(i) {
            Some(Distribution::SinglePartition) => requirements.single_partition = true,
            Some(Distribution::KeyPartitioned(exprs)) => {
                // A hash of anything else is a single partition's.
                match operands(exprs, &mut ColumnsOnly) {
                    Some(operands) => requirements.hash = operands,
                    None => requirements.single_partition = true,
                }
            }
            _ => {}
        }
        if let Some(Some(ordering)) = plan.required_input_ordering().into_iter().nth(i) {
            let Some(ordering) = requirement_to_message(ordering.first(), &mut ColumnsOnly) else {
                return not_impl_err!("a write that asks for rows in the order {ordering:?}");
            };
            requirements.ordering = ordering;
        }
        return Ok(Some(requirements));
    }
    Ok(None)
}

fn with_input(
    plan: &Arc<dyn ExecutionPlan>,
    input: &InputDescriptor,
) -> Result<Arc<dyn ExecutionPlan>, CallError> {
    let replaced = Arc::clone(plan).transform_up(|node| {
        if !node.is::<HostInputExec>() {
            return Ok(Transformed::no(node));
        }
        let leaf = HostInputExec::new(node.schema(), input)
            .map_err(crate::df55::error::from_call_error)?;
        Ok(Transformed::yes(Arc::new(leaf) as Arc<dyn ExecutionPlan>))
    });
    df(replaced.data())
}

fn projected(
    plan: &Arc<dyn ExecutionPlan>,
    columns: Vec<(usize, String)>,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema = plan.schema();
    let exprs = columns.into_iter().map(|(position, alias)| {
        let name = schema
            .fields()
            .get(position)
            .map_or("", |field| field.name().as_str());
        ProjectionExpr::new(Arc::new(Column::new(name, position)), alias)
    });
    let projection = ProjectionExec::try_new(exprs.collect::<Vec<_>>(), Arc::clone(plan))?;
    plan.try_swapping_with_projection(&projection)
}
