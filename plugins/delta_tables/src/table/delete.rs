//! `DELETE` and `TRUNCATE`.

use std::sync::Arc;

use datafusion::{
    catalog::{Session, TableProvider},
    common::{exec_datafusion_err, plan_err},
    error::Result,
    execution::SessionState,
    logical_expr::{Expr, utils::conjunction},
    physical_plan::ExecutionPlan,
    prelude::SessionContext,
};
use deltalake::{
    DeltaTable,
    delta_datafusion::{DeltaScanConfig, DeltaScanNext},
};

use super::update::refuse_subqueries;
use crate::{
    action::{ActionExec, count_batch, count_schema},
    error::failed,
    location::Location,
    open::{Tables, snapshot},
    session::state_in,
};

/// Deletes the rows that all of `filters` hold for, in one commit.
///
/// # Errors
/// Without filters, unless the operator allows that.
pub(super) fn plan(
    tables: &Arc<Tables>,
    location: &Location,
    what: &'static str,
    filters: Vec<Expr>,
) -> Result<Arc<dyn ExecutionPlan>> {
    refuse_subqueries(what, location, &filters)?;
    let predicate = conjunction(filters).map(|predicate| predicate.unalias_nested().data);
    if predicate.is_none() && !tables.options.allow_delete_all {
        return plan_err!(
            "{what} of all rows of the Delta table '{location}': there is no predicate, and the \
             plugin's option allow_delete_all is not set"
        );
    }
    let title = match &predicate {
        Some(predicate) => format!("{what} from {location} where {predicate}"),
        None => format!("{what} all of {location}"),
    };
    let (tables, location) = (Arc::clone(tables), location.clone());
    let action = ActionExec::new(title, count_schema(), move |context| {
        let (tables, location) = (Arc::clone(&tables), location.clone());
        let predicate = predicate.clone();
        async move {
            let table = tables.open_to_write(&location).await?;
            let state = state_in(&context);
            let mut delete = table
                .clone()
                .delete()
                .with_session_state(Arc::clone(&state))
                .with_commit_properties(tables.commit());
            if let Some(predicate) = predicate.clone() {
                delete = delete.with_predicate(predicate);
            }
            let (_, metrics) = delete
                .await
                .map_err(|error| failed("DELETE from the Delta table", &location, error))?;
            let rows = match metrics.num_deleted_rows {
                Some(rows) => rows,
                // Whole files without statistics: they are still there to be counted.
                None => counted(&table, &location, predicate, state.as_ref()).await?,
            };
            count_batch(rows as u64)
        }
    });
    Ok(Arc::new(action))
}

async fn counted(
    table: &DeltaTable,
    location: &Location,
    predicate: Option<Expr>,
    session: &dyn Session,
) -> Result<usize> {
    let state = session.as_any().downcast_ref::<SessionState>();
    let state = state.ok_or_else(|| exec_datafusion_err!("a session that cannot plan"))?;
    table
        .update_datafusion_session(session)
        .map_err(|error| failed("reading", location, error))?;
    let config = DeltaScanConfig::new_from_session(session);
    let scan = DeltaScanNext::new(snapshot(table, location)?.clone(), config)?;
    let scan: Arc<dyn TableProvider> = Arc::new(scan);
    let mut rows = SessionContext::new_with_state(state.clone()).read_table(scan)?;
    if let Some(predicate) = predicate {
        rows = rows.filter(predicate)?;
    }
    rows.count().await
}
