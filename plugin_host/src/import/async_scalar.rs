//! A plugin's async scalar function as an [`AsyncScalarUDFImpl`].

use std::{
    hash::Hash,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::{Result, internal_err},
    logical_expr::{
        ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl,
        Signature, async_udf::AsyncScalarUDFImpl,
    },
};
use datafusion_plugin_api::abi::{Argument, CallError, CompletionObject, ErrorKind, Value};

use super::{
    metrics::Begun,
    offload::Offloaded,
    pending::{answer, progress, within},
    scalar::{
        PluginScalarUdf,
        bound::{BoundCall, Found},
    },
};
use crate::threads::NoAnswer;

/// What the host's configuration says beyond the plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct AsyncLimits {
    pub(crate) timeout: Option<Duration>,
    pub(crate) batch_size: Option<usize>,
}

/// A call that starts with its first poll.
struct Running {
    bound: Arc<BoundCall>,
    arguments: Vec<Argument>,
    rows: usize,
    completion: Option<CompletionObject>,
}

impl Running {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Value, CallError>> {
        let completion = match &mut self.completion {
            Some(completion) => completion,
            none => {
                let mut arguments = std::mem::take(&mut self.arguments);
                let bound = self.bound.object();
                none.insert(bound.start(arguments.as_mut_slice().into(), self.rows)?)
            }
        };
        progress(completion.poll(context.waker().into()))
    }
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

    /// The bound call for `args`, made within the limit of planning, or else within that of a call.
    async fn bound(&self, args: &ScalarFunctionArgs) -> Result<Arc<BoundCall>> {
        let function = self.inner.function();
        let (terms, request) = match function.find(args)? {
            Found::Bound(call) => return Ok(call),
            Found::Unbound(unbound) => *unbound,
        };
        let origin = &function.origin;
        let limit = origin.plugin().limits().planning.or(self.limits.timeout);
        let binding = (Arc::clone(&function.object), Some(request));
        let object = within(origin, limit, binding, |(function, request), _| {
            Poll::Ready(match request.take() {
                Some(request) => function.bind(request),
                None => Err(CallError::contract("bound already")),
            })
        });
        Ok(function.keep(terms, object.await?))
    }

    async fn call(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let function = self.inner.function();
        let origin = &function.origin;
        let rows = args.number_rows;
        let bound = self.bound(&args).await?;
        let arguments = function.arguments(&bound, &args)?;
        drop(args);
        let running = Running {
            bound: Arc::clone(&bound),
            arguments,
            rows,
            completion: None,
        };
        let value = match self.limits.timeout {
            None => answer(origin, running, Running::poll).await,
            Some(limit) => {
                let threads = &origin.plugin().limits().threads;
                let offloaded = Offloaded::new(threads, limit, running, Running::poll);
                answer(origin, offloaded, |offloaded, context| {
                    offloaded.poll(context).map(|answer| match answer {
                        Err(NoAnswer::TooSlow(limit)) => {
                            let message = format!("no result within {limit:?}");
                            Err(CallError::new(ErrorKind::Execution, message))
                        }
                        answer => answer?,
                    })
                })
                .await
            }
        };
        function.value(value?, bound.return_field(), rows)
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
        let result = self.call(args).await;
        origin.end(begun, 1, rows);
        result
    }
}
