//! Policies: what gets round them, and what becomes of policies that misbehave.

mod attempts;
mod concurrency;
mod example;
mod facts;
mod matrix;
mod misbehaving;
mod plain;
mod rules;
mod session;
mod world;

use std::sync::LazyLock;

use datafusion_plugin_api::{abi::PluginInstanceObject, sdk::Plugin};
use datafusion_plugin_host::{PluginHost, config::Config};
use datafusion_policy_rules::Rules;
use plugin_tests::plugins::plugin;

fn linked_in(instance: impl FnOnce() -> Plugin, name: &str, config: Config) -> PluginHost {
    let instance: PluginInstanceObject = instance().into_instance().unwrap();
    let host = PluginHost::builder()
        .grant_every_capability()
        .config(config);
    host.linked_policies(name, instance).load().unwrap()
}

/// However loaded the machine is: what is late is tested elsewhere.
const PATIENT: &str = "[policies]\ntime_limit_ms = 60000\n";

/// Rules linked in, and the same loaded as a plugin.
fn hosts(rules: &str) -> [(&'static str, PluginHost); 2] {
    let made = || Plugin::new().policy("rules", Rules::of_toml(rules).unwrap());
    let linked_in = linked_in(made, "policy", Config::parse(PATIENT).unwrap());
    // A JSON string is one of TOML's.
    let text = serde_json::to_string(rules).unwrap();
    let config = format!("{PATIENT}[plugins.policy.options]\ntext = {text}");
    let loaded = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("datafusion-plugin-policy"))
        .config(Config::parse(&config).unwrap())
        .load()
        .unwrap();
    [("linked in", linked_in), ("loaded", loaded)]
}

/// What most tests' policy says.
fn standard() -> &'static [(&'static str, PluginHost); 2] {
    static HOSTS: LazyLock<[(&str, PluginHost); 2]> =
        LazyLock::new(|| hosts(include_str!("policy/rules.toml")));
    &HOSTS
}
