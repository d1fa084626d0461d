//! The relation planner.

use datafusion_common::{Result, plan_err};
use datafusion_expr::{
    LogicalPlan,
    planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
};
use sqlparser::ast::{ObjectName, TableFactor};

use super::{
    call::Call,
    plan::{Functions, planned},
    side::Side,
};

/// Plans `interval_align(left, right [, mode => ...])`: for each row of the left relation the best row
/// of the right one with the same path.
///
/// Both sides become one relation, sorted by path and start, and an aggregate function goes over it that
/// holds the rows of a path until it is complete. So no more is in memory than what the sort keeps
/// there, which spills, and the paths at hand; the memory pool knows of both.
///
/// A filter on the path goes below all this, to both sides. Every other stays above, also one on left
/// columns, which would do no harm below: DataFusion takes filters through an aggregate only on what is
/// grouped by.
#[derive(Debug)]
pub struct IntervalAlign;

impl RelationPlanner for IntervalAlign {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match relation {
            TableFactor::Table {
                name,
                alias,
                args: Some(args),
                ..
            } if is_ours(&name) => {
                let call = Call::read(args)?;
                let left = side("left", &call.left, context)?;
                let left = Side::new("left", left, &call)?;
                let right = side("right", &call.right, context)?;
                let right = Side::new("right", right, &call)?;
                let provider = context.context_provider();
                let Some(get_field) = provider.get_function_meta("get_field") else {
                    return plan_err!("interval_align needs the function get_field");
                };
                let Some(row_number) = provider.get_window_meta("row_number") else {
                    return plan_err!("interval_align needs the window function row_number");
                };
                let functions = Functions {
                    get_field,
                    row_number,
                };
                let plan = planned(&call, &left, &right, functions)?;
                let planned = PlannedRelation::new(plan, alias);
                Ok(RelationPlanning::Planned(Box::new(planned)))
            }
            other => Ok(RelationPlanning::Original(Box::new(other))),
        }
    }
}

/// Before it plans, DataFusion looks up the tables that a statement has in its `FROM`s, and a name among
/// arguments is in none.
fn side(
    side: &str,
    relation: &TableFactor,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    context
        .plan(relation.clone())
        .map_err(|error| match relation {
            TableFactor::Table { name, .. } => error.context(format!(
                "interval_align: the {side} relation; a table is given as (SELECT * FROM {name})"
            )),
            _ => error,
        })
}

/// `interval_align` or `codeanatomy.interval_align`.
fn is_ours(name: &ObjectName) -> bool {
    let parts: Option<Vec<_>> = name.0.iter().map(|part| part.as_ident()).collect();
    let is = |ident: &sqlparser::ast::Ident, name: &str| ident.value.eq_ignore_ascii_case(name);
    match parts.as_deref() {
        Some([name]) => is(name, "interval_align"),
        Some([plugin, name]) => is(plugin, "codeanatomy") && is(name, "interval_align"),
        _ => false,
    }
}
