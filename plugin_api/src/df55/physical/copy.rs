//! Copies of nodes, each proven to be the node.

use std::sync::Arc;

use datafusion_common::{
    Result,
    tree_node::{TreeNode, TreeNodeRecursion},
};
use datafusion_execution::TaskContext;
use datafusion_physical_expr::{
    PhysicalExpr, expressions::DynamicFilterPhysicalExpr, scalar_subquery::ScalarSubqueryExpr,
};
use datafusion_physical_plan::{
    ExecutionPlan,
    aggregates::AggregateExec,
    buffer::BufferExec,
    coalesce_partitions::CoalescePartitionsExec,
    coop::CooperativeExec,
    display::DisplayableExecutionPlan,
    empty::EmptyExec,
    execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions},
    filter::FilterExec,
    joins::{
        CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec, SymmetricHashJoinExec,
    },
    limit::{GlobalLimitExec, LocalLimitExec},
    placeholder_row::PlaceholderRowExec,
    projection::ProjectionExec,
    repartition::RepartitionExec,
    sorts::{sort::SortExec, sort_preserving_merge::SortPreservingMergeExec},
    union::{InterleaveExec, UnionExec},
    unnest::UnnestExec,
    windows::{BoundedWindowAggExec, WindowAggExec},
};
use datafusion_proto::{
    physical_plan::{AsExecutionPlan, PhysicalPlanNodeExt},
    protobuf::PhysicalPlanNode,
};

use super::{
    codec::{NodeCodec, Positions},
    stub::Stub,
};
use crate::df55::expressions::{breach, decoded};

macro_rules! is_one_of {
    ($node:expr, $($type:ty),* $(,)?) => { $($node.is::<$type>())||* };
}

/// Nodes that are nothing but their children, expressions and settings.
#[expect(
    deprecated,
    reason = "plans of older rules still have CoalesceBatchesExec"
)]
fn is_plain(node: &Arc<dyn ExecutionPlan>) -> bool {
    is_one_of!(
        node,
        AggregateExec,
        BoundedWindowAggExec,
        BufferExec,
        datafusion_physical_plan::coalesce_batches::CoalesceBatchesExec,
        CoalescePartitionsExec,
        CooperativeExec,
        CrossJoinExec,
        EmptyExec,
        FilterExec,
        GlobalLimitExec,
        HashJoinExec,
        InterleaveExec,
        LocalLimitExec,
        NestedLoopJoinExec,
        PlaceholderRowExec,
        ProjectionExec,
        RepartitionExec,
        SortExec,
        SortMergeJoinExec,
        SortPreservingMergeExec,
        SymmetricHashJoinExec,
        UnionExec,
        UnnestExec,
        WindowAggExec,
    )
}

/// Whether an expression of the node has state that other nodes see.
fn reads_shared_state(node: &dyn ExecutionPlan) -> Result<bool> {
    let mut shared = false;
    node.apply_expressions(&mut |expr: &Arc<dyn PhysicalExpr>| {
        expr.apply(|expr| {
            shared |= expr.is::<DynamicFilterPhysicalExpr>() || expr.is::<ScalarSubqueryExpr>();
            Ok(match shared {
                true => TreeNodeRecursion::Stop,
                false => TreeNodeRecursion::Continue,
            })
        })
    })?;
    Ok(shared)
}

/// What two nodes are compared by. `Debug` shows all fields of most nodes; what a few of them leave
/// out, their lines in `EXPLAIN` and their limits show.
fn shown(node: &Arc<dyn ExecutionPlan>) -> (String, String, Option<usize>) {
    let line = DisplayableExecutionPlan::new(node.as_ref()).one_line();
    (format!("{node:?}"), line.to_string(), node.fetch())
}

/// The bytes of a node, or nothing when a copy would be another. `makes_state`: dynamic filters that
/// the node makes are nobody else's yet.
pub(super) fn write(
    node: &Arc<dyn ExecutionPlan>,
    makes_state: bool,
    codec: &NodeCodec,
    context: &TaskContext,
) -> Option<Vec<u8>> {
    if !is_plain(node)
        || !makes_state && !node.dynamic_expressions_produced().is_empty()
        || reads_shared_state(node.as_ref()).ok()?
    {
        return None;
    }
    let children = node.children().into_iter().enumerate();
    let children = children.map(|(i, child)| Arc::new(Stub::of(i, child.as_ref())) as _);
    let children: Vec<Arc<dyn ExecutionPlan>> = children.collect();
    let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    let alone = Arc::clone(node)
        .replace_children(children.clone(), keep)
        .ok()?;
    let positions = Positions(&children);
    let written = PhysicalPlanNode::try_from_physical_plan_with_converter(
        Arc::clone(&alone),
        codec,
        &positions,
    );
    let mut bytes = Vec::new();
    written.ok()?.try_encode(&mut bytes).ok()?;
    let copy = read(&bytes, &children, codec, context).ok()?;
    (shown(&copy) == shown(&alone)).then_some(bytes)
}

/// The node of these bytes above `children`.
pub(super) fn read(
    bytes: &[u8],
    children: &[Arc<dyn ExecutionPlan>],
    codec: &NodeCodec,
    context: &TaskContext,
) -> Result<Arc<dyn ExecutionPlan>> {
    let node = PhysicalPlanNode::try_decode(bytes)
        .map_err(|error| breach(format!("a physical node: {error}")))?;
    decoded(|| node.try_into_physical_plan_with_converter(context, codec, &Positions(children)))
}
