//! Functions of `CREATE FUNCTION`: macros.

mod aggregate;
mod arguments;
mod body;
mod scalar;
mod table;

use std::sync::Arc;

use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::execution::{
    SessionState,
    context::{FunctionFactory, RegisterFunction},
};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::{Cast, CreateFunction, Expr};

pub use table::TableMacros;

use crate::Options;
use body::Body;

/// Makes a function of a statement whose body is an expression of its arguments, or a query.
///
/// The body is SQL as a string (`AS 'x + 1'`), in which arguments go by name or as `$1`, or an
/// expression (`RETURN $1 + 1`). An expression with aggregates in it makes an aggregate function; a
/// string in the language `table` is the query of a table function.
#[derive(Debug)]
pub struct Macros {
    options: Options,
}

impl Macros {
    /// With the options of the plugin's activation; a session's own come before them.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
        }
    }
}

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
        let is_table = match language.as_deref() {
            Some("table") => true,
            None | Some("sql") => false,
            Some(other) => return not_impl_err!("macros in the language {other}"),
        };
        let arguments = arguments::declared(&statement)?;
        if is_table {
            return table::made(statement, &arguments, &body);
        }
        let body = Body::read(state, &self.options, &arguments, body)?;
        match body.has_aggregates()? {
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

/// DataFusion looks functions up by names in lower case unless they are quoted in the call.
fn aliases(name: &str) -> Vec<String> {
    let lower = name.to_ascii_lowercase();
    match lower == name {
        true => Vec::new(),
        false => vec![lower],
    }
}

/// The expression as the type that a statement names, if it names one.
fn as_declared(expr: Expr, own_type: &DataType, declared: Option<&DataType>) -> Expr {
    match declared {
        Some(declared) if declared != own_type => {
            Expr::Cast(Cast::new(Box::new(expr), declared.clone()))
        }
        _ => expr,
    }
}
