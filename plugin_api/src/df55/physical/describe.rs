//! What is said of a node that stays on the host.

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_physical_expr::{Distribution, LexOrdering, LexRequirement, OrderingRequirements};
use datafusion_physical_plan::{ExecutionPlan, execution_plan::CardinalityEffect};

use crate::{
    abi::{
        CallError, Parcel,
        message::{Cardinality, InputRequirements, NodeDescriptor},
    },
    df55::{
        parcel::ParcelBuilder,
        plan_properties::{
            ColumnsOnly, Operands, operands, properties_to_message, requirement_to_message,
        },
    },
};

/// The description of a node, with its schema as types.
pub(super) fn describe(node: &Arc<dyn ExecutionPlan>) -> Result<Parcel, CallError> {
    let mut parcel = ParcelBuilder::new();
    let rows = properties_to_message(node.as_ref(), &mut parcel, &mut ColumnsOnly)?;
    parcel.schema(&node.schema()).finish(&NodeDescriptor {
        name: node.name().to_owned(),
        rows,
        inputs: requirements(node.as_ref()),
        keeps_order: node.maintains_input_order(),
        limit_pushdown: node.supports_limit_pushdown(),
        cardinality: match node.cardinality_effect() {
            CardinalityEffect::Unknown => Cardinality::Unknown,
            CardinalityEffect::Equal => Cardinality::Equal,
            CardinalityEffect::LowerEqual => Cardinality::LowerEqual,
            CardinalityEffect::GreaterEqual => Cardinality::GreaterEqual,
        },
    })
}

fn requirements(node: &dyn ExecutionPlan) -> Vec<InputRequirements> {
    let distributions = node.input_distribution_requirements();
    let orderings = node.required_input_ordering();
    let benefits = node.benefits_from_input_partitioning();
    let each = (0..node.children().len()).map(|i| {
        let mut input = InputRequirements {
            benefits_from_partitioning: benefits.get(i).copied().unwrap_or_default(),
            ..InputRequirements::default()
        };
        match distributions.child_distribution(i) {
            Some(Distribution::SinglePartition) => input.single_partition = true,
            Some(Distribution::KeyPartitioned(exprs)) => {
                // A single partition meets what cannot be said.
                match operands(exprs, &mut ColumnsOnly) {
                    Some(operands) => input.hash = operands,
                    None => input.single_partition = true,
                }
            }
            _ => {}
        }
        if let Some(Some(OrderingRequirements::Hard(alternatives))) = orderings.get(i) {
            let said = alternatives
                .first()
                .and_then(|ordering| requirement_to_message(ordering, &mut ColumnsOnly));
            input.ordering = said.unwrap_or_default();
        }
        input
    });
    each.collect()
}

/// What the node asks of each child's partitions.
///
/// # Errors
/// A contract error for a column that a child does not have.
pub(super) fn distributions(
    inputs: &[InputRequirements],
    children: &[Arc<dyn ExecutionPlan>],
) -> Result<Vec<Distribution>, CallError> {
    let each = children.iter().enumerate().map(|(i, child)| {
        let Some(input) = inputs.get(i) else {
            return Ok(Distribution::UnspecifiedDistribution);
        };
        if input.single_partition {
            return Ok(Distribution::SinglePartition);
        }
        let schema = child.schema();
        let known = Operands {
            schema: &schema,
            expressions: &[],
        };
        Ok(match known.all(&input.hash)? {
            Some(exprs) if !exprs.is_empty() => Distribution::KeyPartitioned(exprs),
            _ => Distribution::UnspecifiedDistribution,
        })
    });
    each.collect()
}

/// What the node asks of each child's order.
///
/// # Errors
/// A contract error for a column that a child does not have.
pub(super) fn orderings(
    inputs: &[InputRequirements],
    children: &[Arc<dyn ExecutionPlan>],
) -> Result<Vec<Option<OrderingRequirements>>, CallError> {
    let each = children.iter().enumerate().map(|(i, child)| {
        let Some(input) = inputs.get(i) else {
            return Ok(None);
        };
        let schema = child.schema();
        let known = Operands {
            schema: &schema,
            expressions: &[],
        };
        let ordering = LexOrdering::new(known.ordering(&input.ordering)?);
        let requirement = ordering.map(LexRequirement::from);
        Ok(requirement.map(OrderingRequirements::new))
    });
    each.collect()
}
