//! An activated plugin behind the contract.

use std::sync::Arc;

use super::{Plugin, functions::Functions, scalar};
use crate::{
    abi::{
        AggregateFunctionObject, CallError, Parcel, PluginInstance, ScalarFunctionObject,
        TableFunctionObject, WindowFunctionObject, message::Exports,
    },
    df55::{parcel::ParcelBuilder, types::TypeList},
};

pub(super) struct Instance {
    scalar: Arc<Functions>,
}

impl Instance {
    pub(super) fn new(plugin: Plugin) -> Self {
        Self {
            scalar: Arc::new(Functions::new(plugin.scalar)),
        }
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
        none("aggregate", position)
    }

    fn window_function(&self, position: usize) -> Result<WindowFunctionObject, CallError> {
        none("window", position)
    }

    fn table_function(&self, position: usize) -> Result<TableFunctionObject, CallError> {
        none("table", position)
    }
}
