//! What stands in a slot of DataFusion's that has room for one.

use std::sync::Arc;

use super::known::Known;

/// Those in use, by which the content of a session's slot is recognised: DataFusion's traits cannot
/// be asked for their type.
pub(crate) struct Composed<T>(Known<T>);

impl<T> Composed<T> {
    pub(crate) const fn new() -> Self {
        Self(Known::new())
    }

    /// What is in `slot`, if it is one of these.
    pub(crate) fn find<S: ?Sized>(&self, slot: &Arc<S>) -> Option<Arc<T>> {
        let mut known = self.0.all().into_iter();
        known.find(|known| Arc::as_ptr(known).cast::<()>() == Arc::as_ptr(slot).cast::<()>())
    }

    /// `composed`, which is recognised from now on.
    pub(crate) fn add(&self, composed: T) -> Arc<T> {
        let composed = Arc::new(composed);
        self.0.add(&composed);
        composed
    }
}
