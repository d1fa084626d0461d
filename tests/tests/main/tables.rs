//! Tables of a plugin beside the same tables linked in.

mod faults;
mod filters;
mod plans;
mod properties;
mod remote;
mod sources;
mod writes;

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    catalog::{MemorySchemaProvider, SchemaProvider, TableProvider},
    error::Result,
    execution::{SessionStateBuilder, runtime_env::RuntimeEnv},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, config::Config};
use plugin_tests::plugins::plugin;

fn host() -> &'static PluginHost {
    static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
        PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("fixture-table-plugin"))
            // All tests share it, those of faults too.
            .config(Config::parse("[host]\nquarantine = { after = 0 }").unwrap())
            .load()
            .unwrap()
    });
    &HOST
}

fn config() -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(4)
        .with_information_schema(true)
}

fn session(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features();
    SessionContext::new_with_state(state.build())
}

fn linked_in_with(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let context = session(config, runtime);
    for (name, function) in fixture_tables::table_functions() {
        context.register_udtf(name, function);
    }
    let schema = MemorySchemaProvider::new();
    for (name, table) in fixture_tables::tables() {
        schema.register_table(name.to_owned(), table).unwrap();
    }
    let catalog = context.catalog("datafusion").unwrap();
    catalog.register_schema("tables", Arc::new(schema)).unwrap();
    for (name, catalog) in fixture_tables::catalogs() {
        context.register_catalog(name, catalog);
    }
    let state = context.state_ref();
    for (name, factory) in fixture_tables::table_factories() {
        let mut state = state.write();
        state.table_factories_mut().insert(name.to_owned(), factory);
    }
    context
}

fn loaded_with(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let context = session(config, runtime);
    let report = host().install(&context);
    assert!(report.qualified_only().next().is_none(), "{report:?}");
    context
}

fn loaded() -> SessionContext {
    loaded_with(config(), Arc::default())
}

/// Both sessions, linked in first.
fn both() -> [SessionContext; 2] {
    [linked_in_with(config(), Arc::default()), loaded()]
}

/// The rows, or the error, as text.
async fn answer(context: &SessionContext, sql: &str) -> String {
    let run = async { context.sql(sql).await?.collect().await };
    match run.await {
        Ok(batches) => pretty_format_batches(&batches).unwrap().to_string(),
        Err(error) => format!("error: {error}"),
    }
}

/// The physical plan, with a plugin's node shown as what it stands for.
async fn plan(context: &SessionContext, sql: &str) -> Result<String> {
    let plan = context.sql(sql).await?.create_physical_plan().await?;
    let text = datafusion::physical_plan::displayable(plan.as_ref())
        .indent(true)
        .to_string();
    let lines = text.lines().map(|line| match line.split_once("Plugin") {
        Some((indent, node)) if node.contains("scan=[") => {
            let inner = node.split_once("scan=[").unwrap().1;
            format!("{indent}{}", inner.strip_suffix(']').unwrap())
        }
        _ => line.to_owned(),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The same plan and the same rows from both; the rows.
async fn same(sql: &str) -> String {
    let [linked_in, loaded] = both();
    let (expected, found) = (plan(&linked_in, sql).await, plan(&loaded, sql).await);
    assert_eq!(found.unwrap(), expected.unwrap(), "plan of {sql}");
    let (expected, found) = (answer(&linked_in, sql).await, answer(&loaded, sql).await);
    assert!(!expected.starts_with("error"), "{sql}: {expected}");
    assert_eq!(found, expected, "{sql}");
    found
}

async fn provider(context: &SessionContext, table: &str) -> Arc<dyn TableProvider> {
    context.table_provider(table).await.unwrap()
}
