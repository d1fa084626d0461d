//! Generated columns that an `INSERT` leaves out.

use datafusion::{
    catalog::Session,
    common::exec_datafusion_err,
    error::Result,
    execution::SessionState,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ident, when},
};
use deltalake::kernel::EagerSnapshot;

/// `rows` with generated columns computed where they are null: DataFusion hands over null for a
/// column that the statement does not name. What the statement names is checked by the write.
pub(super) fn filled(
    rows: LogicalPlan,
    snapshot: &EagerSnapshot,
    session: &dyn Session,
) -> Result<LogicalPlan> {
    let schema = snapshot.arrow_schema();
    let generation = |name: &str| {
        let field = schema.field_with_name(name).ok()?;
        let expression = field.metadata().get("delta.generationExpression")?;
        // The log has it as a JSON text.
        Some(serde_json::from_str::<String>(expression).unwrap_or_else(|_| expression.clone()))
    };
    let fields = rows.schema().fields();
    if !fields
        .iter()
        .any(|field| generation(field.name()).is_some())
    {
        return Ok(rows);
    }
    let state = session.as_any().downcast_ref::<SessionState>();
    let state = state.ok_or_else(|| exec_datafusion_err!("a session that cannot parse"))?;
    let columns: Vec<Expr> = fields
        .iter()
        .map(|field| {
            let column = ident(field.name());
            let Some(expression) = generation(field.name()) else {
                return Ok(column);
            };
            let value = state
                .create_logical_expr(&expression, rows.schema())?
                .cast_to(field.data_type(), rows.schema().as_ref())?;
            let value = when(column.clone().is_null(), value).otherwise(column)?;
            Ok(value.alias(field.name()))
        })
        .collect::<Result<_>>()?;
    LogicalPlanBuilder::from(rows).project(columns)?.build()
}
