//! Panics while a plugin's object was dropped: they are contained, and no call can return them.

use std::sync::Arc;

use datafusion_plugin_api::abi::{CallError, on_drop_failure};

use super::{known::Known, origin::Activated};

/// The activations in use, by which a plugin's name is found again.
static KNOWN: Known<Activated> = Known::new();

pub(super) fn know(activated: &Arc<Activated>) {
    KNOWN.add(activated);
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
    for activated in KNOWN.all() {
        if activated.name() == origin.plugin.as_str() {
            activated.panicked(&origin.item, error);
        }
    }
}
