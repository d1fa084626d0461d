//! Panics while a plugin's object was dropped: they are contained, and no call can return them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion_plugin_api::abi::on_drop_failure;

use super::{known::Known, origin::Activated};
use crate::load::{Library, library_of, own_library};

/// The activations in use, by which those of a library are found again.
static KNOWN: Known<Activated> = Known::new();
/// The names of the plugins in libraries, which stay mapped.
static NAMES: Mutex<BTreeMap<Option<Library>, String>> = Mutex::new(BTreeMap::new());

pub(super) fn know(activated: &Arc<Activated>) {
    KNOWN.add(activated);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names.insert(activated.library(), activated.name().to_owned());
}

/// Has such panics reported as events, and counted of the activations that are in use of the library whose
/// object it was. What the error says of plugins is not believed, but of those that are linked in: they share the
/// application's library.
pub(crate) fn report_drop_failures() {
    on_drop_failure(|error, code| {
        let library = library_of(code);
        let claimed = &error.origin().plugin;
        let own = library == own_library();
        let plugin = match own {
            true => claimed.to_string(),
            false => name_of(library),
        };
        let item = error.origin().item.clone();
        // Which of its items it was, the plugin alone can tell.
        let error = error.clone().attributed_to(&plugin).at("", &item, "", "");
        let origin = error.origin();
        tracing::error!(
            plugin = origin.plugin.as_str(),
            item = origin.item.as_str(),
            location = origin.location.as_str(),
            "{error}"
        );
        for activated in KNOWN.all() {
            let its = activated.library() == library && (!own || activated.name() == plugin);
            if its && !activated.is_retired() {
                activated.panicked(&origin.item, &error);
            }
        }
    });
}

fn name_of(library: Option<Library>) -> String {
    let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names.get(&library).cloned().unwrap_or_default()
}
