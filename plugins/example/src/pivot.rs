//! A relation planner: `FROM t PIVOT (sum(x) FOR c IN ('a', 'b' AS other))`.

use std::collections::HashSet;

use datafusion_common::{Column, Result, not_impl_err, plan_err};
use datafusion_expr::{
    Expr, LogicalPlanBuilder,
    planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
};
use sqlparser::ast::{PivotValueSource, TableFactor};

/// One column per value and aggregate, one row per combination of the columns that are neither
/// pivoted nor aggregated.
#[derive(Debug)]
pub struct Pivot;

impl RelationPlanner for Pivot {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Pivot {
            table,
            aggregate_functions,
            value_column,
            value_source,
            default_on_null,
            alias,
        } = relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let PivotValueSource::List(values) = value_source else {
            return not_impl_err!("PIVOT takes a list of values");
        };
        if default_on_null.is_some() {
            return not_impl_err!("PIVOT takes no DEFAULT ON NULL");
        }
        let [pivoted] = <[_; 1]>::try_from(value_column)
            .or_else(|columns| plan_err!("PIVOT takes one column, not {}", columns.len()))?;
        let input = context.plan(*table)?;
        let schema = input.schema().clone();
        let pivoted = context.sql_to_expr(pivoted, &schema)?;
        let mut used: HashSet<Column> = pivoted.column_refs().into_iter().cloned().collect();

        let mut aggregates = Vec::new();
        for aggregate in aggregate_functions {
            let name = aggregate.alias.map(|alias| context.normalize_ident(alias));
            let expr = context.sql_to_expr(aggregate.expr, &schema)?.unalias();
            used.extend(expr.column_refs().into_iter().cloned());
            let Expr::AggregateFunction(call) = expr else {
                return plan_err!("PIVOT aggregates with {expr}, which is no aggregate function");
            };
            aggregates.push((name, call));
        }
        let several = aggregates.len() > 1;

        let mut columns = Vec::new();
        for value in values {
            let literal = context.sql_to_expr(value.expr, &schema)?;
            let name = match (value.alias, &literal) {
                (Some(alias), _) => context.normalize_ident(alias),
                (None, Expr::Literal(value, _)) => value.to_string(),
                (None, other) => return plan_err!("PIVOT takes literals, not {other}"),
            };
            for (aggregate, call) in &aggregates {
                let mut call = call.clone();
                let is_value = pivoted.clone().eq(literal.clone());
                call.params.filter = Some(Box::new(match call.params.filter {
                    Some(filter) => filter.and(is_value),
                    None => is_value,
                }));
                let suffix = aggregate.as_deref().unwrap_or(call.func.name()).to_owned();
                let column = Expr::AggregateFunction(call);
                columns.push(match several {
                    true => column.alias(format!("{name}_{suffix}")),
                    false => column.alias(&name),
                });
            }
        }
        let groups = schema.columns().into_iter();
        let groups: Vec<Expr> = groups
            .filter(|column| !used.contains(column))
            .map(Expr::Column)
            .collect();
        let plan = LogicalPlanBuilder::from(input)
            .aggregate(groups, columns)?
            .build()?;
        let planned = PlannedRelation::new(plan, alias);
        Ok(RelationPlanning::Planned(Box::new(planned)))
    }
}
