//! A plugin's catalog as a [`CatalogProvider`].

use std::sync::Arc;

use abi_stable::std_types::ROption;
use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, SchemaProvider, TableProvider},
    common::{DataFusionError, Result, exec_err},
};
use datafusion_plugin_api::abi::{CatalogObject, CatalogSchemaObject};

use super::{origin::Origin, table::open};

/// A catalog of a plugin.
#[derive(Debug)]
pub(crate) struct PluginCatalog {
    origin: Origin,
    object: CatalogObject,
}

impl PluginCatalog {
    pub(crate) fn new(origin: Origin, object: CatalogObject) -> Self {
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
        let names = self
            .origin
            .admit()
            .and_then(|()| self.object.schema_names());
        names.map_or_else(
            |error| self.origin.passed_over(error),
            |names| names.into_iter().map(Into::into).collect(),
        )
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let schema = self.origin.call(|| self.object.schema(name.into()));
        let schema = schema.unwrap_or_else(|error| {
            self.origin.tell(&error);
            ROption::RNone
        });
        let ROption::RSome(object) = schema else {
            return None;
        };
        let owner = object
            .owner_name()
            .map(|owner| owner.into_option().map(Into::into))
            .unwrap_or_else(|error| self.origin.passed_over(error));
        Some(Arc::new(PluginSchema {
            origin: self.origin.clone(),
            owner,
            object,
        }))
    }
}

#[derive(Debug)]
struct PluginSchema {
    origin: Origin,
    owner: Option<String>,
    object: CatalogSchemaObject,
}

#[async_trait]
impl SchemaProvider for PluginSchema {
    fn owner_name(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    fn table_names(&self) -> Vec<String> {
        let names = self.origin.admit().and_then(|()| self.object.table_names());
        names.map_or_else(
            |error| self.origin.passed_over(error),
            |names| names.into_iter().map(Into::into).collect(),
        )
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        let opening = self.origin.call(|| self.object.table(name.into()))?;
        open(&self.origin, opening).await
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.origin.call(|| self.object.remove_table(name.into()))? {
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
        let exists = self
            .origin
            .admit()
            .and_then(|()| self.object.has_table(name.into()));
        exists.unwrap_or_else(|error| self.origin.passed_over(error))
    }
}
