//! Session options of plugins in a session, live or being built.

use datafusion::common::config::{ConfigExtension, ConfigOptions};

use super::report::LeftOut;
use crate::import::options::{PluginOptions, SessionOptions};

/// Why a session of this configuration cannot have the options.
pub(super) fn left_out(config: &ConfigOptions, options: &PluginOptions) -> Option<LeftOut> {
    let has = |prefix| {
        let mut extensions = config.extensions.iter();
        extensions.any(|(known, _)| known == prefix)
    };
    let namespace = options.namespace();
    if has(namespace) {
        let namespace = namespace.to_owned();
        return Some(LeftOut::NamespaceTaken { namespace });
    }
    let own = config.extensions.get::<SessionOptions>().is_some();
    (has(SessionOptions::PREFIX) && !own).then_some(LeftOut::ForeignOptions)
}
