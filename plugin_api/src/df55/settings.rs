//! Session settings: those that differ from DataFusion's defaults cross.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use datafusion_common::config::{ConfigEntry, ConfigExtension, ConfigOptions, Extensions};

use crate::abi::message::Settings;

static DEFAULTS: LazyLock<Vec<ConfigEntry>> = LazyLock::new(|| ConfigOptions::new().entries());

type Insert = fn(&mut Extensions);

/// How the extensions of this side come into a configuration, by prefix. Their values come with
/// each message, so it does not matter who asked for the type.
static EXTENSIONS: RwLock<BTreeMap<&'static str, Insert>> = RwLock::new(BTreeMap::new());

/// Lets [`options_from`] read settings of this prefix into `T`.
pub fn know_extension<T: ConfigExtension + Default>() {
    let mut known = EXTENSIONS.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(T::PREFIX, |extensions| extensions.insert(T::default()));
}

/// The settings of `options` that differ from the defaults, in DataFusion's order; those of
/// extensions all of them.
pub fn settings_of(options: &ConfigOptions) -> Settings {
    let entries = options.entries();
    let defaults = DEFAULTS.as_slice();
    entries
        .into_iter()
        .enumerate()
        .filter(|(position, entry)| {
            // The order is the declaration's; only extensions shift it.
            let default = defaults
                .get(*position)
                .filter(|default| default.key == entry.key)
                .or_else(|| defaults.iter().find(|default| default.key == entry.key));
            default.is_none_or(|default| default.value != entry.value)
        })
        .map(|(_, entry)| (entry.key, entry.value))
        .collect()
}

/// The defaults with `settings` applied. Settings that this side does not know, those of the host's
/// own extensions and of other plugins among them, are passed over.
pub fn options_from(settings: &Settings) -> Arc<ConfigOptions> {
    let mut options = ConfigOptions::new();
    let known = EXTENSIONS.read().unwrap_or_else(PoisonError::into_inner);
    for (prefix, insert) in known.iter() {
        let is_of = |key: &str| {
            key.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        // A session that does not have the options, or a function that does not read them.
        if settings.iter().any(|(key, _)| is_of(key)) {
            insert(&mut options.extensions);
        }
    }
    drop(known);
    for (key, value) in settings {
        if let Some(value) = value {
            let _ = options.set(key, value);
        }
    }
    Arc::new(options)
}
