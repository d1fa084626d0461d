//! The catalogs of a plain session, where DDL ends.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider},
    common::Result,
    datasource::{TableType, listing::ListingTable},
};
use datafusion_plugin_api::abi::message::{
    Access, LocationUsed, Stage, StatementFacts, StatementKind, TableUse,
};
use futures::FutureExt;

use super::super::{catalog::Visibility, facts::location, guard::TableId, lists::Lists};

/// All catalogs of a session.
#[derive(Debug)]
pub(super) struct PlainCatalogs {
    inner: Arc<dyn CatalogProviderList>,
    lists: Arc<Lists>,
}

impl PlainCatalogs {
    pub(super) fn new(inner: Arc<dyn CatalogProviderList>, lists: Arc<Lists>) -> Self {
        Self { inner, lists }
    }

    pub(super) fn inner(&self) -> &Arc<dyn CatalogProviderList> {
        &self.inner
    }
}

fn kind_only(kind: StatementKind) -> StatementFacts {
    StatementFacts {
        kind,
        ..StatementFacts::default()
    }
}

impl CatalogProviderList for PlainCatalogs {
    fn register_catalog(
        &self,
        name: String,
        catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        // No error can be returned here: a catalog that is refused is not there.
        match self.lists.decide(kind_only(StatementKind::CreateCatalog)) {
            Ok(_) => self.inner.register_catalog(name, catalog),
            Err(error) => {
                tracing::warn!(catalog = name, %error, "not registered");
                None
            }
        }
    }

    fn catalog_names(&self) -> Vec<String> {
        self.inner.catalog_names()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let inner = self.inner.catalog(name)?;
        Some(Arc::new(PlainCatalog {
            name: name.to_owned(),
            inner,
            lists: Arc::clone(&self.lists),
        }))
    }
}

#[derive(Debug)]
struct PlainCatalog {
    name: String,
    inner: Arc<dyn CatalogProvider>,
    lists: Arc<Lists>,
}

impl PlainCatalog {
    fn schema_of(&self, name: &str) -> Option<PlainSchema> {
        Some(PlainSchema {
            catalog: self.name.clone(),
            name: name.to_owned(),
            inner: self.inner.schema(name)?,
            lists: Arc::clone(&self.lists),
        })
    }
}

impl CatalogProvider for PlainCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.inner.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(Arc::new(self.schema_of(name)?))
    }

    fn register_schema(
        &self,
        name: &str,
        schema: Arc<dyn SchemaProvider>,
    ) -> Result<Option<Arc<dyn SchemaProvider>>> {
        self.lists.decide(kind_only(StatementKind::CreateSchema))?;
        self.inner.register_schema(name, schema)
    }

    fn deregister_schema(
        &self,
        name: &str,
        cascade: bool,
    ) -> Result<Option<Arc<dyn SchemaProvider>>> {
        let mut facts = kind_only(StatementKind::DropSchema);
        if let Some(schema) = self.schema_of(name) {
            let tables = schema.inner.table_names().into_iter();
            facts.tables = tables
                .map(|table| schema.used(&table, Access::Drop))
                .collect();
        }
        self.lists.decide_whole(facts)?;
        self.inner.deregister_schema(name, cascade)
    }
}

#[derive(Debug)]
struct PlainSchema {
    catalog: String,
    name: String,
    inner: Arc<dyn SchemaProvider>,
    lists: Arc<Lists>,
}

impl PlainSchema {
    fn id(&self, table: &str) -> TableId {
        TableId {
            catalog: self.catalog.clone(),
            schema: self.name.clone(),
            table: table.to_owned(),
        }
    }

    fn used(&self, table: &str, access: Access) -> TableUse {
        TableUse {
            catalog: self.catalog.clone(),
            schema: self.name.clone(),
            table: table.to_owned(),
            access: vec![access],
            named: true,
            ..TableUse::default()
        }
    }

    fn sees(&self, name: &str) -> bool {
        let table = self.inner.table(name).now_or_never();
        let table = table.and_then(Result::ok).flatten();
        self.lists.is_visible(&self.id(name), table.as_ref())
    }
}

#[async_trait]
impl SchemaProvider for PlainSchema {
    fn owner_name(&self) -> Option<&str> {
        self.inner.owner_name()
    }

    fn table_names(&self) -> Vec<String> {
        let mut names = self.inner.table_names();
        names.retain(|name| self.sees(name));
        names
    }

    /// A table that may not be seen at all is not handed out; what may be done with others shows when
    /// a query is analyzed.
    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !self.inner.table_exist(name) {
            self.lists.decide(StatementFacts {
                stage: Stage::Lookup,
                kind: StatementKind::List,
                tables: vec![self.used(name, Access::List)],
                locations: vec![location(name, LocationUsed::Read)],
                ..StatementFacts::default()
            })?;
        }
        let Some(table) = self.inner.table(name).await? else {
            return Ok(None);
        };
        self.lists.look(&self.id(name), Some(&table))?;
        Ok(Some(table))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        self.inner.table_type(name).await
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        let listing = table.downcast_ref::<ListingTable>();
        let mut facts = kind_only(match (table.table_type(), listing) {
            (TableType::View, _) => StatementKind::CreateView,
            (_, Some(_)) => StatementKind::CreateExternalTable,
            _ => StatementKind::CreateTable,
        });
        facts.tables = vec![self.used(&name, Access::Create)];
        let paths = listing.into_iter().flat_map(ListingTable::table_paths);
        let locations = paths.map(|path| location(path.as_ref(), LocationUsed::ExternalTable));
        facts.locations = locations.collect();
        self.lists.decide(facts)?;
        self.inner.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let table = self.inner.table(name).now_or_never();
        let table = table.and_then(Result::ok).flatten();
        let view = table.is_some_and(|table| table.table_type() == TableType::View);
        let mut facts = kind_only(match view {
            true => StatementKind::DropView,
            false => StatementKind::DropTable,
        });
        facts.tables = vec![self.used(name, Access::Drop)];
        self.lists.decide_whole(facts)?;
        self.inner.deregister_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}
