//! The expression of a macro.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::{
    execution::{FunctionRegistry, SessionState, SessionStateBuilder},
    optimizer::simplify_expressions::SimplifyExpressions,
    prelude::SessionConfig,
};
use datafusion_common::{
    Column, DFSchema, Result, ScalarValue, plan_datafusion_err, plan_err,
    tree_node::{Transformed, TransformedResult, TreeNode},
};
use datafusion_expr::{Expr, planner::ExprPlanner};

use super::arguments;
use crate::{Operators, Options, Types, aggregate_functions, scalar_functions};

/// An expression over the arguments as columns, whose functions can be run here.
pub(super) struct Body {
    pub(super) expr: Expr,
    pub(super) state: SessionState,
}

impl Body {
    /// `options` are those that the session has not said otherwise.
    pub(super) fn read(
        state: &SessionState,
        options: &Options,
        arguments: &SchemaRef,
        body: Expr,
    ) -> Result<Self> {
        let state = own_state(state, options)?;
        let schema = DFSchema::try_from(Arc::clone(arguments))?;
        let body = match body {
            Expr::Literal(ScalarValue::Utf8(Some(sql)), _) => {
                state.create_logical_expr(&sql, &schema)?
            }
            other => other,
        };
        let expr = owned(&state, body)?;
        let expr = expr.transform(|expr| argument(arguments, expr)).data()?;
        Ok(Self { expr, state })
    }

    pub(super) fn has_aggregates(&self) -> Result<bool> {
        has_aggregates(&self.expr)
    }
}

pub(super) fn has_aggregates(expr: &Expr) -> Result<bool> {
    expr.exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(_))))
}

/// DataFusion's functions and the plugin's own: a session's are not at hand where the body runs.
fn own_state(state: &SessionState, options: &Options) -> Result<SessionState> {
    let settings = state.config_options();
    let config = SessionConfig::from(settings.as_ref().clone()).with_target_partitions(1);
    let mut builder = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_type_planner(Arc::new(Types))
        // A macro is planned as it is written: it has no rows that could be known already. Some
        // functions run only in the form that they simplify themselves to.
        .with_optimizer_rules(vec![Arc::new(SimplifyExpressions::new())])
        .with_physical_optimizer_rules(Vec::new());
    let operators: Arc<dyn ExprPlanner> = Arc::new(Operators);
    builder
        .expr_planners()
        .get_or_insert_default()
        .insert(0, operators);
    let mut made = builder.build();
    for udf in scalar_functions(options.of(settings)) {
        made.register_udf(udf)?;
    }
    for udf in aggregate_functions() {
        made.register_udaf(udf)?;
    }
    Ok(made)
}

/// The expression with functions that can be run here: those that the host lent can only be planned.
pub(super) fn owned(state: &SessionState, expr: Expr) -> Result<Expr> {
    let unknown = |name: &str| {
        plan_datafusion_err!(
            "a macro's body calls '{name}', which is neither DataFusion's nor codeanatomy's"
        )
    };
    expr.transform(|expr| match expr {
        Expr::WindowFunction(_)
        | Expr::Unnest(_)
        | Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::SetComparison(_)
        | Expr::ScalarSubquery(_) => {
            plan_err!("a macro's body has no window functions, subqueries or unnest")
        }
        Expr::ScalarFunction(mut call) => {
            let name = bare(call.func.name()).to_owned();
            call.func = state.udf(&name).map_err(|_| unknown(&name))?;
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        Expr::AggregateFunction(mut call) => {
            let name = bare(call.func.name()).to_owned();
            call.func = state.udaf(&name).map_err(|_| unknown(&name))?;
            Ok(Transformed::yes(Expr::AggregateFunction(call)))
        }
        other => Ok(Transformed::no(other)),
    })
    .data()
}

/// The plugin's own functions may have its name before theirs.
fn bare(name: &str) -> &str {
    name.strip_prefix("codeanatomy.").unwrap_or(name)
}

/// `$1` and `$name` are the columns that they stand for.
fn argument(arguments: &SchemaRef, expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::Placeholder(placeholder) = &expr else {
        return Ok(Transformed::no(expr));
    };
    let fields = arguments.fields();
    match arguments::position(fields, &placeholder.id).and_then(|at| fields.get(at)) {
        Some(field) => {
            let column = Column::new_unqualified(field.name());
            Ok(Transformed::yes(Expr::Column(column)))
        }
        None => plan_err!(
            "a macro's body names {}, which is no argument",
            placeholder.id
        ),
    }
}
