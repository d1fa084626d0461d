//! Arguments of aggregate and window functions: constants and columns.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{RecordBatch, RecordBatchOptions},
        datatypes::Schema,
    },
    common::ScalarValue,
    logical_expr::ColumnarValue,
    physical_expr::{PhysicalExpr, expressions::Literal},
};
use datafusion_plugin_api::{
    abi::{CallError, message::ArgumentSource},
    df55::parcel::ParcelBuilder,
};

/// The arguments as a message; the values of constants are added to `request`.
pub(crate) fn sources(
    arguments: &[Arc<dyn PhysicalExpr>],
    request: &mut ParcelBuilder,
) -> Result<Vec<ArgumentSource>, CallError> {
    arguments
        .iter()
        .map(|argument| match constant(argument) {
            Some(value) => request.value(&value).map(ArgumentSource::Constant),
            None => Ok(ArgumentSource::Column),
        })
        .collect()
}

/// The value of an expression that is the same for every row of every batch: a literal, or
/// something computed from literals alone.
pub(crate) fn constant(expr: &Arc<dyn PhysicalExpr>) -> Option<ScalarValue> {
    if let Some(literal) = expr.downcast_ref::<Literal>() {
        return Some(literal.value().clone());
    }
    if !is_of_literals(expr) {
        return None;
    }
    let one_row = RecordBatchOptions::new().with_row_count(Some(1));
    let batch =
        RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &one_row).ok()?;
    match expr.evaluate(&batch).ok()? {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0).ok(),
    }
}

fn is_of_literals(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let children = expr.children();
    if children.is_empty() {
        return expr.downcast_ref::<Literal>().is_some();
    }
    !expr.is_volatile_node() && children.into_iter().all(is_of_literals)
}
