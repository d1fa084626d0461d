//! Function factories of plugins in a session, live or being built.

use std::sync::Arc;

use datafusion::execution::SessionState;

use super::{replace::Swap, session::Functions};
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

/// Puts successors into the places of factories in the slot of a live session.
pub(super) fn exchange(state: &mut SessionState, swaps: &[Swap]) {
    fn factory(named: &Named) -> Option<Arc<PluginFunctionFactory>> {
        match named {
            Named::FunctionFactory(factory) => Some(Arc::clone(factory)),
            _ => None,
        }
    }
    let mut any = swaps.iter().filter_map(|swap| factory(&swap.old));
    let Some(slot) = state.function_factory().filter(|_| any.next().is_some()) else {
        return;
    };
    let exchanged = FunctionFactories::exchanged(slot, |known| Swap::of(swaps, known, factory));
    state.set_function_factory(exchanged);
}
