//! An author's table factory behind the contract, and tables that are being looked up or made.

use std::{sync::Arc, task::Poll};

use abi_stable::std_types::ROption;
use datafusion_common::{DFSchema, TableReference};
use datafusion_expr::{CreateExternalTable, SortExpr};
use datafusion_session::{TableProvider, TableProviderFactory};

use super::{
    expressions::expressions, functions::Functions, pending::Pending, session::PluginSession,
    table::TableExport,
};
use crate::{
    abi::{
        CallError, HostWaker, Opening, Parcel, TableFactory, TableOpening, TableOpeningObject,
        message::{CreateTable, SortDirection},
    },
    df55::{
        error::to_call_error, names::table_reference, parcel::ParcelContent,
        plan_properties::constraints_from_message,
    },
};

/// A table factory as exported, under the word after `STORED AS`.
#[derive(Debug, Clone)]
pub(super) struct TableFactoryEntry {
    pub(super) name: String,
    pub(super) factory: Arc<dyn TableProviderFactory>,
}

/// A table factory behind the contract.
pub(super) struct TableFactoryExport {
    pub(super) entry: TableFactoryEntry,
    pub(super) functions: Arc<Functions>,
}

impl TableFactory for TableFactoryExport {
    fn item(&self) -> &str {
        &self.entry.name
    }

    fn create(&self, request: Parcel) -> Result<TableOpeningObject, CallError> {
        let content = ParcelContent::<CreateTable>::read(request)?;
        let command = command(&content, &self.functions)?;
        let session = PluginSession::new(&content.message.settings);
        let factory = Arc::clone(&self.entry.factory);
        Ok(OpeningExport::object(
            &self.entry.name,
            &self.functions,
            async move {
                let table = factory.create(&session, &command).await;
                table.map(Some).map_err(|error| to_call_error(&error))
            },
        ))
    }
}

fn command(
    content: &ParcelContent<CreateTable>,
    functions: &Functions,
) -> Result<CreateExternalTable, CallError> {
    let message = &content.message;
    let schema = content.schema();
    let mut exprs = expressions(content, &message.expressions, functions)?.into_iter();
    let mut next = || {
        exprs
            .next()
            .ok_or_else(|| CallError::contract("fewer expressions than were announced"))
    };
    let sort = |direction: &SortDirection, expr| SortExpr {
        expr,
        asc: !direction.descending,
        nulls_first: direction.nulls_first,
    };
    let mut order_exprs = Vec::with_capacity(message.orderings.len());
    for ordering in &message.orderings {
        let sorts = ordering.iter().map(|d| Ok(sort(d, next()?)));
        order_exprs.push(sorts.collect::<Result<_, CallError>>()?);
    }
    let defaults = message.defaults.iter();
    let column_defaults = defaults
        .map(|column| Ok((column.clone(), next()?)))
        .collect::<Result<_, CallError>>()?;
    Ok(CreateExternalTable {
        constraints: constraints_from_message(&message.constraints, &schema)?,
        schema: Arc::new(
            DFSchema::try_from(schema.as_ref().clone()).map_err(|error| to_call_error(&error))?,
        ),
        name: table_reference(&message.name)?.unwrap_or_else(|| TableReference::bare("")),
        locations: message.locations.clone(),
        file_type: message.file_type.clone(),
        table_partition_cols: message.partition_columns.clone(),
        if_not_exists: message.if_not_exists,
        or_replace: message.or_replace,
        temporary: message.temporary,
        definition: message.definition.clone(),
        order_exprs,
        unbounded: message.unbounded,
        options: message.options.clone().into_iter().collect(),
        column_defaults,
    })
}

/// A table that is being looked up or made.
pub(super) struct OpeningExport {
    name: String,
    functions: Arc<Functions>,
    work: Pending<Option<Arc<dyn TableProvider>>>,
}

impl OpeningExport {
    pub(super) fn object(
        name: &str,
        functions: &Arc<Functions>,
        work: impl Future<Output = Result<Option<Arc<dyn TableProvider>>, CallError>> + Send + 'static,
    ) -> TableOpeningObject {
        TableOpeningObject::new(Self {
            name: name.to_owned(),
            functions: Arc::clone(functions),
            work: Pending::new(work),
        })
    }
}

impl TableOpening for OpeningExport {
    fn item(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, waker: HostWaker) -> Result<Opening, CallError> {
        let Poll::Ready(table) = self.work.poll(waker)? else {
            return Ok(Opening::Pending);
        };
        let table = table.map(|table| TableExport::object(&self.name, table, &self.functions));
        Ok(Opening::Ready(ROption::from(table)))
    }
}
