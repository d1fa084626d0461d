//! Stand-in.
use super::origin::Origin;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::AggregateUDF;
use datafusion_plugin_api::abi::{AggregateFunctionObject, CallError, message::FunctionDescriptor};
use std::sync::Arc;
#[derive(Debug)]
pub(crate) struct AggregateFunction;
impl AggregateFunction {
    pub(crate) fn import(
        _: Origin,
        _: AggregateFunctionObject,
        _: FunctionDescriptor,
        _: &[DataType],
    ) -> Result<Self, CallError> {
        Err(CallError::contract("stand-in"))
    }
}
pub(crate) struct PluginAggregateUdf;
impl PluginAggregateUdf {
    pub(crate) fn new(_: String, _: Vec<String>, _: Arc<AggregateFunction>) -> Self {
        Self
    }
}
impl From<PluginAggregateUdf> for AggregateUDF {
    fn from(_: PluginAggregateUdf) -> Self {
        unreachable!()
    }
}
