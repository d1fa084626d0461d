//! What a session had under names that plugins took.

use std::{any::Any, collections::HashMap, sync::Arc};

use datafusion::{
    catalog::{CatalogProvider, TableFunction, TableFunctionImpl, TableProviderFactory},
    logical_expr::{AggregateUDF, ScalarUDF, WindowUDF},
    prelude::SessionConfig,
};

use super::{VacantCatalog, functions::Kind};
use crate::{
    import::{catalog::PluginCatalog, imported::Named, table::PluginTableFunction},
    install::session::Functions,
};

/// What has a name back once no plugin has it any more; nothing where the name was free.
///
/// It stands in the session's configuration, so that what is built of the session's state has it too, and is of all
/// hosts: what one plugin takes from another is not the session's.
#[derive(Clone, Default)]
pub(in super::super) struct Displaced {
    pub(super) scalar: Names<ScalarUDF>,
    pub(super) aggregate: Names<AggregateUDF>,
    pub(super) window: Names<WindowUDF>,
    pub(super) table: Names<TableFunction>,
    pub(super) factories: Names<dyn TableProviderFactory>,
    pub(super) catalogs: Names<dyn CatalogProvider>,
}

/// `None` is a name that was free.
type Names<T> = HashMap<String, Option<Arc<T>>>;

impl Displaced {
    /// What a session's plugins have displaced.
    pub(super) fn of(config: &SessionConfig) -> Self {
        let known = config.get_extension::<Self>();
        known.map_or_else(Self::default, |known| Self::clone(&known))
    }

    pub(super) fn write_down(self, config: &mut SessionConfig) {
        config.set_extension(Arc::new(self));
    }

    /// What these are about to displace. Of plugins' own there is nothing.
    pub(in super::super) fn by(session: &impl Functions, registrations: &[Named]) -> Self {
        let mut displaced = Self::default();
        for named in registrations {
            match named {
                Named::Scalar(udf) => {
                    note(&mut displaced.scalar, udf, |name| session.scalar(name));
                }
                Named::Aggregate(udf) => {
                    note(&mut displaced.aggregate, udf, |name| {
                        session.aggregate(name)
                    });
                }
                Named::Window(udf) => {
                    note(&mut displaced.window, udf, |name| session.window(name));
                }
                Named::Table(name, _) => {
                    let found = session.table(name);
                    if !found.is_some_and(is_plugins_table) {
                        displaced.table.insert(name.clone(), found.cloned());
                    }
                }
                // One that the session has is not registered, and others cannot be asked whose they are.
                Named::TableFactory(name, _) => {
                    let found = session.table_factory(name).cloned();
                    displaced.factories.insert(name.clone(), found);
                }
                Named::Catalog(name, _) => {
                    let found = session.catalogs().and_then(|(list, _)| list.catalog(name));
                    if !found.as_ref().is_some_and(is_plugins_catalog) {
                        displaced.catalogs.insert(name.clone(), found);
                    }
                }
                _ => {}
            }
        }
        displaced
    }

    /// Adds it to what a session's plugins have displaced before.
    pub(in super::super) fn add_to(self, config: &mut SessionConfig) {
        let mut all = Self::of(config);
        all.scalar.extend(self.scalar);
        all.aggregate.extend(self.aggregate);
        all.window.extend(self.window);
        all.table.extend(self.table);
        all.factories.extend(self.factories);
        all.catalogs.extend(self.catalogs);
        all.write_down(config);
    }
}

fn note<'a, F: Kind + 'a>(
    displaced: &mut Names<F>,
    new: &Arc<F>,
    find: impl Fn(&str) -> Option<&'a Arc<F>>,
) {
    for name in std::iter::once(new.name()).chain(new.aliases().iter().map(String::as_str)) {
        let found = find(name);
        // Of some it cannot be told whose they are, but it can be whether they are the same.
        if !found.is_some_and(|found| found.is_surely_a_plugins() || found == new) {
            displaced.insert(name.to_owned(), found.cloned());
        }
    }
}

pub(super) fn is_plugins_table(function: &Arc<TableFunction>) -> bool {
    let function: &dyn TableFunctionImpl = function.function().as_ref();
    (function as &dyn Any).is::<PluginTableFunction>()
}

pub(super) fn is_plugins_catalog(catalog: &Arc<dyn CatalogProvider>) -> bool {
    let catalog: &dyn Any = catalog.as_ref();
    catalog.is::<PluginCatalog>() || catalog.is::<VacantCatalog>()
}
