//! `UPDATE`.

use std::sync::Arc;

use datafusion::{
    common::{plan_err, tree_node::TreeNode},
    error::Result,
    logical_expr::{Expr, utils::conjunction},
    physical_plan::ExecutionPlan,
};

use crate::{
    action::{ActionExec, count_batch, count_schema},
    constraints::{enforceable, explained},
    error::failed,
    location::Location,
    open::{Tables, snapshot},
    session::state_in,
    whole::is_subquery,
};

/// Sets columns of the rows that all of `filters` hold for, in one commit.
pub(super) fn plan(
    tables: &Arc<Tables>,
    location: &Location,
    assignments: Vec<(String, Expr)>,
    filters: Vec<Expr>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let values: Vec<Expr> = assignments.iter().map(|(_, value)| value.clone()).collect();
    refuse_subqueries("UPDATE", location, &values)?;
    refuse_subqueries("UPDATE", location, &filters)?;
    let predicate = conjunction(filters).map(|predicate| predicate.unalias_nested().data);
    let set: Vec<String> = assignments
        .iter()
        .map(|(column, value)| format!("{column} = {value}"))
        .collect();
    let mut title = format!("UPDATE {location} set {}", set.join(", "));
    if let Some(predicate) = &predicate {
        title.push_str(&format!(" where {predicate}"));
    }
    let (tables, location) = (Arc::clone(tables), location.clone());
    let action = ActionExec::new(title, count_schema(), move |context| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        let (assignments, predicate) = (assignments.clone(), predicate.clone());
        async move {
            let table = tables.open_to_write(&location).await?;
            let snapshot = snapshot(&table, &location)?.clone();
            enforceable(&location, &snapshot)?;
            let mut update = table
                .update()
                .with_session_state(state_in(&context))
                .with_commit_properties(tables.commit());
            if let Some(predicate) = predicate {
                update = update.with_predicate(predicate);
            }
            for (column, value) in assignments {
                let column = datafusion::common::Column::from_name(column);
                update = update.with_update(column, value);
            }
            let (_, metrics) = update
                .await
                .map_err(|error| failed("UPDATE of the Delta table", &location, error))
                .map_err(|error| explained(&snapshot, error))?;
            count_batch(metrics.num_updated_rows as u64)
        }
    });
    Ok(Arc::new(action))
}

/// # Errors
/// When an expression has a subquery, which cannot be evaluated against the table alone.
pub(super) fn refuse_subqueries(what: &str, location: &Location, exprs: &[Expr]) -> Result<()> {
    for expr in exprs {
        let subquery = expr.exists(|part| Ok(is_subquery(part)))?;
        if subquery {
            return plan_err!(
                "{what} on the Delta table '{location}': subqueries are not supported; use MERGE"
            );
        }
    }
    Ok(())
}
