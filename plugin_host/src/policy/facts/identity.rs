//! Which table a scan is of, whatever it is called in the plan.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    catalog::{DynamicFileSchemaProvider, MemorySchemaProvider, SchemaProvider, TableProvider},
    common::{Result, SchemaReference, TableReference, tree_node::Transformed},
    datasource::{
        cte_worktable::CteWorkTable, listing::ListingTable, provider_as_source, source_as_provider,
    },
    execution::SessionState,
    logical_expr::{LogicalPlan, TableScanBuilder, TableSource},
};
use datafusion_plugin_api::abi::message::RelationKind;
use futures::FutureExt;

use super::super::{catalog::Guarded, guard::TableId, restricted::Restricted};

pub(in super::super) const INFORMATION_SCHEMA: &str = "information_schema";

/// A scan's table.
#[derive(Debug, Clone)]
pub(in super::super) struct Identified {
    pub(in super::super) id: TableId,
    pub(in super::super) relation: RelationKind,
    /// The table itself, not the one that stands for it while a statement is planned.
    pub(in super::super) provider: Option<Arc<dyn TableProvider>>,
}

impl Identified {
    /// Where the rows of a table that is in no catalog are, as far as that is known.
    pub(in super::super) fn locations(&self) -> Vec<String> {
        let listing = self
            .provider
            .as_ref()
            .and_then(|p| p.downcast_ref::<ListingTable>());
        match (self.relation, listing) {
            (RelationKind::Location, None) => vec![self.id.table.clone()],
            (RelationKind::Location | RelationKind::Unregistered, Some(listing)) => {
                let paths = listing.table_paths().iter();
                paths.map(|path| path.as_str().to_owned()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a view is, not yet read.
    pub(in super::super) fn body(
        &self,
        identities: &Identities<'_>,
    ) -> Result<Option<LogicalPlan>> {
        let provider = self.provider.as_ref();
        let plan = provider.and_then(|provider| provider.get_logical_plan());
        plan.map(|plan| identities.closed(plan.into_owned()))
            .transpose()
    }
}

/// Tells tables from their scans.
///
/// A table that was looked up through a guarded catalog says who it is. Others, in plans that were
/// made elsewhere and in the bodies of views, are compared with what the catalogs hold: a scan may
/// bear any name. Only what is in no catalog goes by its name.
pub(in super::super) struct Identities<'a> {
    state: &'a SessionState,
    /// In which catalog and schema bare names were meant when plans were made elsewhere: not those of
    /// the moment, which `SET` changes.
    home: (&'a str, &'a str),
    held: Option<HashMap<*const (), TableId>>,
    /// Tables that were looked up while the statement was planned.
    seen: HashMap<TableId, Identified>,
}

impl<'a> Identities<'a> {
    pub(in super::super) fn new(state: &'a SessionState, home: (&'a str, &'a str)) -> Self {
        Self {
            state,
            home,
            held: None,
            seen: HashMap::new(),
        }
    }

    pub(in super::super) fn with_seen(mut self, seen: HashMap<TableId, Identified>) -> Self {
        self.seen = seen;
        self
    }

    /// The table of a name that DDL has, of which there need be none.
    pub(in super::super) fn by_name(&self, name: &TableReference) -> Identified {
        let defaults = &self.state.config_options().catalog;
        let (catalog, schema) = (&defaults.default_catalog, &defaults.default_schema);
        let resolved = name.clone().resolve(catalog, schema);
        self.seen(&TableId {
            catalog: resolved.catalog.to_string(),
            schema: resolved.schema.to_string(),
            table: resolved.table.to_string(),
        })
    }

    /// A table that was looked up while the statement was planned, or else its name.
    pub(in super::super) fn seen(&self, id: &TableId) -> Identified {
        let by_name = || Identified {
            id: id.clone(),
            relation: RelationKind::Table,
            provider: None,
        };
        self.seen.get(id).cloned().unwrap_or_else(by_name)
    }

    /// Closes the views that DataFusion opened while it made the plan, which leaves of them an alias
    /// above their body. A view that was opened and then optimized is not known any more; what is in
    /// it is.
    ///
    /// # Errors
    /// Those of rebuilding the plan.
    pub(in super::super) fn closed(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let closed = plan.transform_down_with_subqueries(|node| {
            let LogicalPlan::SubqueryAlias(alias) = &node else {
                return Ok(Transformed::no(node));
            };
            let Some(view) = self.opened(&alias.alias, &alias.input) else {
                return Ok(Transformed::no(node));
            };
            let scan = TableScanBuilder::new(alias.alias.clone(), provider_as_source(view));
            Ok(Transformed::yes(LogicalPlan::TableScan(scan.build()?)))
        })?;
        Ok(closed.data)
    }

    /// The view of a name, if this is its body.
    fn opened(&self, name: &TableReference, body: &LogicalPlan) -> Option<Arc<dyn TableProvider>> {
        let resolved = name.clone().resolve(self.home.0, self.home.1);
        let catalog = self.state.catalog_list().catalog(&resolved.catalog)?;
        let schema = catalog.schema(&resolved.schema)?;
        if !schema.table_exist(&resolved.table) {
            return None;
        }
        let view = schema.table(&resolved.table).now_or_never()?.ok()??;
        let is_it = view
            .get_logical_plan()
            .is_some_and(|plan| plan.as_ref() == body);
        is_it.then_some(view)
    }

    /// `None` for the work table of a recursive query, which is no table, and for a table that was
    /// decided on and restricted before: DataFusion optimizes some plans twice.
    pub(in super::super) fn of(
        &mut self,
        name: &TableReference,
        source: &Arc<dyn TableSource>,
    ) -> Option<Identified> {
        let provider = source_as_provider(source).ok();
        if let Some(provider) = &provider {
            if let Some(guarded) = provider.downcast_ref::<Guarded>() {
                return Some(guarded.identified());
            }
            if provider.is::<CteWorkTable>() || provider.is::<Restricted>() {
                return None;
            }
        }
        let resolved = name.clone().resolve(self.home.0, self.home.1);
        let by_name = TableId {
            catalog: resolved.catalog.to_string(),
            schema: resolved.schema.to_string(),
            table: resolved.table.to_string(),
        };
        let id = provider
            .as_ref()
            .and_then(|provider| self.holder(&by_name, provider));
        let known = id.is_some()
            || by_name.schema == INFORMATION_SCHEMA
            || self
                .schema(&by_name)
                .is_some_and(|schema| schema.table_exist(&by_name.table));
        let relation = match (known, source.get_logical_plan()) {
            (true, Some(_)) => RelationKind::View,
            (true, None) => RelationKind::Table,
            (false, _) => RelationKind::Unregistered,
        };
        Some(Identified {
            id: id.unwrap_or(by_name),
            relation,
            provider,
        })
    }

    /// The tables of a schema.
    pub(in super::super) fn tables_of(&self, schema: &SchemaReference) -> Vec<TableReference> {
        let default = self.state.config_options().catalog.default_catalog.as_str();
        let (catalog, schema) = match schema {
            SchemaReference::Bare { schema } => (default, schema),
            SchemaReference::Full { schema, catalog } => (catalog.as_ref(), schema),
        };
        let provider = self.state.catalog_list().catalog(catalog);
        let provider = provider.and_then(|provider| provider.schema(schema));
        let names = provider.map_or_else(Vec::new, |provider| provider.table_names());
        let names = names.into_iter();
        names
            .map(|table| TableReference::full(catalog, schema.as_ref(), table))
            .collect()
    }

    fn schema(&self, id: &TableId) -> Option<Arc<dyn SchemaProvider>> {
        self.state
            .catalog_list()
            .catalog(&id.catalog)?
            .schema(&id.schema)
    }

    /// The name under which a catalog holds this very object.
    fn holder(&mut self, by_name: &TableId, provider: &Arc<dyn TableProvider>) -> Option<TableId> {
        let found = self
            .schema(by_name)
            // A catalog may take what is no table for a location, and read it.
            .filter(|schema| schema.table_exist(&by_name.table))
            .and_then(|schema| schema.table(&by_name.table).now_or_never()?.ok()?);
        if found.is_some_and(|found| address(&found) == address(provider)) {
            return Some(by_name.clone());
        }
        let state = self.state;
        let held = self.held.get_or_insert_with(|| held(state));
        held.get(&address(provider)).cloned()
    }
}

fn address(provider: &Arc<dyn TableProvider>) -> *const () {
    Arc::as_ptr(provider).cast()
}

/// Every table that schemas in memory hold. Other schemas may make a new object for each look, and
/// may ask a server for it.
fn held(state: &SessionState) -> HashMap<*const (), TableId> {
    let mut held = HashMap::new();
    let catalogs = state.catalog_list();
    for catalog in catalogs.catalog_names() {
        let Some(provider) = catalogs.catalog(&catalog) else {
            continue;
        };
        for schema in provider.schema_names() {
            let Some(provider) = provider.schema(&schema) else {
                continue;
            };
            let in_memory =
                provider.is::<MemorySchemaProvider>() || provider.is::<DynamicFileSchemaProvider>();
            if !in_memory {
                continue;
            }
            for table in provider.table_names() {
                let found = provider.table(&table).now_or_never();
                if let Some(Ok(Some(found))) = found {
                    let id = TableId {
                        catalog: catalog.clone(),
                        schema: schema.clone(),
                        table,
                    };
                    held.insert(address(&found), id);
                }
            }
        }
    }
    held
}
