//! A plugin's table function as a [`TableFunctionImpl`].

use std::sync::Arc;

use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, plan_err},
    logical_expr::Expr,
};
use datafusion_plugin_api::{
    abi::{
        TableFunctionObject,
        message::{TableArgument, TableCall},
    },
    df55::parcel::ParcelBuilder,
};

use super::PluginTable;
use crate::import::{origin::Origin, settings::settings_in};

/// A table function of a plugin.
#[derive(Debug)]
pub(crate) struct TableFunction {
    origin: Origin,
    object: Arc<TableFunctionObject>,
}

impl TableFunction {
    pub(crate) fn new(origin: Origin, object: TableFunctionObject) -> Self {
        let object = Arc::new(object);
        Self { origin, object }
    }
}

/// The table function as a session takes it.
#[derive(Debug, Clone)]
pub(crate) struct PluginTableFunction(Arc<TableFunction>);

impl PluginTableFunction {
    pub(crate) fn new(function: Arc<TableFunction>) -> Self {
        Self(function)
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.0.origin
    }
}

impl PartialEq for PluginTableFunction {
    fn eq(&self, other: &Self) -> bool {
        self.0.origin == other.0.origin
    }
}

impl TableFunctionImpl for PluginTableFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let origin = &self.0.origin;
        let settings = settings_in(args.session());
        let mut request = ParcelBuilder::new();
        let mut arguments = Vec::with_capacity(args.exprs().len());
        for (position, expr) in args.exprs().iter().enumerate() {
            arguments.push(match expr {
                Expr::Literal(value, _) => request
                    .value(value)
                    .map(TableArgument::Value)
                    .map_err(|e| origin.error(e))?,
                Expr::Column(column) => {
                    let mut parts = column
                        .relation
                        .as_ref()
                        .map(|r| r.to_vec())
                        .unwrap_or_default();
                    parts.push(column.name.clone());
                    TableArgument::Identifier(parts)
                }
                other => {
                    return plan_err!(
                        "argument {} of table function '{}.{}' is {other}, expected a constant \
                         or an identifier",
                        position + 1,
                        origin.plugin().name(),
                        origin.item()
                    );
                }
            });
        }
        let call = TableCall {
            arguments,
            settings,
        };
        let table = origin.call(|| {
            let request = request.finish(&call)?;
            origin.plan(&self.0.object, TableFunctionObject::call, request)
        })?;
        let table = PluginTable::new(origin.clone(), table)?;
        Ok(Arc::new(table))
    }
}
