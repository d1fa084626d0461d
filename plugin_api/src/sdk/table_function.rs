//! An author's table function behind the contract.

use std::sync::Arc;

use datafusion_common::Column;
use datafusion_expr::{Documentation, Expr};
use datafusion_session::{TableFunctionArgs, TableFunctionImpl};

use super::{functions::Functions, runtime, session::PluginSession, table::TableExport};
use crate::{
    abi::{
        CallError, Parcel, TableFunction, TableObject,
        message::{TableArgument, TableCall, TableFunctionDescriptor},
    },
    df55::{
        documentation::documentation_to_message, error::to_call_error, names::table_reference,
        parcel::ParcelContent,
    },
};

/// A table function as exported.
#[derive(Debug, Clone)]
pub(super) struct TableFunctionEntry {
    pub(super) name: String,
    pub(super) function: Arc<dyn TableFunctionImpl>,
    pub(super) documentation: Option<Documentation>,
}

impl TableFunctionEntry {
    pub(super) fn descriptor(&self) -> TableFunctionDescriptor {
        TableFunctionDescriptor {
            name: self.name.clone(),
            syntax: self
                .documentation
                .as_ref()
                .map(|doc| doc.syntax_example.clone()),
            documentation: self.documentation.as_ref().map(documentation_to_message),
        }
    }
}

/// A table function behind the contract.
pub(super) struct TableFunctionExport {
    pub(super) entry: TableFunctionEntry,
    pub(super) functions: Arc<Functions>,
}

impl TableFunction for TableFunctionExport {
    fn item(&self) -> &str {
        &self.entry.name
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        Parcel::of(&self.entry.descriptor())
    }

    fn call(&self, request: Parcel) -> Result<TableObject, CallError> {
        let call = ParcelContent::<TableCall>::read(request)?;
        let argument = |argument: &TableArgument| match argument {
            TableArgument::Value(position) => call
                .value(*position)
                .map(|value| Expr::Literal(value.clone(), None)),
            TableArgument::Identifier(parts) => identifier(parts),
        };
        let exprs: Vec<Expr> = call
            .message
            .arguments
            .iter()
            .map(argument)
            .collect::<Result<_, _>>()?;
        let session = PluginSession::new(&call.message.settings);
        let _entered = runtime::enter()?;
        let args = TableFunctionArgs::new(&exprs, &session);
        let provider = self
            .entry
            .function
            .call_with_args(args)
            .map_err(|error| to_call_error(&error))?;
        Ok(TableExport::object(
            &self.entry.name,
            provider,
            &self.functions,
        ))
    }
}

/// An identifier in parts as DataFusion has it: a column, qualified by all parts but the last.
fn identifier(parts: &[String]) -> Result<Expr, CallError> {
    let Some((name, relation)) = parts.split_last() else {
        return Err(CallError::contract("an identifier of no parts"));
    };
    let relation = table_reference(&relation.to_vec())?;
    Ok(Expr::Column(Column::new(relation, name.as_str())))
}
