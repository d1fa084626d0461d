//! Function factories of plugins in a session, live or being built.

use std::sync::Arc;

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
