//! Arrays on their way out and in, against the types that were fixed when a call was bound.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::{DataType, Field},
    },
    common::{DataFusionError, ScalarValue},
};
use datafusion_plugin_api::abi::{self, ArrowArray};

use super::origin::Origin;

/// Hands `array` out as one of `data_type`.
///
/// # Errors
/// When it is of another type: the plugin would misread its buffers.
#[inline]
pub(crate) fn export(
    origin: &Origin,
    array: &dyn Array,
    data_type: &DataType,
) -> Result<ArrowArray, DataFusionError> {
    if array.data_type() != data_type {
        return Err(origin.unfit(format!(
            "a column of type {} where {data_type} was planned",
            array.data_type()
        )));
    }
    Ok(abi::export_array(array))
}

/// Takes an array in as one of `data_type` with so many rows.
///
/// # Errors
/// When it is not.
#[inline]
pub(crate) fn import(
    origin: &Origin,
    array: ArrowArray,
    data_type: &DataType,
    rows: usize,
) -> Result<ArrayRef, DataFusionError> {
    if array.len() != rows as i64 {
        return Err(origin.breach(format!("returned {} rows, expected {rows}", array.len())));
    }
    abi::import_validated(array, data_type, origin.plugin().validation())
        .map_err(|error| origin.error(error))
}

/// Takes a result in as one of `field` with so many rows.
///
/// # Errors
/// When it is not, or has nulls where the field has none.
#[inline]
pub(crate) fn import_result(
    origin: &Origin,
    array: ArrowArray,
    field: &Field,
    rows: usize,
) -> Result<ArrayRef, DataFusionError> {
    let array = import(origin, array, field.data_type(), rows)?;
    let nulls = array.null_count();
    if nulls > 0 && !field.is_nullable() {
        return Err(origin.breach(format!("returned {nulls} nulls, but promised none")));
    }
    Ok(array)
}

/// Takes a one-row array in as a value.
///
/// # Errors
/// When it is not of `data_type`, or not one row.
#[inline]
pub(crate) fn import_scalar(
    origin: &Origin,
    array: ArrowArray,
    data_type: &DataType,
) -> Result<ScalarValue, DataFusionError> {
    ScalarValue::try_from_array(&import(origin, array, data_type, 1)?, 0)
}

/// Hands arrays out, each as the type at its position; there may be fewer arrays than types.
///
/// # Errors
/// When there are more arrays than types, or one is of another type.
pub(crate) fn export_all(
    origin: &Origin,
    arrays: &[ArrayRef],
    types: &[DataType],
) -> Result<Vec<ArrowArray>, DataFusionError> {
    if arrays.len() > types.len() {
        return Err(origin.unfit(format!(
            "{} columns where {} were planned",
            arrays.len(),
            types.len()
        )));
    }
    arrays
        .iter()
        .zip(types)
        .map(|(array, data_type)| export(origin, array, data_type))
        .collect()
}
