//! What a stand-in for a function is made of.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion_common::Result;
use datafusion_expr::{AggregateUDF, ScalarUDF, WindowUDF};

use super::{Described, KeptExpr};
use crate::{
    abi::message::{ExtremeOrdering, FunctionDescriptor, FunctionKind, FunctionReference},
    df55::{
        error::from_call_error,
        expressions::breach,
        plans::objects::Types,
        properties::{order_sensitivity_to_message, sort_options_to_message},
        signature::{signature_from_message, signature_to_message},
        types::TypeList,
    },
};

fn described(
    name: &str,
    kind: FunctionKind,
    signature: &datafusion_expr::Signature,
    types: &mut TypeList,
) -> Result<FunctionDescriptor> {
    let signature = signature_to_message(signature, types).map_err(from_call_error)?;
    Ok(FunctionDescriptor::new(name, kind, signature))
}

pub(in crate::df55::plans) fn scalar(
    function: &ScalarUDF,
    types: &mut TypeList,
) -> Result<FunctionDescriptor> {
    let signature = function.signature();
    Ok(FunctionDescriptor {
        aliases: function.aliases().to_vec(),
        debug: format!("{:?}", function.inner()),
        short_circuits: function.short_circuits(),
        strict: function.is_strict(),
        ..described(function.name(), FunctionKind::Scalar, signature, types)?
    })
}

/// The field of what stands in for an expression.
pub(in crate::df55::plans) fn constant_field(function: &ScalarUDF) -> Option<FieldRef> {
    let kept = function.inner().downcast_ref::<KeptExpr>()?;
    Some(Arc::clone(&kept.field))
}

pub(in crate::df55::plans) fn aggregate(
    function: &AggregateUDF,
    types: &mut TypeList,
) -> Result<FunctionDescriptor> {
    let signature = function.signature();
    Ok(FunctionDescriptor {
        aliases: function.aliases().to_vec(),
        debug: format!("{:?}", function.inner()),
        nullable: function.is_nullable(),
        order_sensitivity: Some(order_sensitivity_to_message(function.order_sensitivity())),
        null_handling_clause: function.supports_null_handling_clause(),
        within_group_clause: function.supports_within_group_clause(),
        extreme: function.is_descending().map(|descending| match descending {
            true => ExtremeOrdering::Descending,
            false => ExtremeOrdering::Ascending,
        }),
        ..described(function.name(), FunctionKind::Aggregate, signature, types)?
    })
}

pub(in crate::df55::plans) fn window(
    function: &WindowUDF,
    types: &mut TypeList,
) -> Result<FunctionDescriptor> {
    let signature = function.signature();
    Ok(FunctionDescriptor {
        aliases: function.aliases().to_vec(),
        debug: format!("{:?}", function.inner()),
        sort_options: function.sort_options().map(sort_options_to_message),
        ..described(function.name(), FunctionKind::Window, signature, types)?
    })
}

/// The description that came with a reference.
pub(in crate::df55::plans) fn read(
    reference: &FunctionReference,
    types: Types<'_>,
) -> Result<Described> {
    let descriptor = reference.descriptor.as_deref();
    let descriptor = descriptor
        .cloned()
        .ok_or_else(|| breach(format!("'{}' without a description", reference.name)))?;
    let signature = signature_from_message(&descriptor.signature, types.signatures);
    Ok(Described {
        signature: signature.map_err(from_call_error)?,
        descriptor: Arc::new(descriptor),
    })
}
