//! Expressions on their way into a plugin's table, and the defaults of its columns.

use std::collections::HashMap;

use datafusion::{
    common::{DataFusionError, Result},
    logical_expr::{Expr, ScalarUDF},
};
use datafusion_plugin_api::{
    abi::message::{ExpressionList, FunctionReference, TableDescriptor},
    df55::{
        expressions::{crosses_whole, expressions_with, pack_whole},
        parcel::{ParcelBuilder, ParcelContent},
    },
};

use crate::import::{
    origin::Origin,
    scalar::{builtins, reference_of},
};

/// Whether the plugin would understand `expr`.
pub(super) fn crosses(origin: &Origin, expr: &Expr) -> Result<bool> {
    crosses_whole(expr, &|function| reference(origin, function))
}

/// How the plugin knows a function: its own, or one that DataFusion brings along.
fn reference(origin: &Origin, function: &ScalarUDF) -> Option<FunctionReference> {
    reference_of(origin.plugin(), function).or_else(|| builtins().reference(function))
}

/// Writes expressions; nothing when the plugin would not understand all of them.
pub(super) fn write<'a>(
    origin: &Origin,
    exprs: impl Iterator<Item = &'a Expr>,
    parcel: &mut ParcelBuilder,
) -> Result<Option<(ExpressionList, Vec<u8>)>> {
    let exprs = exprs.collect::<Vec<_>>();
    pack_whole(&exprs, &|function| reference(origin, function), parcel)
}

/// The defaults of a table's columns. Functions in them are DataFusion's own.
pub(super) fn defaults(content: &ParcelContent<TableDescriptor>) -> Result<HashMap<String, Expr>> {
    let descriptor = &content.message;
    let builtin = |reference: &FunctionReference| {
        builtins().find(reference).ok_or_else(|| {
            DataFusionError::NotImplemented(format!(
                "a column's default that calls '{}', which is no function of DataFusion",
                reference.name
            ))
        })
    };
    let exprs = expressions_with(content, &descriptor.expressions, &builtin)?;
    Ok(descriptor.defaults.iter().cloned().zip(exprs).collect())
}
