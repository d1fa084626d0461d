//! Panics while a plugin's object was dropped: they are contained, and no call can return them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use datafusion_plugin_api::abi::{CallError, on_drop_failure};

use super::origin::Activated;

/// The activations in use, by which a plugin's name is found again.
static KNOWN: Mutex<Vec<Weak<Activated>>> = Mutex::new(Vec::new());

pub(super) fn know(activated: &Arc<Activated>) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|known| known.strong_count() > 0);
    known.push(Arc::downgrade(activated));
}

/// Has such panics reported as events, and counted of every activation of the plugin that they name.
pub(crate) fn report_drop_failures() {
    on_drop_failure(|error| {
        let origin = error.origin();
        tracing::error!(
            plugin = origin.plugin.as_str(),
            item = origin.item.as_str(),
            location = origin.location.as_str(),
            "{error}"
        );
        count(error);
    });
}

fn count(error: &CallError) {
    let origin = error.origin();
    // Upgraded and dropped outside the lock: the last owner of an activation may drop objects too.
    let known: Vec<_> = KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .filter_map(Weak::upgrade)
        .collect();
    for activated in known {
        if activated.name() == origin.plugin.as_str() {
            activated.panicked(&origin.item, error);
        }
    }
}
