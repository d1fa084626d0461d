//! Functions of `CREATE FUNCTION`: macros.

mod aggregate;
mod body;
mod scalar;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::{
    SessionState,
    context::{FunctionFactory, RegisterFunction},
};
use datafusion_common::{Result, not_impl_err, plan_err};
use datafusion_expr::CreateFunction;

pub use table::TableMacros;

use body::Body;

/// Makes a function of a statement whose body is an expression of its arguments, or a query.
///
/// The body is SQL as a string (`AS 'x + 1'`), in which arguments go by name or as `$1`, or an
/// expression (`RETURN $1 + 1`). An expression with aggregates in it makes an aggregate function; a
/// string in the language `table` is the query of a table function.
#[derive(Debug)]
pub struct Macros;

#[async_trait]
impl FunctionFactory for Macros {
    async fn create(
        &self,
        state: &SessionState,
        statement: CreateFunction,
    ) -> Result<RegisterFunction> {
        let language = statement.params.language.as_ref();
        let language = language.map(|language| language.value.to_ascii_lowercase());
        let Some(body) = statement.params.function_body.clone() else {
            return not_impl_err!("a macro without a body");
        };
        match language.as_deref() {
            Some("table") => return table::made(&statement, &body),
            None | Some("sql") => {}
            Some(other) => return not_impl_err!("macros in the language {other}"),
        }
        let arguments = body::arguments(&statement)?;
        let body = Body::read(state, &arguments, body)?;
        match body.has_aggregates()? {
            true if statement
                .args
                .iter()
                .flatten()
                .any(|arg| arg.default_expr.is_some()) =>
            {
                plan_err!(
                    "macro '{}': arguments of an aggregate have no defaults",
                    statement.name
                )
            }
            true => {
                let made = aggregate::made(statement, arguments, body).await?;
                Ok(RegisterFunction::Aggregate(Arc::new(made)))
            }
            false => {
                let made = scalar::made(statement, &arguments, body)?;
                Ok(RegisterFunction::Scalar(Arc::new(made)))
            }
        }
    }
}
