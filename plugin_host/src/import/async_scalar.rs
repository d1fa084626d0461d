//! A plugin's async scalar function as an [`AsyncScalarUDFImpl`].

use std::{hash::Hash, time::Duration};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::{Result, exec_err, internal_err},
    logical_expr::{
        ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl,
        Signature, async_udf::AsyncScalarUDFImpl,
    },
};

use super::{
    metrics::{Begun, Fault},
    pending::{answer, progress},
    scalar::PluginScalarUdf,
};

/// What the host's configuration says beyond the plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct AsyncLimits {
    pub(crate) timeout: Option<Duration>,
    pub(crate) batch_size: Option<usize>,
}

/// An async scalar function under the name it is installed under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PluginAsyncScalarUdf {
    inner: PluginScalarUdf,
    limits: AsyncLimits,
}

impl PluginAsyncScalarUdf {
    pub(crate) fn new(inner: PluginScalarUdf, limits: AsyncLimits) -> Self {
        Self { inner, limits }
    }

    async fn call(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let function = self.inner.function();
        let rows = args.number_rows;
        let bound = function.bound_call(&args)?;
        let mut arguments = function.arguments(&bound, &args)?;
        drop(args);
        let completion = bound
            .object()
            .start(arguments.as_mut_slice().into(), rows)
            .map_err(|error| function.origin.error(error))?;
        drop(arguments);
        let value = answer(&function.origin, completion, |completion, context| {
            progress(completion.poll(context.waker().into()))
        });
        let value = value.await?;
        function.value(value, bound.return_field(), rows)
    }
}

impl ScalarUDFImpl for PluginAsyncScalarUdf {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("async functions are not called directly")
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for PluginAsyncScalarUdf {
    fn ideal_batch_size(&self) -> Option<usize> {
        self.limits
            .batch_size
            .or(self.inner.function().descriptor.batch_size)
    }

    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let origin = &self.inner.function().origin;
        origin.admit().map_err(|error| origin.error(error))?;
        let begun = Begun::timed();
        let rows = args.number_rows;
        let call = self.call(args);
        let result = match self.limits.timeout {
            None => call.await,
            Some(timeout) => match tokio::time::timeout(timeout, call).await {
                Ok(result) => result,
                Err(_) => {
                    origin.metrics().failed(Fault::Error);
                    exec_err!(
                        "no result within {timeout:?} (plugin '{}', '{}')",
                        origin.plugin().name(),
                        origin.item()
                    )
                }
            },
        };
        origin.end(begun, 1, rows);
        result
    }
}
