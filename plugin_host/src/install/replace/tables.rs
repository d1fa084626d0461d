//! Table functions, tables, table factories and catalogs that go out of a session.

use std::{any::Any, collections::BTreeSet, sync::Arc};

use datafusion::{
    catalog::{
        CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
        TableFunctionImpl,
    },
    common::Result,
    execution::SessionState,
};
use futures::FutureExt;

use super::{
    Replacement,
    displaced::{Displaced, is_plugins_catalog, is_plugins_table},
    each,
};
use crate::{
    import::{
        imported::Named,
        table::{PluginTable, PluginTableFunction},
    },
    install::session::Functions,
    policy::plain::registered,
};

/// Takes out table functions and table factories. What they displaced has its name again.
pub(super) fn remove(state: &mut SessionState, replacement: &Replacement<'_>) {
    let functions = state.table_functions().iter();
    let old = functions.filter(|(_, function)| {
        let function: &dyn TableFunctionImpl = function.function().as_ref();
        let function = (function as &dyn Any).downcast_ref::<PluginTableFunction>();
        function.is_some_and(|function| replacement.is_undecided(function.origin()))
    });
    let names: Vec<_> = old.map(|(name, _)| name.clone()).collect();
    let mut displaced = Displaced::of(state.config());
    for name in &names {
        // A session's own registry takes and gives every function.
        drop(state.deregister_udtf(name));
        if let Some(function) = displaced.table.remove(name).flatten() {
            state.register_udtf(name, Arc::clone(function.function()));
        }
    }
    for (plugin, named) in each(&replacement.undecided) {
        let Named::TableFactory(name, factory) = named else {
            continue;
        };
        for name in [format!("{plugin}.{name}"), name] {
            // What the application has put into its place displaces for good.
            let before = displaced.factories.remove(&name).flatten();
            if !state.has(&Named::TableFactory(name.clone(), Arc::clone(&factory))) {
                continue;
            }
            state.table_factories_mut().remove(&name);
            if let Some(factory) = before {
                state.table_factories_mut().insert(name, factory);
            }
        }
    }
    displaced.table.retain(|name, _| {
        let found = state.table_functions().get(name);
        found.is_some_and(is_plugins_table)
    });
    displaced.write_down(state.config_mut());
}

/// Puts new tables into the places of old ones. Other sessions, and statements that are being planned, may
/// look at the same schema, so a schema in memory is exchanged as a whole.
pub(super) fn exchange(state: &SessionState, replacement: &Replacement<'_>) {
    let of = |candidates: &[_]| -> Vec<(String, String, Arc<PluginTable>)> {
        let tables = each(candidates).filter_map(|(_, named)| match named {
            Named::TableProvider(schema, name, table) => Some((schema, name, table)),
            _ => None,
        });
        tables.collect()
    };
    let mut old = of(&replacement.old);
    old.retain(|(schema, name, table)| {
        state.has(&Named::TableProvider(
            schema.clone(),
            name.clone(),
            Arc::clone(table),
        ))
    });
    let new = of(&replacement.added);
    let schemas: BTreeSet<_> = old.iter().map(|(schema, ..)| schema.as_str()).collect();
    let default = &state.config_options().catalog.default_catalog;
    let Some(catalog) = registered(state).catalog(default) else {
        return;
    };
    for schema in schemas {
        let Some(provider) = catalog.schema(schema) else {
            continue;
        };
        let of_schema = |tables: &[(String, String, Arc<PluginTable>)]| {
            let tables = tables.iter().filter(|(of, ..)| of == schema);
            let tables = tables.map(|(_, name, table)| (name.clone(), Arc::clone(table)));
            tables.collect::<Vec<_>>()
        };
        let old = of_schema(&old);
        if let Err(error) = exchange_in(&catalog, schema, &provider, &old, of_schema(&new)) {
            tracing::debug!(schema, %error, "tables are exchanged one by one");
            for (name, _) in &old {
                // It is there, and its schema took it.
                drop(provider.deregister_table(name));
            }
        }
    }
}

fn exchange_in(
    catalog: &Arc<dyn CatalogProvider>,
    schema: &str,
    provider: &Arc<dyn SchemaProvider>,
    old: &[(String, Arc<PluginTable>)],
    new: Vec<(String, Arc<PluginTable>)>,
) -> Result<()> {
    if !provider.is::<MemorySchemaProvider>() {
        return datafusion::common::not_impl_err!("it is not in memory");
    }
    let next = Arc::new(MemorySchemaProvider::new());
    let take_over = || {
        for name in provider.table_names() {
            let is_old = old.iter().any(|(old, _)| *old == name);
            // A schema in memory answers at once.
            let table = provider.table(&name).now_or_never();
            if let Some(Ok(Some(table))) = table
                && !is_old
                && !next.table_exist(&name)
            {
                next.register_table(name, table)?;
            }
        }
        Ok(())
    };
    for (name, table) in new {
        next.register_table(name, table)?;
    }
    take_over()?;
    catalog.register_schema(schema, Arc::clone(&next) as _)?;
    // What came meanwhile.
    take_over()
}

/// A catalog that a plugin had. A list of catalogs gives none back, so this one is in its place, empty.
#[derive(Debug, Default)]
pub(in super::super) struct VacantCatalog(MemoryCatalogProvider);

impl CatalogProvider for VacantCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.0.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        self.0.schema(name)
    }
}

/// Takes out catalogs that no new one has replaced. What they displaced has its name again.
pub(super) fn vacate_catalogs(state: &mut SessionState, replacement: &Replacement<'_>) {
    let mut displaced = Displaced::of(state.config());
    for (plugin, named) in each(&replacement.old) {
        let Named::Catalog(name, catalog) = named else {
            continue;
        };
        for name in [format!("{plugin}.{name}"), name] {
            if state.has(&Named::Catalog(name.clone(), Arc::clone(&catalog))) {
                let before = displaced.catalogs.remove(&name).flatten();
                let before = before.unwrap_or_else(|| Arc::new(VacantCatalog::default()));
                registered(state).register_catalog(name, before);
            }
        }
    }
    displaced.catalogs.retain(|name, _| {
        let found = registered(state).catalog(name);
        found.as_ref().is_some_and(is_plugins_catalog)
    });
    displaced.write_down(state.config_mut());
}
