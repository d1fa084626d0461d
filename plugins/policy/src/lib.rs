//! The rules of the crate `datafusion-policy-rules` as a plugin: one policy, `rules`.

use datafusion_plugin_api::prelude::*;
use datafusion_policy_rules::Rules;

fn activate(context: &ActivationContext) -> Result<Plugin> {
    let rules = Rules::of_options(context.options())?;
    Ok(Plugin::new().policy("rules", rules))
}

export_plugin! {
    name: "policy",
    capabilities: [policy],
    activate: activate,
}
