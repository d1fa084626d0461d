//! An author's catalog behind the contract.

use std::sync::Arc;

use abi_stable::std_types::{ROption, RString, RVec};
use datafusion_session::{CatalogProvider, SchemaProvider};

use super::{functions::Functions, runtime, table_factory::OpeningExport};
use crate::{
    abi::{CallError, Catalog, CatalogSchema, CatalogSchemaObject, TableOpeningObject},
    df55::error::to_call_error,
};

/// A catalog as exported.
#[derive(Debug, Clone)]
pub(super) struct CatalogEntry {
    pub(super) name: String,
    pub(super) catalog: Arc<dyn CatalogProvider>,
}

/// A catalog behind the contract.
pub(super) struct CatalogExport {
    pub(super) entry: CatalogEntry,
    pub(super) functions: Arc<Functions>,
}

impl Catalog for CatalogExport {
    fn item(&self) -> &str {
        &self.entry.name
    }

    fn schema_names(&self) -> Result<RVec<RString>, CallError> {
        let _entered = runtime::enter()?;
        Ok(names(self.entry.catalog.schema_names()))
    }

    fn schema(&self, name: RString) -> Result<ROption<CatalogSchemaObject>, CallError> {
        let _entered = runtime::enter()?;
        let schema = self.entry.catalog.schema(&name).map(|schema| {
            CatalogSchemaObject::new(SchemaExport {
                name: format!("{}.{name}", self.entry.name),
                schema,
                functions: Arc::clone(&self.functions),
            })
        });
        Ok(schema.into())
    }
}

struct SchemaExport {
    name: String,
    schema: Arc<dyn SchemaProvider>,
    functions: Arc<Functions>,
}

impl CatalogSchema for SchemaExport {
    fn item(&self) -> &str {
        &self.name
    }

    fn owner_name(&self) -> Result<ROption<RString>, CallError> {
        Ok(self.schema.owner_name().map(RString::from).into())
    }

    fn table_names(&self) -> Result<RVec<RString>, CallError> {
        let _entered = runtime::enter()?;
        Ok(names(self.schema.table_names()))
    }

    fn has_table(&self, name: RString) -> Result<bool, CallError> {
        let _entered = runtime::enter()?;
        Ok(self.schema.table_exist(&name))
    }

    fn table(&self, name: RString) -> Result<TableOpeningObject, CallError> {
        let schema = Arc::clone(&self.schema);
        let item = format!("{}.{name}", self.name);
        Ok(OpeningExport::object(&item, &self.functions, async move {
            let table = schema.table(&name).await;
            table.map_err(|error| to_call_error(&error))
        }))
    }

    fn remove_table(&self, name: RString) -> Result<bool, CallError> {
        let _entered = runtime::enter()?;
        let removed = self.schema.deregister_table(&name);
        Ok(removed.map_err(|error| to_call_error(&error))?.is_some())
    }
}

fn names(names: Vec<String>) -> RVec<RString> {
    names.into_iter().map(RString::from).collect()
}
