//! Analyzer and optimizer rules of a loaded plugin.

mod behaviour;
mod forgotten;
mod ill;
mod physical;
mod twins;
mod unchanged;

use std::sync::Arc;

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    error::Result,
    execution::SessionStateBuilder,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, config::Config};
use plugin_tests::plugins::plugin;

/// The plugin's rules of these names, with further options in TOML.
fn host(rules: &[&str], options: &str) -> PluginHost {
    let config = format!("[plugins.rules.options]\nrules = {rules:?}\n{options}");
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-rule-plugin"))
        .config(Config::parse(&config).unwrap())
        .load()
        .unwrap()
}

fn config() -> SessionConfig {
    // Plans must not depend on the machine.
    SessionConfig::new()
        .with_target_partitions(4)
        .with_information_schema(true)
}

fn session() -> SessionContext {
    SessionContext::new_with_config(config())
}

/// A session with the rules.
fn with_rules(rules: &[&str], options: &str) -> SessionContext {
    let context = session();
    host(rules, options).install(&context);
    context
}

async fn rows(context: &SessionContext, sql: &str) -> Result<String> {
    let batches = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

/// `numbers(n)` with the numbers below 10, and `pairs(n, word)`.
async fn with_tables(context: SessionContext) -> SessionContext {
    for sql in [
        "create table numbers as select value as n from generate_series(0, 9)",
        "create table pairs as select n, 'word ' || n as word from numbers",
        "create view some as select word from pairs where n > 2",
    ] {
        context.sql(sql).await.unwrap().collect().await.unwrap();
    }
    context
}

/// A session that is built with the rules linked in.
fn linked_in(
    analyzer: Vec<Arc<dyn datafusion::optimizer::AnalyzerRule + Send + Sync>>,
    optimizer: Vec<Arc<dyn datafusion::optimizer::OptimizerRule + Send + Sync>>,
) -> SessionContext {
    let mut builder = SessionStateBuilder::new()
        .with_config(config())
        .with_default_features();
    for rule in analyzer {
        builder = builder.with_analyzer_rule(rule);
    }
    for rule in optimizer {
        builder = builder.with_optimizer_rule(rule);
    }
    SessionContext::new_with_state(builder.build())
}
