//! Settings of sessions in the form that crosses, computed once per configuration.

use std::sync::{Arc, LazyLock, Weak};

use arc_swap::ArcSwap;
use datafusion::{catalog::Session, common::config::ConfigOptions};
use datafusion_plugin_api::{abi::message::Settings, df55::settings::settings_of};

/// Configurations remembered: those of the sessions that are active at one time.
const REMEMBERED: usize = 64;

type Known = Vec<(Weak<ConfigOptions>, Arc<Settings>)>;

static KNOWN: LazyLock<ArcSwap<Known>> = LazyLock::new(ArcSwap::default);

/// The settings of a session that differ from the defaults.
pub(crate) fn settings_in(session: &dyn Session) -> Settings {
    Settings::clone(&settings(session.config().options()))
}

/// The settings of `options` that differ from the defaults.
pub(crate) fn settings(options: &Arc<ConfigOptions>) -> Arc<Settings> {
    // A weak reference keeps the address from being used again, so equal addresses are one object.
    let address = Arc::as_ptr(options);
    let known = KNOWN.load();
    if let Some((_, settings)) = known.iter().find(|(weak, _)| weak.as_ptr() == address) {
        return Arc::clone(settings);
    }
    let settings = Arc::new(settings_of(options));
    KNOWN.rcu(|known| {
        let mut next = vec![(Arc::downgrade(options), Arc::clone(&settings))];
        next.extend(
            known
                .iter()
                .filter(|(weak, _)| weak.strong_count() > 0)
                .take(REMEMBERED - 1)
                .cloned(),
        );
        next
    });
    settings
}
