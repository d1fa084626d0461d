//! Expressions that the host hands to tables, as far as the plugin is built to read them.

use datafusion_expr::Expr;

use super::functions::Functions;
use crate::{
    abi::{CallError, message::ExpressionList},
    df55::parcel::ParcelContent,
};

#[cfg(feature = "table-expressions")]
pub(super) fn expressions<M>(
    content: &ParcelContent<M>,
    list: &ExpressionList,
    functions: &Functions,
) -> Result<Vec<Expr>, CallError> {
    crate::df55::expressions::expressions_in(content, list, functions.table())
        .map_err(|error| crate::df55::error::to_call_error(&error))
}

#[cfg(not(feature = "table-expressions"))]
pub(super) fn expressions<M>(
    _: &ParcelContent<M>,
    list: &ExpressionList,
    _: &Functions,
) -> Result<Vec<Expr>, CallError> {
    match list.roots {
        0 => Ok(Vec::new()),
        _ => Err(CallError::contract(
            "expressions, which the plugin said it does not take",
        )),
    }
}
