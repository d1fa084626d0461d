//! Functions of one kind, by identity: the exports, and those that derive from them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::abi::drop_each;

/// Identities below this are positions of exports.
const FIRST_DERIVED: u64 = 1 << 32;

pub(super) struct Interned<T> {
    exports: Vec<Arc<T>>,
    /// Kept for the plugin's life; equal functions share an entry, so that their number is bounded.
    derived: Mutex<Vec<Arc<T>>>,
    name: fn(&T) -> String,
}

impl<T> Drop for Interned<T> {
    fn drop(&mut self) {
        drop_each(self.exports.drain(..), |function| (self.name)(function));
        let derived = self.derived.get_mut();
        let derived = derived.unwrap_or_else(PoisonError::into_inner).drain(..);
        drop_each(derived, |function| (self.name)(function));
    }
}

impl<T: PartialEq> Interned<T> {
    pub(super) fn new(exports: Vec<Arc<T>>, name: fn(&T) -> String) -> Self {
        Self {
            exports,
            name,
            derived: Mutex::default(),
        }
    }

    pub(super) fn exports(&self) -> &[Arc<T>] {
        &self.exports
    }

    /// The function of an identity.
    #[cfg(feature = "plans")]
    pub(super) fn get(&self, identity: u64) -> Option<Arc<T>> {
        let position = usize::try_from(identity % FIRST_DERIVED).ok()?;
        if identity < FIRST_DERIVED {
            return self.exports.get(position).cloned();
        }
        let derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        derived.get(position).cloned()
    }

    /// An identity of its own for a function that was just made, whatever it compares equal to.
    #[cfg(feature = "function-factory")]
    pub(super) fn add(&self, function: &Arc<T>) {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        derived.push(Arc::clone(function));
    }

    /// The identity of a function; equal functions have one, unless they were made.
    pub(super) fn identity(&self, function: &Arc<T>) -> u64 {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let very = |known: &Arc<T>| Arc::ptr_eq(known, function);
        if let Some(position) = derived.iter().position(very) {
            return FIRST_DERIVED + position as u64;
        }
        if let Some(position) = self.exports.iter().position(|known| known == function) {
            return position as u64;
        }
        let position = derived
            .iter()
            .position(|known| known == function)
            .unwrap_or_else(|| {
                derived.push(Arc::clone(function));
                derived.len() - 1
            });
        FIRST_DERIVED + position as u64
    }
}
