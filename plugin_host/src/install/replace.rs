//! Taking plugins out of a live session, and their new versions in.

use std::{any::Any, collections::HashMap, sync::Arc};

use datafusion::{
    catalog::{MemoryCatalogProvider, TableFunctionImpl},
    execution::{FunctionRegistry, SessionState, SessionStateDefaults},
    logical_expr::{AggregateUDF, ScalarUDF, WindowUDF},
};

use super::{Candidate, Preferred, factories, install, planners, session::Functions};
use crate::import::{
    aggregate::PluginAggregateUdf,
    imported::{ItemKind, Named},
    origin::{Activated, Origin},
    scalar::PluginScalarUdf,
    table::PluginTableFunction,
    window::PluginWindowUdf,
};

/// Old versions, and all plugins as they are to be.
pub(crate) struct Replacement<'a> {
    pub(crate) old: &'a [Candidate<'a>],
    pub(crate) activations: &'a [&'a Arc<Activated>],
    pub(crate) new: &'a [Candidate<'a>],
}

impl Replacement<'_> {
    fn is_old(&self, origin: &Origin) -> bool {
        let mut activations = self.activations.iter();
        activations.any(|old| Arc::ptr_eq(old, origin.plugin()))
    }

    /// Whether an old plugin exported something by this name. What its function factory made has the names
    /// that statements gave, and stays.
    fn exported(&self, name: &str) -> bool {
        let mut old = self.old.iter();
        old.any(|candidate| {
            let bare = match name.strip_prefix(candidate.plugin) {
                Some(rest) => rest.strip_prefix('.').unwrap_or(name),
                None => name,
            };
            let mut functions = candidate.functions.iter();
            functions.any(|function| {
                let mut names = std::iter::once(&function.name).chain(&function.aliases);
                names.any(|known| known == name || known == bare)
            })
        })
    }

    /// DataFusion wraps async functions, and hands what it wraps to nobody.
    fn is_old_async(&self, name: &str, udf: &Arc<ScalarUDF>) -> bool {
        let functions = self.old.iter().flat_map(|candidate| candidate.functions);
        let mut functions = functions.filter(|function| function.kind == ItemKind::AsyncScalar);
        functions.any(|function| {
            let named = function.under(name, &[]);
            named
                .iter()
                .any(|old| matches!(old, Named::Scalar(old) if old == udf))
        })
    }

    /// Planners and rules, which are under no name.
    fn nameless(candidates: &[Candidate<'_>]) -> Vec<Named> {
        let functions = candidates.iter().flat_map(|candidate| candidate.functions);
        let named = functions.flat_map(|function| function.under(&function.name, &[]));
        named.filter(Named::is_nameless).collect()
    }
}

/// Replaces plugins in a live session, which the caller holds locked.
///
/// # Errors
/// Why the session cannot be changed; it is as before then.
pub(crate) fn replace(
    state: &mut SessionState,
    replacement: &Replacement<'_>,
    preferred: &Preferred,
) -> Result<(), String> {
    let old = Replacement::nameless(replacement.old);
    let mut both = old
        .iter()
        .cloned()
        .chain(Replacement::nameless(replacement.new));
    if state.has_prepared_statements() && both.any(|named| changes(state, &named, &old)) {
        return Err(format!(
            "session {} has prepared statements, which it would lose with planners and rules",
            state.session_id()
        ));
    }
    remove_functions(state, replacement);
    remove_tables(state, replacement);
    factories::remove(state, &old);
    if old.iter().any(|named| state.has(named)) {
        planners::remove(state, &old);
    }
    let report = install(state, replacement.new, preferred);
    drop(report);
    Ok(())
}

/// Whether the session would have to be built anew for it.
fn changes(state: &SessionState, named: &Named, old: &[Named]) -> bool {
    if matches!(named, Named::FunctionFactory(_)) {
        return false;
    }
    let is_old = old.iter().any(|old| old.is_same(named));
    is_old == state.has(named)
}

/// Functions of one kind by name, those of old plugins and the others.
fn split<T>(
    functions: &HashMap<String, Arc<T>>,
    is_old: impl Fn(&str, &Arc<T>) -> bool,
) -> (Vec<String>, HashMap<String, Arc<T>>) {
    let (old, others): (HashMap<_, _>, HashMap<_, _>) = functions
        .iter()
        .map(|(name, function)| (name.clone(), Arc::clone(function)))
        .partition(|(name, function)| is_old(name, function));
    (old.into_keys().collect(), others)
}

fn remove_functions(state: &mut SessionState, replacement: &Replacement<'_>) {
    // A session's own registry takes and gives every function: these results are always `Ok`.
    let is_old = |name: &str, udf: &Arc<ScalarUDF>| {
        replacement.exported(name)
            && match udf.inner().downcast_ref::<PluginScalarUdf>() {
                Some(udf) => replacement.is_old(udf.origin()),
                None => replacement.is_old_async(name, udf),
            }
    };
    let (removed, others) = split(state.scalar_functions(), is_old);
    for name in &removed {
        drop(state.deregister_udf(name));
    }
    let defaults = || SessionStateDefaults::default_scalar_functions();
    for udf in freed(&removed, defaults, |udf| {
        (udf.name().to_owned(), udf.aliases().to_vec())
    }) {
        drop(state.register_udf(udf));
    }
    // Whoever lost a name to an alias of what was removed has it again.
    for (name, udf) in others {
        if !state.scalar_functions().contains_key(&name) {
            drop(state.register_udf(udf));
        }
    }
    let is_old = |name: &str, udf: &Arc<AggregateUDF>| {
        let udf = udf.inner().downcast_ref::<PluginAggregateUdf>();
        replacement.exported(name) && udf.is_some_and(|udf| replacement.is_old(udf.origin()))
    };
    let (removed, others) = split(state.aggregate_functions(), is_old);
    for name in &removed {
        drop(state.deregister_udaf(name));
    }
    let defaults = || SessionStateDefaults::default_aggregate_functions();
    for udf in freed(&removed, defaults, |udf| {
        (udf.name().to_owned(), udf.aliases().to_vec())
    }) {
        drop(state.register_udaf(udf));
    }
    for (name, udf) in others {
        if !state.aggregate_functions().contains_key(&name) {
            drop(state.register_udaf(udf));
        }
    }
    let is_old = |name: &str, udf: &Arc<WindowUDF>| {
        let udf = udf.inner().downcast_ref::<PluginWindowUdf>();
        replacement.exported(name) && udf.is_some_and(|udf| replacement.is_old(udf.origin()))
    };
    let (removed, others) = split(state.window_functions(), is_old);
    for name in &removed {
        drop(state.deregister_udwf(name));
    }
    let defaults = || SessionStateDefaults::default_window_functions();
    for udf in freed(&removed, defaults, |udf| {
        (udf.name().to_owned(), udf.aliases().to_vec())
    }) {
        drop(state.register_udwf(udf));
    }
    for (name, udf) in others {
        if !state.window_functions().contains_key(&name) {
            drop(state.register_udwf(udf));
        }
    }
}

/// DataFusion's own functions whose names were taken from them.
fn freed<T>(
    removed: &[String],
    defaults: impl FnOnce() -> Vec<Arc<T>>,
    names: impl Fn(&T) -> (String, Vec<String>),
) -> Vec<Arc<T>> {
    // Most plugins leave these names alone, and making all of them takes its time.
    if removed.iter().all(|name| name.contains('.')) {
        return Vec::new();
    }
    let defaults = defaults().into_iter();
    let had_a_name = |function: &Arc<T>| {
        let (name, aliases) = names(function);
        removed.contains(&name) || aliases.iter().any(|alias| removed.contains(alias))
    };
    defaults.filter(had_a_name).collect()
}

fn remove_tables(state: &mut SessionState, replacement: &Replacement<'_>) {
    let functions = state.table_functions().iter();
    let old = functions.filter(|(_, function)| {
        let function: &dyn TableFunctionImpl = function.function().as_ref();
        let function = (function as &dyn Any).downcast_ref::<PluginTableFunction>();
        function.is_some_and(|function| replacement.is_old(function.origin()))
    });
    let names: Vec<_> = old.map(|(name, _)| name.clone()).collect();
    for name in names {
        // As for functions.
        drop(state.deregister_udtf(&name));
    }
    for candidate in replacement.old {
        for function in candidate.functions {
            for named in function.under(&function.name, &[]) {
                remove_named(state, candidate.plugin, named);
            }
        }
    }
}

/// Takes out what stands under a name in a list of its own, qualified or not.
fn remove_named(state: &mut SessionState, plugin: &str, named: Named) {
    match named {
        Named::TableFactory(name, factory) => {
            for name in [format!("{plugin}.{name}"), name] {
                if state.has(&Named::TableFactory(name.clone(), Arc::clone(&factory))) {
                    state.table_factories_mut().remove(&name);
                }
            }
        }
        Named::Catalog(name, catalog) => {
            for name in [format!("{plugin}.{name}"), name] {
                if state.has(&Named::Catalog(name.clone(), Arc::clone(&catalog))) {
                    // A list of catalogs gives none back; an empty one is in its place.
                    let catalogs = crate::policy::plain::registered(state);
                    catalogs.register_catalog(name, Arc::new(MemoryCatalogProvider::new()));
                }
            }
        }
        Named::TableProvider(schema, name, table) => {
            let has = state.has(&Named::TableProvider(schema.clone(), name.clone(), table));
            let default = &state.config_options().catalog.default_catalog;
            let catalog = crate::policy::plain::registered(state).catalog(default);
            let schema = catalog.and_then(|catalog| catalog.schema(&schema));
            if let (true, Some(schema)) = (has, schema) {
                // It is there, and a schema in memory lets go of it.
                drop(schema.deregister_table(&name));
            }
        }
        _ => {}
    }
}
