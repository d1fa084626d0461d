//! The sessions that have a host's plugins.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use datafusion::{execution::SessionState, prelude::SessionConfig};
use parking_lot::RwLock;

use super::{Inner, LoadedPlugin, Plugins};
use crate::policy::{Copied, Subject};

/// A session as it is shared by all its contexts.
pub(super) type Shared = Arc<RwLock<SessionState>>;

/// The plugins that a session has of each host. It stands in the session's configuration, so that what is built
/// of the session's state has it too.
#[derive(Clone, Default)]
struct Installed(Vec<(Weak<Inner>, Plugins)>);

/// What a session has of a host; nothing where the host was not installed.
pub(super) fn installed(config: &SessionConfig, host: &Arc<Inner>) -> Option<Plugins> {
    let installed = config.get_extension::<Installed>()?;
    let mut hosts = installed.0.iter();
    let own = hosts.find(|(known, _)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(host)));
    own.map(|(_, plugins)| Arc::clone(plugins))
}

/// Writes down what a session has from now on. What it had is for the caller to let go of: nobody else may have it.
#[must_use]
pub(super) fn write_down(
    config: &mut SessionConfig,
    host: &Arc<Inner>,
    plugins: &Plugins,
) -> Vec<Plugins> {
    let installed = config.get_extension::<Installed>();
    let installed = installed.map_or_else(Vec::new, |known| known.0.clone());
    let others = |(known, _): &(Weak<Inner>, _)| {
        known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), Arc::as_ptr(host))
    };
    let (mut installed, had): (Vec<_>, Vec<_>) = installed.into_iter().partition(others);
    installed.push((Arc::downgrade(host), Arc::clone(plugins)));
    config.set_extension(Arc::new(Installed(installed)));
    had.into_iter().map(|(_, plugins)| plugins).collect()
}

/// Lets go of what sessions had.
pub(super) fn let_go(had: Vec<Plugins>) {
    let plugins: Vec<_> = had.iter().flat_map(|had| had.iter().cloned()).collect();
    drop(had);
    LoadedPlugin::let_go(plugins);
}

/// Sessions are known as long as the application has them.
#[derive(Default)]
pub(super) struct Sessions {
    live: Mutex<Vec<Known>>,
    copies: Mutex<Vec<Weak<RwLock<Arc<SessionState>>>>>,
}

struct Known {
    session: Weak<RwLock<SessionState>>,
    /// For whom policies decide; nobody in a session that is behind them by itself.
    subject: Option<Subject>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    /// Keeps a session in mind, once: who was named first stays.
    pub(super) fn know(&self, session: &Shared, subject: Option<&Subject>) {
        let mut known = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.session.strong_count() > 0);
        let session = Arc::downgrade(session);
        if !known.iter().any(|known| known.session.ptr_eq(&session)) {
            known.push(Known {
                session,
                subject: subject.cloned(),
            });
        }
    }

    /// Keeps copies of states in mind.
    pub(super) fn know_copies(&self, new: impl IntoIterator<Item = Copied>) {
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        copies.retain(|known| known.strong_count() > 0);
        copies.extend(new.into_iter().map(|copy| Arc::downgrade(&copy.0)));
    }

    /// Those that there still are, and for whom policies decide in them.
    pub(super) fn live(&self) -> Vec<(Shared, Option<Subject>)> {
        let known = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let live = known
            .iter()
            .map(|known| Some((known.session.upgrade()?, known.subject.clone())));
        live.flatten().collect()
    }

    /// Those that there still are.
    pub(super) fn copies(&self) -> Vec<Copied> {
        let copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        let copies = copies.iter().filter_map(Weak::upgrade);
        copies.map(Copied).collect()
    }
}
