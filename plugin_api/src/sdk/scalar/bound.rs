//! A scalar function with its types fixed: the path of every batch.

use std::sync::Arc;

use abi_stable::std_types::RSliceMut;
use arrow::{array::Array, datatypes::FieldRef};
use datafusion_common::{ScalarValue, config::ConfigOptions};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};

use super::super::{completion::Running, plugin::ScalarEntry, runtime};
use crate::{
    abi::{self, Argument, ArgumentKind, BoundScalarFunction, CallError, CompletionObject, Value},
    df55::error::to_call_error,
};

pub(super) struct Bound {
    entry: ScalarEntry,
    arg_fields: Vec<FieldRef>,
    return_field: FieldRef,
    constants: Vec<Option<ScalarValue>>,
    options: Arc<ConfigOptions>,
}

impl Bound {
    /// `fields` are the arguments' and last the result's.
    pub(super) fn new(
        entry: ScalarEntry,
        mut fields: Vec<FieldRef>,
        constants: Vec<Option<ScalarValue>>,
        options: Arc<ConfigOptions>,
    ) -> Result<Self, CallError> {
        let return_field = fields
            .pop()
            .ok_or_else(|| CallError::contract("a function bound without a return field"))?;
        if constants.len() != fields.len() {
            return Err(CallError::contract(format!(
                "{} argument fields with {} constants",
                fields.len(),
                constants.len()
            )));
        }
        Ok(Self {
            entry,
            arg_fields: fields,
            return_field,
            constants,
            options,
        })
    }

    fn args(
        &self,
        arguments: RSliceMut<'_, Argument>,
        rows: usize,
    ) -> Result<ScalarFunctionArgs, CallError> {
        let arguments = arguments.into_mut_slice();
        if arguments.len() != self.arg_fields.len() {
            return Err(CallError::contract(format!(
                "expected {} arguments, found {}",
                self.arg_fields.len(),
                arguments.len()
            )));
        }
        let mut args = Vec::with_capacity(arguments.len());
        for (i, argument) in arguments.iter_mut().enumerate() {
            let data_type = self.arg_fields[i].data_type();
            args.push(match argument.kind {
                ArgumentKind::Bound => ColumnarValue::Scalar(
                    self.constants[i]
                        .clone()
                        .ok_or_else(|| CallError::contract("a constant that was not bound"))?,
                ),
                ArgumentKind::Column => {
                    ColumnarValue::Array(abi::import_array(argument.array.take(), data_type)?)
                }
                ArgumentKind::Scalar => {
                    let row = abi::import_array(argument.array.take(), data_type)?;
                    ColumnarValue::Scalar(
                        ScalarValue::try_from_array(&row, 0)
                            .map_err(|error| to_call_error(&error))?,
                    )
                }
            });
        }
        Ok(ScalarFunctionArgs {
            args,
            arg_fields: self.arg_fields.clone(),
            number_rows: rows,
            return_field: Arc::clone(&self.return_field),
            config_options: Arc::clone(&self.options),
        })
    }
}

/// Hands a result out, once it is of the type that was promised.
fn value(result: ColumnarValue, return_field: &FieldRef) -> Result<Value, CallError> {
    let promised = return_field.data_type();
    let value = match result {
        ColumnarValue::Array(array) => {
            check_type(array.data_type(), promised)?;
            Value {
                array: abi::export_array(&array),
                scalar: false,
            }
        }
        ColumnarValue::Scalar(scalar) => {
            let array = scalar
                .to_array_of_size(1)
                .map_err(|error| to_call_error(&error))?;
            check_type(array.data_type(), promised)?;
            Value {
                array: abi::export_array(&array),
                scalar: true,
            }
        }
    };
    Ok(value)
}

fn check_type(
    found: &arrow::datatypes::DataType,
    promised: &arrow::datatypes::DataType,
) -> Result<(), CallError> {
    if found == promised {
        return Ok(());
    }
    Err(CallError::broken_promise(format!(
        "returned a value of type {found}, but its return field promised {promised}"
    )))
}

impl BoundScalarFunction for Bound {
    fn item(&self) -> &str {
        self.entry.udf.name()
    }

    fn invoke(&self, arguments: RSliceMut<'_, Argument>, rows: usize) -> Result<Value, CallError> {
        let args = self.args(arguments, rows)?;
        // Not through `ScalarUDF`, whose own check exists in debug builds alone.
        let result = self.entry.udf.inner().invoke_with_args(args);
        value(
            result.map_err(|error| to_call_error(&error))?,
            &self.return_field,
        )
    }

    fn start(
        &self,
        arguments: RSliceMut<'_, Argument>,
        rows: usize,
    ) -> Result<CompletionObject, CallError> {
        let Some((udf, options)) = self.entry.asynchronous.clone() else {
            return Err(CallError::contract("not an async function"));
        };
        let args = self.args(arguments, rows)?;
        let return_field = Arc::clone(&self.return_field);
        let _entered = runtime::enter()?;
        let work = async move {
            let call = udf.invoke_async_with_args(args);
            let result = match options.timeout {
                None => call.await,
                Some(timeout) => tokio::time::timeout(timeout, call)
                    .await
                    .unwrap_or_else(|_| {
                        datafusion_common::exec_err!("no result within {timeout:?}")
                    }),
            };
            value(
                result.map_err(|error| to_call_error(&error))?,
                &return_field,
            )
        };
        Ok(CompletionObject::new(Running::new(self.item(), work)))
    }
}
