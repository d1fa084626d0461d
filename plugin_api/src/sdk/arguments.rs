//! Arguments of aggregate and window functions, as the physical expressions that authors expect.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion_common::{ScalarValue, metadata::FieldMetadata};
use datafusion_physical_expr::{
    PhysicalExpr,
    expressions::{Column, Literal},
};

use crate::abi::{CallError, message::ArgumentSource};

/// One expression per argument: a column of a schema that has the argument fields, or a literal.
pub(super) fn physical_arguments(
    fields: &[FieldRef],
    sources: &[ArgumentSource],
    values: &[ScalarValue],
) -> Result<Vec<Arc<dyn PhysicalExpr>>, CallError> {
    if fields.len() != sources.len() {
        return Err(CallError::contract(format!(
            "{} argument fields for {} arguments",
            fields.len(),
            sources.len()
        )));
    }
    let arguments = fields.iter().zip(sources).enumerate();
    arguments
        .map(|(index, (field, source))| match source {
            ArgumentSource::Column => Ok(column(field, index)),
            ArgumentSource::Constant(position) => {
                let value = values
                    .get(*position)
                    .ok_or_else(|| CallError::contract("a constant that was not sent"))?;
                let metadata = FieldMetadata::from(field.as_ref());
                let literal = Literal::new_with_metadata(
                    value.clone(),
                    (!metadata.is_empty()).then_some(metadata),
                );
                Ok(Arc::new(literal) as _)
            }
        })
        .collect()
}

/// The column of `field` at `index`.
pub(super) fn column(field: &FieldRef, index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(field.name(), index))
}
