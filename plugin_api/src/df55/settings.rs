//! Session settings: those that differ from DataFusion's defaults cross.

use std::sync::{Arc, LazyLock};

use datafusion_common::config::{ConfigEntry, ConfigOptions};

use crate::abi::message::Settings;

static DEFAULTS: LazyLock<Vec<ConfigEntry>> = LazyLock::new(|| ConfigOptions::new().entries());

/// The settings of `options` that differ from the defaults, in DataFusion's order.
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

/// The defaults with `settings` applied. Settings that this DataFusion does not know, those of
/// the host's own extensions among them, are passed over.
pub fn options_from(settings: &Settings) -> Arc<ConfigOptions> {
    let mut options = ConfigOptions::new();
    for (key, value) in settings {
        if let Some(value) = value {
            let _ = options.set(key, value);
        }
    }
    Arc::new(options)
}
