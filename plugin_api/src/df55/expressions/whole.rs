//! Expressions that cross whole or not at all: filters, and those of deletes and updates.

use std::sync::Arc;
#[cfg(feature = "table-expressions")]
use std::sync::LazyLock;

use datafusion_common::{Result, not_impl_err, tree_node::TreeNode};
use datafusion_expr::{Expr, ScalarUDF};

use super::{Arrival, Departure, breach, is_faithful, pack, unpack};
#[cfg(feature = "table-expressions")]
use crate::df55::builtins::Builtins;
use crate::{
    abi::message::{ExpressionList, ExpressionSlot, FunctionReference},
    df55::{
        function_table::FunctionTable,
        parcel::{ParcelBuilder, ParcelContent},
    },
};

/// Writes `exprs`, or nothing when one of them has a part that the plugin does not know: a call of
/// a function that is neither its own nor DataFusion's, a subquery, an outer reference, a placeholder, ...
///
/// # Errors
/// A breach of the contract.
pub fn pack_whole(
    exprs: &[&Expr],
    reference: &dyn Fn(&ScalarUDF) -> Option<FunctionReference>,
    parcel: &mut ParcelBuilder,
) -> Result<Option<(ExpressionList, Vec<u8>)>> {
    for expr in exprs {
        if !crosses_whole(expr, reference)? {
            return Ok(None);
        }
    }
    let reference = |function: &ScalarUDF| {
        reference(function).ok_or_else(|| breach(format!("'{}' was to stay", function.name())))
    };
    let exprs = exprs.iter().map(|expr| (*expr).clone());
    pack(exprs, &mut Whole, &reference, parcel).map(Some)
}

/// Whether [`pack_whole`] would write `expr`.
///
/// # Errors
/// Those of walking an expression; none are known.
pub fn crosses_whole(
    expr: &Expr,
    reference: &dyn Fn(&ScalarUDF) -> Option<FunctionReference>,
) -> Result<bool> {
    let stays = expr.exists(|expr| {
        Ok(match expr {
            Expr::ScalarFunction(call) => reference(&call.func).is_none(),
            expr => !is_faithful(expr),
        })
    });
    stays.map(|stays| !stays)
}

/// Reads the expressions that [`pack_whole`] wrote; functions are those of `table`.
///
/// # Errors
/// A breach of the contract.
pub fn expressions_in<M>(
    content: &ParcelContent<M>,
    list: &ExpressionList,
    table: &FunctionTable,
) -> Result<Vec<Expr>> {
    expressions_with(content, list, &|reference| own(reference, table))
}

/// Reads the expressions that [`pack_whole`] wrote; `function` finds their functions.
///
/// # Errors
/// Those of `function`, and a breach of the contract.
pub fn expressions_with<M>(
    content: &ParcelContent<M>,
    list: &ExpressionList,
    function: &dyn Fn(&FunctionReference) -> Result<Arc<ScalarUDF>>,
) -> Result<Vec<Expr>> {
    if list.roots == 0 {
        return Ok(Vec::new());
    }
    let functions = list.functions.iter().map(function).collect::<Result<_>>()?;
    unpack(list, &content.blob, &content.values, functions, &Whole)
}

/// The plugin's own functions that a list mentions.
#[cfg(feature = "simplify")]
pub(in crate::df55) fn functions_in(
    list: &ExpressionList,
    table: &FunctionTable,
) -> Result<Vec<Arc<ScalarUDF>>> {
    let functions = list.functions.iter();
    functions.map(|reference| own(reference, table)).collect()
}

fn own(reference: &FunctionReference, table: &FunctionTable) -> Result<Arc<ScalarUDF>> {
    if reference.builtin {
        return builtin(reference);
    }
    table.get(reference.identity).ok_or_else(|| {
        breach(format!(
            "function '{}' has no number {} here",
            reference.name, reference.identity
        ))
    })
}

/// The plugin's copy of a function that DataFusion brings along.
#[cfg(feature = "table-expressions")]
fn builtin(reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
    static BUILTINS: LazyLock<Builtins> =
        LazyLock::new(|| Builtins::new(datafusion_functions::all_default_functions()));
    match BUILTINS.find(reference) {
        Some(function) => Ok(function),
        None => not_impl_err!(
            "a plugin is built without the function '{}'",
            reference.name
        ),
    }
}

#[cfg(not(feature = "table-expressions"))]
fn builtin(reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
    not_impl_err!(
        "a plugin is built without the function '{}'",
        reference.name
    )
}

struct Whole;

impl Departure for Whole {
    fn instead_of(&mut self, _: &Expr, _: usize) -> Result<Option<ExpressionSlot>> {
        Ok(None)
    }
}

impl Arrival for Whole {
    fn kept(&self, number: usize) -> Result<Expr> {
        not_impl_err!("expression {number} stayed on the other side")
    }
}
