//! Functions that go out of a session, and what gets its name back.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    execution::{FunctionRegistry, SessionState, SessionStateDefaults},
    logical_expr::{AggregateUDF, ScalarUDF, WindowUDF},
};

use super::Replacement;
use crate::import::{
    aggregate::PluginAggregateUdf, scalar::PluginScalarUdf, window::PluginWindowUdf,
};

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

pub(super) fn remove(state: &mut SessionState, replacement: &Replacement<'_>) {
    // A session's own registry takes and gives every function: these results are always `Ok`.
    let is_old = |name: &str, udf: &Arc<ScalarUDF>| {
        replacement.exported(name)
            && match udf.inner().downcast_ref::<PluginScalarUdf>() {
                Some(udf) => replacement.is_undecided(udf.origin()),
                None => replacement.is_undecided_async(name, udf),
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
    // Whoever lost a name with an alias of what was removed, or to a built-in just now, has it again.
    for (name, udf) in others {
        if state.scalar_functions().get(&name) != Some(&udf) {
            drop(state.register_udf(udf));
        }
    }
    let is_old = |name: &str, udf: &Arc<AggregateUDF>| {
        let udf = udf.inner().downcast_ref::<PluginAggregateUdf>();
        replacement.exported(name) && udf.is_some_and(|udf| replacement.is_undecided(udf.origin()))
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
        if state.aggregate_functions().get(&name) != Some(&udf) {
            drop(state.register_udaf(udf));
        }
    }
    let is_old = |name: &str, udf: &Arc<WindowUDF>| {
        let udf = udf.inner().downcast_ref::<PluginWindowUdf>();
        replacement.exported(name) && udf.is_some_and(|udf| replacement.is_undecided(udf.origin()))
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
        if state.window_functions().get(&name) != Some(&udf) {
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
