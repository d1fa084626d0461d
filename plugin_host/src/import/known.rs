//! What is in use somewhere, to be found again.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Objects that others own.
#[derive(Debug)]
pub(super) struct Known<T>(Mutex<Vec<Weak<T>>>);

impl<T> Known<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(super) fn add(&self, object: &Arc<T>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.strong_count() > 0);
        known.push(Arc::downgrade(object));
    }

    /// Those in use. They are dropped outside the lock: the last owner may drop objects of a plugin.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter_map(Weak::upgrade).collect()
    }
}
