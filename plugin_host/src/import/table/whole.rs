//! Statements of which DataFusion hands a table only a part.

use std::sync::{Arc, LazyLock};

use datafusion::{
    catalog::TableProvider,
    common::{
        Result,
        config::ConfigOptions,
        plan_err,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    datasource::source_as_provider,
    logical_expr::{Expr, LogicalPlan, WriteOp},
    optimizer::AnalyzerRule,
};

use super::PluginTable;

/// Refuses `DELETE` and `UPDATE` of plugins' tables with subqueries, joins or a limit.
///
/// DataFusion 55 hands a table the predicates that speak of the table alone, and silently drops the
/// rest: `DELETE ... WHERE a = 1 AND b IN (SELECT ...)` would delete all rows where a = 1, and a
/// `LIMIT` would not count. A table cannot know.
#[derive(Debug)]
struct WholeStatements;

/// The rule; one for the process.
pub(crate) fn whole_statements() -> &'static Arc<dyn AnalyzerRule + Send + Sync> {
    static RULE: LazyLock<Arc<dyn AnalyzerRule + Send + Sync>> =
        LazyLock::new(|| Arc::new(WholeStatements));
    &RULE
}

impl AnalyzerRule for WholeStatements {
    fn name(&self) -> &str {
        "plugin_tables_whole_statements"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply(|node| {
            if let LogicalPlan::Dml(statement) = node
                && matches!(statement.op, WriteOp::Delete | WriteOp::Update)
                && source_as_provider(&statement.target)
                    .is_ok_and(|table: Arc<dyn TableProvider>| table.is::<PluginTable>())
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
        let beyond = match node {
            LogicalPlan::Projection(_)
            | LogicalPlan::Filter(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::TableScan(_)
            | LogicalPlan::EmptyRelation(_) => None,
            LogicalPlan::Limit(_) => Some("LIMIT"),
            LogicalPlan::Join(_) => Some("a join"),
            _ => Some("more than a predicate"),
        };
        let mut subquery = false;
        for expr in node.expressions() {
            subquery |= expr.exists(|part| Ok(is_subquery(part)))?;
        }
        match beyond.or(subquery.then_some("a subquery")) {
            Some(what) => plan_err!(
                "{statement} with {what} is not supported on a plugin's table: DataFusion would \
                 hand the table only a part of it"
            ),
            None => Ok(TreeNodeRecursion::Continue),
        }
    })?;
    Ok(())
}

/// Whether the expression reaches beyond the row of its table.
fn is_subquery(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::ScalarSubquery(_)
            | Expr::SetComparison(_)
            | Expr::OuterReferenceColumn(..)
    )
}
