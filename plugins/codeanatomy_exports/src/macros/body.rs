//! The expression of a macro.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::{
    execution::{FunctionRegistry, SessionState, SessionStateBuilder},
    prelude::SessionConfig,
};
use datafusion_common::{
    Column, DFSchema, Result, ScalarValue, plan_datafusion_err, plan_err,
    tree_node::{Transformed, TransformedResult, TreeNode},
};
use datafusion_expr::{CreateFunction, Expr, expr::WindowFunctionDefinition, planner::ExprPlanner};

use crate::{Operators, Options, Types, aggregate_functions, scalar_functions};

/// An expression over the arguments as columns, whose functions can be run here.
pub(super) struct Body {
    pub(super) expr: Expr,
    pub(super) state: SessionState,
}

/// The arguments as columns: by their names, or `$1`, `$2`, ...
pub(super) fn arguments(statement: &CreateFunction) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = Vec::new();
    for (at, arg) in statement.args.iter().flatten().enumerate() {
        let name = arg.name.as_ref().map(|name| match name.quote_style {
            Some(_) => name.value.clone(),
            None => name.value.to_ascii_lowercase(),
        });
        let name = name.unwrap_or_else(|| format!("${}", at + 1));
        if fields.iter().any(|field| *field.name() == name) {
            return plan_err!("macro '{}' has two arguments '{name}'", statement.name);
        }
        fields.push(Field::new(name, arg.data_type.clone(), true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

impl Body {
    pub(super) fn read(state: &SessionState, arguments: &SchemaRef, body: Expr) -> Result<Self> {
        let state = own_state(state)?;
        let schema = DFSchema::try_from(Arc::clone(arguments))?;
        let body = match body {
            Expr::Literal(ScalarValue::Utf8(Some(sql)), _) => {
                state.create_logical_expr(&sql, &schema)?
            }
            other => with_own_functions(&state, other)?,
        };
        let expr = body.transform(|expr| argument(arguments, expr)).data()?;
        Ok(Self { expr, state })
    }

    pub(super) fn has_aggregates(&self) -> Result<bool> {
        self.expr
            .exists(|expr| Ok(matches!(expr, Expr::AggregateFunction(_))))
    }
}

/// DataFusion's functions and the plugin's own: a session's are not at hand where the body runs.
fn own_state(state: &SessionState) -> Result<SessionState> {
    let options = state.config_options();
    let own = options.extensions.get::<Options>().cloned();
    let config = SessionConfig::from(options.as_ref().clone()).with_target_partitions(1);
    let mut builder = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_type_planner(Arc::new(Types))
        // A macro is planned as it is written: it has no rows that could be known already.
        .with_optimizer_rules(Vec::new())
        .with_physical_optimizer_rules(Vec::new());
    let operators: Arc<dyn ExprPlanner> = Arc::new(Operators);
    builder
        .expr_planners()
        .get_or_insert_default()
        .insert(0, operators);
    let mut made = builder.build();
    for udf in scalar_functions(&own.unwrap_or_default()) {
        made.register_udf(udf)?;
    }
    for udf in aggregate_functions() {
        made.register_udaf(udf)?;
    }
    Ok(made)
}

/// Functions that the host lent can be planned, not run.
fn with_own_functions(state: &SessionState, body: Expr) -> Result<Expr> {
    let unknown = |name: &str| {
        plan_datafusion_err!(
            "a macro's body calls '{name}', which is neither DataFusion's nor codeanatomy's"
        )
    };
    body.transform(|expr| match expr {
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
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(udf) => Err(unknown(udf.name())),
            WindowFunctionDefinition::WindowUDF(udf) => Err(unknown(udf.name())),
        },
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
    let name = placeholder.id.trim_start_matches('$');
    let field = match name.parse::<usize>() {
        Ok(number) => arguments.fields().get(number.wrapping_sub(1)),
        Err(_) => arguments.fields().iter().find(|field| field.name() == name),
    };
    match field {
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
