//! Catalogs while a statement is planned: every table is told by its full name, views stay closed,
//! and lists show what may be seen.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, Session, TableProvider},
    common::{Constraints, Result},
    datasource::TableType,
    logical_expr::{Expr, LogicalPlan},
    physical_plan::ExecutionPlan,
};
use datafusion_plugin_api::abi::message::RelationKind;
use futures::FutureExt;

use super::{PolicyRefusal, facts::Identified, guard::TableId};

/// Whether a table may be seen in lists.
pub(super) trait Visibility: fmt::Debug + Send + Sync {
    fn is_visible(&self, id: &TableId, table: Option<&Arc<dyn TableProvider>>) -> bool;
}

/// What tables and lists of one statement's catalogs share.
#[derive(Debug)]
pub(super) struct Planning {
    visibility: Arc<dyn Visibility>,
    /// Names without a table that may be looked up all the same: locations that policies let pass.
    locations: HashSet<TableId>,
    seen: Mutex<HashMap<TableId, Identified>>,
}

impl Planning {
    pub(super) fn new(visibility: Arc<dyn Visibility>, locations: HashSet<TableId>) -> Arc<Self> {
        Arc::new(Self {
            visibility,
            locations,
            seen: Mutex::default(),
        })
    }

    /// The tables that were looked up.
    pub(super) fn seen(&self) -> HashMap<TableId, Identified> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

/// A table's place while a statement is planned. It cannot be scanned.
pub(super) struct Guarded {
    identified: Identified,
    table: Arc<dyn TableProvider>,
}

impl Guarded {
    pub(super) fn identified(&self) -> Identified {
        self.identified.clone()
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guarded({})", self.identified.id)
    }
}

#[async_trait]
impl TableProvider for Guarded {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn constraints(&self) -> Option<&Constraints> {
        self.table.constraints()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn get_table_definition(&self) -> Option<&str> {
        self.table.get_table_definition()
    }

    // Views stay closed until policies have decided.
    fn get_logical_plan(&'_ self) -> Option<Cow<'_, LogicalPlan>> {
        None
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.table.get_column_default(column)
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let problem = format!("{self:?} was reached without a decision");
        Err(PolicyRefusal::Ungovernable { problem }.into())
    }
}

/// All catalogs, guarded.
#[derive(Debug)]
pub(super) struct GuardedCatalogs {
    inner: Arc<dyn CatalogProviderList>,
    planning: Arc<Planning>,
}

impl GuardedCatalogs {
    pub(super) fn new(inner: Arc<dyn CatalogProviderList>, planning: Arc<Planning>) -> Self {
        Self { inner, planning }
    }
}

impl CatalogProviderList for GuardedCatalogs {
    // What is planned changes no catalog.
    fn register_catalog(
        &self,
        _: String,
        _: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        self.inner.catalog_names()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let inner = self.inner.catalog(name)?;
        Some(Arc::new(GuardedCatalog {
            name: name.to_owned(),
            inner,
            planning: Arc::clone(&self.planning),
        }))
    }
}

#[derive(Debug)]
struct GuardedCatalog {
    name: String,
    inner: Arc<dyn CatalogProvider>,
    planning: Arc<Planning>,
}

impl CatalogProvider for GuardedCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.inner.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let inner = self.inner.schema(name)?;
        Some(Arc::new(GuardedSchema {
            catalog: self.name.clone(),
            name: name.to_owned(),
            inner,
            planning: Arc::clone(&self.planning),
        }))
    }
}

#[derive(Debug)]
struct GuardedSchema {
    catalog: String,
    name: String,
    inner: Arc<dyn SchemaProvider>,
    planning: Arc<Planning>,
}

impl GuardedSchema {
    fn id(&self, table: &str) -> TableId {
        TableId {
            catalog: self.catalog.clone(),
            schema: self.name.clone(),
            table: table.to_owned(),
        }
    }
}

#[async_trait]
impl SchemaProvider for GuardedSchema {
    fn owner_name(&self) -> Option<&str> {
        self.inner.owner_name()
    }

    fn table_names(&self) -> Vec<String> {
        let mut names = self.inner.table_names();
        names.retain(|name| {
            // A view shows what is under it.
            let table = self.inner.table(name).now_or_never();
            let table = table.and_then(Result::ok).flatten();
            let visibility = &self.planning.visibility;
            visibility.is_visible(&self.id(name), table.as_ref())
        });
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let id = self.id(name);
        let location = !self.inner.table_exist(name);
        if location && !self.planning.locations.contains(&id) {
            return Ok(None);
        }
        let Some(table) = self.inner.table(name).await? else {
            return Ok(None);
        };
        let view = table.get_logical_plan().is_some();
        let identified = Identified {
            relation: match (location, view) {
                (true, _) => RelationKind::Location,
                (false, true) => RelationKind::View,
                (false, false) => RelationKind::Table,
            },
            provider: Some(Arc::clone(&table)),
            id: id.clone(),
        };
        let mut seen = self
            .planning
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        seen.insert(id, identified.clone());
        drop(seen);
        Ok(Some(Arc::new(Guarded { identified, table })))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        self.inner.table_type(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}
