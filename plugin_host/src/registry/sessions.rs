//! The live sessions that have a host's plugins.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use datafusion::execution::SessionState;
use parking_lot::RwLock;

use super::LoadedPlugin;

/// A session as it is shared by all its contexts.
pub(super) type Shared = Arc<RwLock<SessionState>>;

/// Sessions are known as long as the application has them.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Vec<Known>>);

struct Known {
    session: Weak<RwLock<SessionState>>,
    /// Versions that were replaced elsewhere and that it still has.
    behind: Vec<Arc<LoadedPlugin>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Keeps a session in mind, once.
    pub(super) fn know(&self, session: &Shared) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.session.strong_count() > 0);
        let session = Arc::downgrade(session);
        if !known.iter().any(|known| known.session.ptr_eq(&session)) {
            known.push(Known {
                session,
                behind: Vec::new(),
            });
        }
    }

    /// Those that there still are, and what they have that was replaced elsewhere.
    pub(super) fn live(&self) -> Vec<(Shared, Vec<Arc<LoadedPlugin>>)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = known
            .iter()
            .map(|known| Some((known.session.upgrade()?, known.behind.clone())));
        live.flatten().collect()
    }

    /// Keeps in mind what a session still has.
    pub(super) fn is_behind(&self, session: &Shared, behind: Vec<Arc<LoadedPlugin>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = Arc::downgrade(session);
        let mut known = known.iter_mut();
        if let Some(known) = known.find(|known| known.session.ptr_eq(&session)) {
            known.behind = behind;
        }
    }
}
