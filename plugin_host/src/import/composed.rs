//! What stands in a slot of DataFusion's that has room for one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Those in use, by which the content of a session's slot is recognised: DataFusion's traits cannot
/// be asked for their type.
pub(crate) struct Composed<T>(Mutex<Vec<Weak<T>>>);

impl<T> Composed<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What is in `slot`, if it is one of these.
    pub(crate) fn find<S: ?Sized>(&self, slot: &Arc<S>) -> Option<Arc<T>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|known| Arc::as_ptr(known).cast::<()>() == Arc::as_ptr(slot).cast::<()>())
    }

    /// `composed`, which is recognised from now on.
    pub(crate) fn add(&self, composed: T) -> Arc<T> {
        let composed = Arc::new(composed);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.strong_count() > 0);
        known.push(Arc::downgrade(&composed));
        composed
    }
}
