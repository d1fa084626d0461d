//! Statements of which DataFusion hands a table only a part.

use datafusion::{
    common::{
        plan_err,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    config::ConfigOptions,
    datasource::source_as_provider,
    error::Result,
    logical_expr::{Expr, LogicalPlan, WriteOp},
    optimizer::AnalyzerRule,
};

use crate::table::Table;

/// Refuses `DELETE` and `UPDATE` of Delta tables with subqueries, joins or a limit.
///
/// DataFusion 55 hands a table the predicates that speak of the table alone, and silently drops the
/// rest: `DELETE ... WHERE a = 1 AND b IN (SELECT ...)` would delete all rows where a = 1, and a
/// `LIMIT` would not count. A table cannot know, so a session that has such tables should have this
/// rule. `MERGE` does all of it.
#[derive(Debug, Default, Clone, Copy)]
pub struct WholeStatements;

impl AnalyzerRule for WholeStatements {
    fn name(&self) -> &str {
        "delta_whole_statements"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply(|node| {
            if let LogicalPlan::Dml(statement) = node
                && matches!(statement.op, WriteOp::Delete | WriteOp::Update)
                && source_as_provider(&statement.target).is_ok_and(|table| table.is::<Table>())
            {
                check(statement.op.name(), &statement.input)?;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }
}

fn check(statement: &str, input: &LogicalPlan) -> Result<()> {
    input.apply(|node| {
        let what = match node {
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::TableScan(_)
            | LogicalPlan::EmptyRelation(_) => None,
            LogicalPlan::Limit(_) => Some("LIMIT"),
            LogicalPlan::Join(_) => Some("a join"),
            _ => Some("more than a predicate"),
        };
        if let Some(what) = what {
            return plan_err!(
                "{statement} with {what} is not supported on Delta tables; use MERGE"
            );
        }
        for expr in node.expressions() {
            if expr.exists(|part| Ok(is_subquery(part)))? {
                return plan_err!(
                    "{statement} with a subquery is not supported on Delta tables; use MERGE"
                );
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Whether the expression reaches beyond the row of its table.
pub(crate) fn is_subquery(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::ScalarSubquery(_)
            | Expr::SetComparison(_)
            | Expr::OuterReferenceColumn(..)
    )
}
