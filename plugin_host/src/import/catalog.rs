//! A plugin's catalog as a [`CatalogProvider`].

use std::sync::Arc;

use abi_stable::std_types::{ROption, RString};
use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, SchemaProvider, TableProvider},
    common::{DataFusionError, Result, exec_err},
};
use datafusion_plugin_api::{
    abi::{CallError, CatalogObject, CatalogSchemaObject},
    df55::error::from_call_error,
};

use super::{origin::Origin, table::open};

/// A catalog of a plugin.
#[derive(Debug)]
pub(crate) struct PluginCatalog {
    origin: Origin,
    object: Arc<CatalogObject>,
}

impl PluginCatalog {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn new(origin: Origin, object: CatalogObject) -> Self {
        let object = Arc::new(object);
        Self { origin, object }
    }
}

impl PartialEq for PluginCatalog {
    fn eq(&self, other: &Self) -> bool {
        self.origin == other.origin
    }
}

impl CatalogProvider for PluginCatalog {
    fn schema_names(&self) -> Vec<String> {
        let names = |catalog: &CatalogObject, ()| catalog.schema_names();
        let names = self.origin.plan(&self.object, names, ());
        names.map_or_else(
            |error| self.origin.passed_over(error),
            |names| names.into_iter().map(Into::into).collect(),
        )
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let schema = self
            .origin
            .plan(&self.object, CatalogObject::schema, name.into());
        let object = match schema {
            Ok(ROption::RSome(object)) => Arc::new(object),
            Ok(ROption::RNone) => return None,
            // That there is none would not say why: who looks for its tables is told.
            Err(error) => {
                let error = self.origin.attribute(error);
                self.origin.tell(&from_call_error(error.clone()));
                return Some(Arc::new(UntoldSchema(error)));
            }
        };
        let owner = |schema: &CatalogSchemaObject, ()| schema.owner_name();
        let owner = self
            .origin
            .plan(&object, owner, ())
            .map(|owner| owner.into_option().map(Into::into))
            .unwrap_or_else(|error| self.origin.passed_over(error));
        Some(Arc::new(PluginSchema {
            origin: self.origin.clone(),
            owner,
            object,
        }))
    }
}

/// A schema that the catalog could not be asked for.
#[derive(Debug)]
struct UntoldSchema(CallError);

#[async_trait]
impl SchemaProvider for UntoldSchema {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, _: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        Err(from_call_error(self.0.clone()))
    }

    fn table_exist(&self, _: &str) -> bool {
        false
    }
}

#[derive(Debug)]
struct PluginSchema {
    origin: Origin,
    owner: Option<String>,
    object: Arc<CatalogSchemaObject>,
}

impl PluginSchema {
    fn ask<T: Send + 'static>(
        &self,
        method: fn(&CatalogSchemaObject, RString) -> Result<T, CallError>,
        name: &str,
    ) -> Result<T> {
        let answer = self.origin.plan(&self.object, method, name.into());
        answer.map_err(|error| self.origin.error(error))
    }
}

#[async_trait]
impl SchemaProvider for PluginSchema {
    fn owner_name(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    fn table_names(&self) -> Vec<String> {
        let names = |schema: &CatalogSchemaObject, ()| schema.table_names();
        let names = self.origin.plan(&self.object, names, ());
        names.map_or_else(
            |error| self.origin.passed_over(error),
            |names| names.into_iter().map(Into::into).collect(),
        )
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let opening = self.ask(CatalogSchemaObject::table, name)?;
        open(&self.origin, opening).await
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.ask(CatalogSchemaObject::remove_table, name)? {
            // DataFusion looks the table up first, and needs no more than that there was one.
            true => Ok(Some(Arc::new(
                datafusion::datasource::empty::EmptyTable::new(Arc::new(
                    datafusion::arrow::datatypes::Schema::empty(),
                )),
            ))),
            false => exec_err!("there is no table '{name}'"),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        let exists = CatalogSchemaObject::has_table;
        let exists = self.origin.plan(&self.object, exists, name.into());
        exists.unwrap_or_else(|error| self.origin.passed_over(error))
    }
}
