//! Stand-in.
use super::origin::Origin;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::WindowUDF;
use datafusion_plugin_api::abi::{CallError, WindowFunctionObject, message::FunctionDescriptor};
use std::sync::Arc;
#[derive(Debug)]
pub(crate) struct WindowFunction;
impl WindowFunction {
    pub(crate) fn import(
        _: Origin,
        _: WindowFunctionObject,
        _: FunctionDescriptor,
        _: &[DataType],
    ) -> Result<Self, CallError> {
        Err(CallError::contract("stand-in"))
    }
}
pub(crate) struct PluginWindowUdf;
impl PluginWindowUdf {
    pub(crate) fn new(_: String, _: Vec<String>, _: Arc<WindowFunction>) -> Self {
        Self
    }
}
impl From<PluginWindowUdf> for WindowUDF {
    fn from(_: PluginWindowUdf) -> Self {
        unreachable!()
    }
}
