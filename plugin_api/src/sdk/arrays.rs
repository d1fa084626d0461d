//! Arrays of bound calls, in and out.

use abi_stable::std_types::RSliceMut;
use arrow::{
    array::{Array, ArrayRef},
    datatypes::DataType,
};
use datafusion_common::ScalarValue;

use crate::{
    abi::{self, ArrowArray, CallError},
    df55::error::to_call_error,
};

/// Takes arrays in, each as the type at its position; there may be fewer arrays than types.
pub(super) fn import_all(
    arrays: RSliceMut<'_, ArrowArray>,
    types: &[DataType],
) -> Result<Vec<ArrayRef>, CallError> {
    let arrays = arrays.into_mut_slice();
    if arrays.len() > types.len() {
        return Err(CallError::contract(format!(
            "expected {} columns, found {}",
            types.len(),
            arrays.len()
        )));
    }
    arrays
        .iter_mut()
        .zip(types)
        .map(|(array, data_type)| abi::import_array(array.take(), data_type))
        .collect()
}

/// Hands an array out, once it is of the type that was promised.
pub(super) fn export(array: &dyn Array, promised: &DataType) -> Result<ArrowArray, CallError> {
    if array.data_type() != promised {
        return Err(CallError::broken_promise(format!(
            "returned a value of type {}, but promised {promised}",
            array.data_type()
        )));
    }
    Ok(abi::export_array(array))
}

/// Hands a value out as an array of one row.
pub(super) fn export_scalar(
    value: &ScalarValue,
    promised: &DataType,
) -> Result<ArrowArray, CallError> {
    let array = value
        .to_array_of_size(1)
        .map_err(|error| to_call_error(&error))?;
    export(&array, promised)
}
