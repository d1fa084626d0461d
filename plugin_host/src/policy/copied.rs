//! States of sessions that policies keep.

use std::{fmt, sync::Arc};

use datafusion::execution::SessionState;
use parking_lot::RwLock;

/// A copy of a session's state, in which the host replaces plugins as it does in the session.
#[derive(Clone)]
pub(crate) struct Copied(pub(crate) Arc<RwLock<Arc<SessionState>>>);

impl Copied {
    pub(super) fn new(state: Arc<SessionState>) -> Self {
        Self(Arc::new(RwLock::new(state)))
    }

    pub(super) fn now(&self) -> Arc<SessionState> {
        Arc::clone(&self.0.read())
    }
}

impl fmt::Debug for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Copied")
    }
}
