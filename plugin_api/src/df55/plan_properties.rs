//! What a planned scan promises of its rows: partitions, orders, keys, constant and equal columns.
//!
//! Columns cross by position, and expressions over them (an order by `a + b`, a hash of `lower(c)`)
//! as protobuf. Where an expression cannot cross, an order ends before it, and a partitioning by it is
//! an unknown one.

use std::sync::Arc;

use arrow::{compute::SortOptions, datatypes::SchemaRef};
use datafusion_common::{Constraint, Constraints};
use datafusion_physical_expr::{
    AcrossPartitions, ConstExpr, EquivalenceProperties, LexOrdering, LexRequirement, Partitioning,
    PhysicalExpr, PhysicalSortExpr, expressions::Column,
};
use datafusion_physical_plan::{
    ExecutionPlan, PlanProperties,
    display::DisplayableExecutionPlan,
    execution_plan::{Boundedness, EmissionType, SchedulingType},
};

use super::parcel::{ParcelBuilder, ParcelContent};
use crate::abi::{
    CallError,
    message::{
        self, Constant, Emission, Operand, Partitioning as Spread, ScanDescriptor, SortDirection,
        SortKey,
    },
};

/// The most partitions of a scan: DataFusion makes tasks and channels for each.
const MAX_PARTITIONS: usize = 1 << 16;

/// Takes in the expressions that are no columns.
pub trait ExpressionWriter {
    /// The position of `expr` among the expressions; nothing when it cannot cross.
    fn write(&mut self, expr: &Arc<dyn PhysicalExpr>) -> Option<usize>;
}

/// No expression crosses, only columns.
#[derive(Debug, Clone, Copy, Default)]
pub struct ColumnsOnly;

impl ExpressionWriter for ColumnsOnly {
    fn write(&mut self, _: &Arc<dyn PhysicalExpr>) -> Option<usize> {
        None
    }
}

/// The columns and expressions that a message speaks of.
#[derive(Debug, Clone, Copy)]
pub struct Operands<'a> {
    /// The columns.
    pub schema: &'a SchemaRef,
    /// The expressions; nothing stands for one that is not understood here.
    pub expressions: &'a [Option<Arc<dyn PhysicalExpr>>],
}

impl Operands<'_> {
    /// # Errors
    /// A contract error for what is not there.
    fn get(&self, operand: Operand) -> Result<Option<Arc<dyn PhysicalExpr>>, CallError> {
        match operand {
            Operand::Column(position) => {
                let fields = self.schema.fields();
                let field = fields.get(position).ok_or_else(|| {
                    CallError::contract(format!("column {position} of {}", fields.len()))
                })?;
                Ok(Some(Arc::new(Column::new(field.name(), position))))
            }
            Operand::Expression(position) => {
                let count = self.expressions.len();
                self.expressions
                    .get(position)
                    .cloned()
                    .ok_or_else(|| CallError::contract(format!("expression {position} of {count}")))
            }
        }
    }

    /// All of them; nothing when one is not understood.
    ///
    /// # Errors
    /// A contract error for what is not there.
    pub fn all(
        &self,
        operands: &[Operand],
    ) -> Result<Option<Vec<Arc<dyn PhysicalExpr>>>, CallError> {
        operands.iter().map(|operand| self.get(*operand)).collect()
    }

    /// An order, as far as it is understood.
    ///
    /// # Errors
    /// A contract error for what is not there.
    pub fn ordering(&self, ordering: &[SortKey]) -> Result<Vec<PhysicalSortExpr>, CallError> {
        let mut sorts = Vec::with_capacity(ordering.len());
        for key in ordering {
            let Some(expr) = self.get(key.operand)? else {
                break;
            };
            let options = SortOptions {
                descending: key.direction.descending,
                nulls_first: key.direction.nulls_first,
            };
            sorts.push(PhysicalSortExpr::new(expr, options));
        }
        Ok(sorts)
    }
}

/// What a plan promises, as a message; values are added to `parcel`.
///
/// # Errors
/// When a constant has no array form.
pub fn properties_to_message(
    plan: &dyn ExecutionPlan,
    parcel: &mut ParcelBuilder,
    writer: &mut dyn ExpressionWriter,
) -> Result<ScanDescriptor, CallError> {
    let properties = plan.properties();
    let eq = &properties.eq_properties;
    let mut constants = Vec::new();
    for constant in eq.constants() {
        let Some(operand) = operand(&constant.expr, writer) else {
            continue;
        };
        let value = match &constant.across_partitions {
            AcrossPartitions::Uniform(Some(value)) => Some(parcel.value(value)?),
            _ => None,
        };
        constants.push(Constant {
            operand,
            uniform: matches!(constant.across_partitions, AcrossPartitions::Uniform(_)),
            value,
        });
    }
    let equal = eq.eq_group().iter().map(|class| {
        let same = class.iter().filter_map(|expr| operand(expr, writer));
        same.collect::<Vec<_>>()
    });
    let equal = equal.filter(|same| same.len() > 1).collect();
    let line = DisplayableExecutionPlan::new(plan).one_line();
    Ok(ScanDescriptor {
        partitions: properties.partitioning.partition_count(),
        partitioning: match &properties.partitioning {
            Partitioning::RoundRobinBatch(_) => Spread::RoundRobin,
            Partitioning::Hash(exprs, _) => {
                operands(exprs, writer).map_or(Spread::Unknown, Spread::Hash)
            }
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
        orderings: orderings_to_message(eq, writer),
        equal,
        constants,
        constraints: constraints_to_message(eq.constraints()),
        fetch: plan.fetch(),
        functions: Vec::new(),
        input: None,
        display: line.to_string().trim_end().to_owned(),
    })
}

/// The orders that rows have, as far as they can cross.
pub fn orderings_to_message(
    eq: &EquivalenceProperties,
    writer: &mut dyn ExpressionWriter,
) -> Vec<Vec<SortKey>> {
    let orderings = eq.oeq_class().iter();
    orderings
        .map(|ordering| {
            let keys = ordering.iter().map_while(|sort| sort_key(sort, writer));
            keys.collect::<Vec<_>>()
        })
        .filter(|keys| !keys.is_empty())
        .collect()
}

/// What a scan promises.
///
/// # Errors
/// A contract error for a column, expression or value that is not there.
pub fn properties_from_message<M>(
    descriptor: &ScanDescriptor,
    content: &ParcelContent<M>,
    known: Operands<'_>,
) -> Result<PlanProperties, CallError> {
    let schema = known.schema;
    let mut eq = EquivalenceProperties::new(Arc::clone(schema));
    for same in &descriptor.equal {
        let same = same.iter().map(|operand| known.get(*operand));
        let same: Vec<_> = same.collect::<Result<_, _>>()?;
        let same: Vec<_> = same.into_iter().flatten().collect();
        for pair in same.windows(2) {
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
        if let Some(expr) = known.get(constant.operand)? {
            constants.push(ConstExpr::new(expr, across));
        }
    }
    eq.add_constants(constants)
        .map_err(|error| super::error::to_call_error(&error))?;
    for ordering in &descriptor.orderings {
        eq.add_ordering(known.ordering(ordering)?);
    }
    let constraints = constraints_from_message(&descriptor.constraints, schema)?;
    let eq = eq.with_constraints(constraints);
    let count = descriptor.partitions;
    if count > MAX_PARTITIONS {
        return Err(CallError::contract(format!(
            "{count} partitions, at most {MAX_PARTITIONS} are taken"
        )));
    }
    let partitioning = match &descriptor.partitioning {
        Spread::RoundRobin => Partitioning::RoundRobinBatch(count),
        Spread::Hash(operands) => match known.all(operands)? {
            Some(exprs) => Partitioning::Hash(exprs, count),
            None => Partitioning::UnknownPartitioning(count),
        },
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

/// A required order as a message; nothing when it cannot cross.
pub fn requirement_to_message(
    requirement: &LexRequirement,
    writer: &mut dyn ExpressionWriter,
) -> Option<Vec<SortKey>> {
    let order: LexOrdering = requirement.clone().into();
    order.iter().map(|sort| sort_key(sort, writer)).collect()
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
    let count = schema.fields().len();
    let mut read = Vec::with_capacity(constraints.len());
    for constraint in constraints {
        let (columns, key): (_, fn(_) -> _) = match constraint {
            message::Constraint::PrimaryKey(columns) => (columns, Constraint::PrimaryKey),
            message::Constraint::Unique(columns) => (columns, Constraint::Unique),
        };
        if let Some(column) = columns.iter().find(|column| **column >= count) {
            return Err(CallError::contract(format!("column {column} of {count}")));
        }
        read.push(key(columns.clone()));
    }
    Ok(Constraints::new_unverified(read))
}

/// Columns and expressions as a message; nothing when one cannot cross.
pub fn operands(
    exprs: &[Arc<dyn PhysicalExpr>],
    writer: &mut dyn ExpressionWriter,
) -> Option<Vec<Operand>> {
    exprs.iter().map(|expr| operand(expr, writer)).collect()
}

fn operand(expr: &Arc<dyn PhysicalExpr>, writer: &mut dyn ExpressionWriter) -> Option<Operand> {
    match expr.downcast_ref::<Column>() {
        Some(column) => Some(Operand::Column(column.index())),
        None => writer.write(expr).map(Operand::Expression),
    }
}

fn sort_key(sort: &PhysicalSortExpr, writer: &mut dyn ExpressionWriter) -> Option<SortKey> {
    Some(SortKey {
        operand: operand(&sort.expr, writer)?,
        direction: SortDirection {
            descending: sort.options.descending,
            nulls_first: sort.options.nulls_first,
        },
    })
}
