//! Session options of a plugin beside the same options as an extension linked in.

mod install;
mod refusals;
mod values;

use std::{
    env::consts::DLL_EXTENSION,
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    common::Result,
    execution::SessionStateBuilder,
    logical_expr::ScalarUDF,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, config::Config};
use fixture_settings::{Reading, Settings, Shown, Stages};
use plugin_tests::{
    patch::{patched, set},
    plugins::plugin,
};
use tempfile::TempDir;

/// The plugins `settings` and `other`.
fn host() -> &'static PluginHost {
    static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
        // What is loaded stays mapped when its file is gone.
        let folder = tempfile::tempdir().unwrap();
        PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("fixture-settings-plugin"))
            .plugin_file(other(&folder))
            // All tests share it, those of refused values too.
            .config(
                Config::parse(
                    "[host]\nquarantine = { after = 0 }\n[plugins.other.options]\nother = true",
                )
                .unwrap(),
            )
            .load()
            .unwrap()
    });
    &HOST
}

/// The plugin under the name `other`.
fn other(folder: &TempDir) -> PathBuf {
    let copy = folder.path().join(format!("libother.{DLL_EXTENSION}"));
    patched(&plugin("fixture-settings-plugin"), copy, |records| {
        set(records, "name", "other");
    })
}

fn builder() -> SessionStateBuilder {
    let config = SessionConfig::new().with_information_schema(true);
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
}

fn linked_in() -> SessionContext {
    let mut builder = builder();
    let config = builder.config().get_or_insert_default();
    config.options_mut().extensions.insert(Settings::default());
    let context = SessionContext::new_with_state(
        builder
            .with_analyzer_rule(Arc::new(Reading))
            .with_optimizer_rule(Arc::new(Reading))
            .with_physical_optimizer_rule(Arc::new(Reading))
            .build(),
    );
    context.register_udf(ScalarUDF::from(Shown::new("shown")));
    context.register_udtf("stages", Arc::new(Stages));
    let planner = Arc::new(Reading);
    context.register_relation_planner(planner).unwrap();
    context
}

fn loaded() -> SessionContext {
    let context = SessionContext::new_with_state(builder().build());
    let report = host().install(&context);
    assert_eq!(report.left_out().count(), 0);
    context
}

async fn rows(context: &SessionContext, sql: &str) -> Result<String> {
    let rows = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&rows)?.to_string())
}

/// The values of a query's one column, one to a line.
async fn values(context: &SessionContext, sql: &str) -> String {
    let rows = rows(context, sql).await.unwrap();
    let lines = rows.lines().filter(|line| line.starts_with('|')).skip(1);
    let values: Vec<_> = lines.map(|line| line.trim_matches(['|', ' '])).collect();
    values.join("\n")
}

/// Runs a `SET`, which is done when it is planned.
async fn run(context: &SessionContext, sql: &str) {
    let done = context.sql(sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn error(context: &SessionContext, sql: &str) -> String {
    match rows(context, sql).await {
        Ok(rows) => panic!("{sql} gives\n{rows}"),
        Err(error) => error.strip_backtrace(),
    }
}
