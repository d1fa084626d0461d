//! Function factories of plugins in a session, live or being built.

use std::sync::Arc;

use datafusion::execution::SessionState;

use super::session::Functions;
use crate::import::{
    factory::{FunctionFactories, PluginFunctionFactory},
    imported::Named,
};

/// Puts the factories among `registrations` into the session's one slot.
pub(super) fn register(session: &mut impl Functions, registrations: &[Named]) {
    let factories = registrations.iter().filter_map(|named| match named {
        Named::FunctionFactory(factory) => Some(Arc::clone(factory)),
        _ => None,
    });
    let factories: Vec<_> = factories.collect();
    if !factories.is_empty() {
        let slot = session.factory().cloned();
        session.set_factory(FunctionFactories::with(factories, slot));
    }
}

/// Whether `factory` is among those in the session's slot.
pub(super) fn has(
    session: &(impl Functions + ?Sized),
    factory: &Arc<PluginFunctionFactory>,
) -> bool {
    let composed = session.factory().and_then(FunctionFactories::of);
    composed.is_some_and(|composed| composed.has(factory))
}

/// Takes factories out of the slot of a live session.
pub(super) fn remove(state: &mut SessionState, old: &[Named]) {
    let factory = |named: &Named| matches!(named, Named::FunctionFactory(_));
    let Some(slot) = state.function_factory().filter(|_| old.iter().any(factory)) else {
        return;
    };
    let gone = |factory: &Arc<PluginFunctionFactory>| {
        old.iter()
            .any(|old| matches!(old, Named::FunctionFactory(old) if Arc::ptr_eq(old, factory)))
    };
    let kept = FunctionFactories::without(slot, gone);
    state.set_function_factory(kept);
}
