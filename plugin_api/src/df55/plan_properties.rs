//! What a planned scan promises of its rows: partitions, orders, keys, constant and equal columns.
//!
//! Columns cross by position. What DataFusion knows of expressions over several columns (an order
//! by `a + b`, a hash of `lower(c)`) does not cross: an order ends before such an expression, and
//! such a partitioning is an unknown one.

use std::sync::Arc;

use arrow::{compute::SortOptions, datatypes::SchemaRef};
use datafusion_common::{Constraint, Constraints};
use datafusion_physical_expr::{
    AcrossPartitions, ConstExpr, EquivalenceProperties, LexOrdering, LexRequirement, Partitioning,
    PhysicalExpr, PhysicalSortExpr, PhysicalSortRequirement, expressions::Column,
};
use datafusion_physical_plan::{
    ExecutionPlan, PlanProperties,
    execution_plan::{Boundedness, EmissionType, SchedulingType},
};

use super::parcel::{ParcelBuilder, ParcelContent};
use crate::abi::{
    CallError,
    message::{
        self, Constant, Emission, Partitioning as Spread, ScanDescriptor, SortColumn, SortDirection,
    },
};

/// What a plan promises, as a message; values are added to `parcel`.
///
/// # Errors
/// When a constant has no array form.
pub fn properties_to_message(
    plan: &dyn ExecutionPlan,
    parcel: &mut ParcelBuilder,
) -> Result<ScanDescriptor, CallError> {
    let properties = plan.properties();
    let eq = &properties.eq_properties;
    let constants = eq
        .constants()
        .iter()
        .filter_map(|constant| Some((position(&constant.expr)?, &constant.across_partitions)))
        .map(|(column, across)| {
            let value = match across {
                AcrossPartitions::Uniform(Some(value)) => Some(parcel.value(value)?),
                _ => None,
            };
            Ok(Constant {
                column,
                uniform: matches!(across, AcrossPartitions::Uniform(_)),
                value,
            })
        })
        .collect::<Result<_, CallError>>()?;
    let equal = eq.eq_group().iter().map(|class| {
        let columns = class.iter().filter_map(position);
        columns.collect::<Vec<_>>()
    });
    Ok(ScanDescriptor {
        partitions: properties.partitioning.partition_count(),
        partitioning: match &properties.partitioning {
            Partitioning::RoundRobinBatch(_) => Spread::RoundRobin,
            Partitioning::Hash(exprs, _) => exprs
                .iter()
                .map(position)
                .collect::<Option<_>>()
                .map_or(Spread::Unknown, Spread::Hash),
            _ => Spread::Unknown,
        },
        unbounded: properties.boundedness.is_unbounded(),
        infinite_memory: matches!(
            properties.boundedness,
            Boundedness::Unbounded {
                requires_infinite_memory: true
            }
        ),
        emission: match properties.emission_type {
            EmissionType::Incremental => Emission::Incremental,
            EmissionType::Final => Emission::Final,
            EmissionType::Both => Emission::Both,
        },
        cooperative: properties.scheduling_type == SchedulingType::Cooperative,
        orderings: orderings_to_message(eq),
        equal: equal.filter(|columns| columns.len() > 1).collect(),
        constants,
        constraints: constraints_to_message(eq.constraints()),
        fetch: plan.fetch(),
        input: None,
        display: String::new(),
    })
}

/// The orders that rows have, as far as they are of columns.
pub fn orderings_to_message(eq: &EquivalenceProperties) -> Vec<Vec<SortColumn>> {
    let orderings = eq.oeq_class().iter().map(|ordering| {
        let columns = ordering.iter().map_while(|sort| {
            position(&sort.expr).map(|column| SortColumn {
                column,
                direction: direction(sort.options),
            })
        });
        columns.collect::<Vec<_>>()
    });
    orderings.filter(|columns| !columns.is_empty()).collect()
}

/// What a scan of `schema` promises.
///
/// # Errors
/// A contract error for a column or value that is not there.
pub fn properties_from_message<M>(
    descriptor: &ScanDescriptor,
    content: &ParcelContent<M>,
    schema: SchemaRef,
) -> Result<PlanProperties, CallError> {
    let mut eq = EquivalenceProperties::new(Arc::clone(&schema));
    for columns in &descriptor.equal {
        let columns = columns_of(columns, &schema)?;
        for pair in columns.windows(2) {
            eq.add_equal_conditions(Arc::clone(&pair[0]), Arc::clone(&pair[1]))
                .map_err(|error| super::error::to_call_error(&error))?;
        }
    }
    let mut constants = Vec::with_capacity(descriptor.constants.len());
    for constant in &descriptor.constants {
        let across = match (constant.uniform, constant.value) {
            (false, _) => AcrossPartitions::Heterogeneous,
            (true, None) => AcrossPartitions::Uniform(None),
            (true, Some(value)) => AcrossPartitions::Uniform(Some(content.value(value)?.clone())),
        };
        constants.push(ConstExpr::new(column(constant.column, &schema)?, across));
    }
    eq.add_constants(constants)
        .map_err(|error| super::error::to_call_error(&error))?;
    for ordering in &descriptor.orderings {
        eq.add_ordering(sort_exprs(ordering, &schema)?);
    }
    let constraints = constraints_from_message(&descriptor.constraints, &schema)?;
    let eq = eq.with_constraints(constraints);
    let count = descriptor.partitions;
    let partitioning = match &descriptor.partitioning {
        Spread::RoundRobin => Partitioning::RoundRobinBatch(count),
        Spread::Hash(columns) => Partitioning::Hash(columns_of(columns, &schema)?, count),
        _ => Partitioning::UnknownPartitioning(count),
    };
    let boundedness = if descriptor.unbounded {
        Boundedness::Unbounded {
            requires_infinite_memory: descriptor.infinite_memory,
        }
    } else {
        Boundedness::Bounded
    };
    let emission = match descriptor.emission {
        Emission::Final => EmissionType::Final,
        Emission::Both => EmissionType::Both,
        _ => EmissionType::Incremental,
    };
    let scheduling = if descriptor.cooperative {
        SchedulingType::Cooperative
    } else {
        SchedulingType::NonCooperative
    };
    Ok(PlanProperties::new(eq, partitioning, emission, boundedness)
        .with_scheduling_type(scheduling))
}

/// An order as DataFusion asks for it; none when it has no columns.
///
/// # Errors
/// A contract error for a column that is not there.
pub fn requirement_from_message(
    ordering: &[SortColumn],
    schema: &SchemaRef,
) -> Result<Option<LexRequirement>, CallError> {
    let sorts = sort_exprs(ordering, schema)?;
    Ok(LexRequirement::new(
        sorts.into_iter().map(PhysicalSortRequirement::from),
    ))
}

/// An order as DataFusion promises it.
///
/// # Errors
/// A contract error for a column that is not there.
pub fn sort_exprs(
    ordering: &[SortColumn],
    schema: &SchemaRef,
) -> Result<Vec<PhysicalSortExpr>, CallError> {
    let sort = |sort: &SortColumn| {
        let options = SortOptions {
            descending: sort.direction.descending,
            nulls_first: sort.direction.nulls_first,
        };
        Ok(PhysicalSortExpr::new(column(sort.column, schema)?, options))
    };
    ordering.iter().map(sort).collect()
}

/// A required order as a message, as far as it is of columns.
pub fn requirement_to_message(requirement: &LexRequirement) -> Vec<SortColumn> {
    let order: LexOrdering = requirement.clone().into();
    let column = |sort: &PhysicalSortExpr| {
        Some(SortColumn {
            column: position(&sort.expr)?,
            direction: direction(sort.options),
        })
    };
    order.iter().map_while(column).collect()
}

/// Keys as messages.
pub fn constraints_to_message(constraints: &Constraints) -> Vec<message::Constraint> {
    let constraint = |constraint: &Constraint| match constraint {
        Constraint::PrimaryKey(columns) => message::Constraint::PrimaryKey(columns.clone()),
        Constraint::Unique(columns) => message::Constraint::Unique(columns.clone()),
    };
    constraints.iter().map(constraint).collect()
}

/// Keys of messages. A key of a later contract minor is passed over.
///
/// # Errors
/// A contract error for a column that is not there.
pub fn constraints_from_message(
    constraints: &[message::Constraint],
    schema: &SchemaRef,
) -> Result<Constraints, CallError> {
    let mut read = Vec::with_capacity(constraints.len());
    for constraint in constraints {
        let (columns, key): (_, fn(_) -> _) = match constraint {
            message::Constraint::PrimaryKey(columns) => (columns, Constraint::PrimaryKey),
            message::Constraint::Unique(columns) => (columns, Constraint::Unique),
        };
        columns_of(columns, schema)?;
        read.push(key(columns.clone()));
    }
    Ok(Constraints::new_unverified(read))
}

/// The columns at these positions.
///
/// # Errors
/// A contract error for a column that is not there.
pub fn columns_of(
    positions: &[usize],
    schema: &SchemaRef,
) -> Result<Vec<Arc<dyn PhysicalExpr>>, CallError> {
    positions
        .iter()
        .map(|position| column(*position, schema))
        .collect()
}

/// The positions of columns; nothing when one of them is no column.
pub fn positions(exprs: &[Arc<dyn PhysicalExpr>]) -> Option<Vec<usize>> {
    exprs.iter().map(position).collect()
}

fn column(position: usize, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>, CallError> {
    let field = schema.fields().get(position).ok_or_else(|| {
        CallError::contract(format!("column {position} of {}", schema.fields().len()))
    })?;
    Ok(Arc::new(Column::new(field.name(), position)))
}

fn position(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    expr.downcast_ref::<Column>().map(Column::index)
}

fn direction(options: SortOptions) -> SortDirection {
    SortDirection {
        descending: options.descending,
        nulls_first: options.nulls_first,
    }
}
