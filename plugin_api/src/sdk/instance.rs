//! An activated plugin behind the contract.

use std::sync::Arc;

use super::{
    Plugin,
    aggregate::{self, AggregateExport, AggregateFunctions},
    functions::Functions,
    interned::Interned,
    scalar,
    window::{self, WindowExport, WindowFunctions},
};
use crate::{
    abi::{
        AggregateFunctionObject, CallError, Parcel, PluginInstance, ScalarFunctionObject,
        TableFunctionObject, WindowFunctionObject, message::Exports,
    },
    df55::{parcel::ParcelBuilder, types::TypeList},
};

pub(super) struct Instance {
    scalar: Arc<Functions>,
    aggregate: Arc<AggregateFunctions>,
    window: Arc<WindowFunctions>,
    #[cfg(feature = "tables")]
    table: Vec<super::table_function::TableFunctionEntry>,
}

impl Instance {
    pub(super) fn new(plugin: Plugin) -> Self {
        Self {
            scalar: Arc::new(Functions::new(plugin.scalar)),
            aggregate: Arc::new(Interned::new(plugin.aggregate, |udf| udf.name().to_owned())),
            window: Arc::new(Interned::new(plugin.window, |udf| udf.name().to_owned())),
            #[cfg(feature = "tables")]
            table: plugin.table,
        }
    }
}

#[cfg(feature = "tables")]
impl Drop for Instance {
    fn drop(&mut self) {
        crate::abi::drop_each(self.table.drain(..), |entry| entry.name.clone());
    }
}

fn none<T>(kind: &str, position: usize) -> Result<T, CallError> {
    Err(CallError::contract(format!(
        "there is no {kind} function {position}"
    )))
}

impl PluginInstance for Instance {
    fn item(&self) -> &str {
        ""
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        let mut types = TypeList::default();
        let mut exports = Exports::default();
        for entry in self.scalar.exports() {
            exports
                .scalar_functions
                .push(scalar::descriptor(entry, &mut types)?);
        }
        for udf in self.aggregate.exports() {
            exports
                .aggregate_functions
                .push(aggregate::descriptor(udf, &mut types)?);
        }
        for udf in self.window.exports() {
            exports
                .window_functions
                .push(window::descriptor(udf, &mut types)?);
        }
        #[cfg(feature = "tables")]
        for entry in &self.table {
            exports.table_functions.push(entry.descriptor());
        }
        ParcelBuilder::new()
            .types(types.as_slice())
            .finish(&exports)
    }

    fn scalar_function(&self, position: usize) -> Result<ScalarFunctionObject, CallError> {
        if position >= self.scalar.exports().len() {
            return none("scalar", position);
        }
        self.scalar.object_by_identity(position as u64)
    }

    fn aggregate_function(&self, position: usize) -> Result<AggregateFunctionObject, CallError> {
        match self.aggregate.exports().get(position) {
            Some(udf) => Ok(AggregateExport::object(Arc::clone(udf), &self.aggregate)),
            None => none("aggregate", position),
        }
    }

    fn window_function(&self, position: usize) -> Result<WindowFunctionObject, CallError> {
        match self.window.exports().get(position) {
            Some(udf) => Ok(WindowExport::object(Arc::clone(udf), &self.window)),
            None => none("window", position),
        }
    }

    fn table_function(&self, position: usize) -> Result<TableFunctionObject, CallError> {
        #[cfg(feature = "tables")]
        if let Some(entry) = self.table.get(position) {
            return Ok(TableFunctionObject::new(entry.clone()));
        }
        none("table", position)
    }
}
