//! Planners of a plugin beside the same planners linked in.

pub mod codec;
mod corpus;
mod factories;
mod faults;
mod hooks;
mod install;
mod mutated;
mod relations;
mod types;

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    error::Result,
    execution::SessionStateBuilder,
    logical_expr::planner::{ExprPlanner, RelationPlanner},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_example::{Pivot, Sample};
use datafusion_plugin_host::{PluginHost, config::Config};
use plugin_tests::plugins::plugin;

/// The plugins `example` and `planners`, in this order.
fn host() -> &'static PluginHost {
    static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
        PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("datafusion-plugin-example"))
            .plugin_file(plugin("fixture-planner-plugin"))
            // All tests share it, those of faults too.
            .config(Config::parse("[host]\nquarantine = { after = 0 }").unwrap())
            .load()
            .unwrap()
    });
    &HOST
}

fn builder() -> SessionStateBuilder {
    let config = SessionConfig::new().with_target_partitions(1);
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
}

/// The relation planners of both plugins, in the order of asking.
fn relation_planners() -> Vec<Arc<dyn RelationPlanner>> {
    let example: Vec<Arc<dyn RelationPlanner>> = vec![Arc::new(Sample), Arc::new(Pivot)];
    let fixture = fixture_planners::relation_planners().into_iter();
    example
        .into_iter()
        .chain(fixture.map(|(_, planner)| planner))
        .collect()
}

async fn linked_in() -> SessionContext {
    let mut builder = builder();
    let planners: Vec<Arc<dyn ExprPlanner>> = fixture_planners::expression_planners()
        .into_iter()
        .map(|(_, planner)| planner)
        .collect();
    let list = builder.expr_planners().get_or_insert_default();
    list.splice(0..0, planners);
    let context = SessionContext::new_with_state(builder.build());
    for planner in relation_planners().into_iter().rev() {
        context.register_relation_planner(planner).unwrap();
    }
    filled(context).await
}

async fn loaded() -> SessionContext {
    let context = SessionContext::new_with_state(builder().build());
    host().install(&context);
    filled(context).await
}

async fn filled(context: SessionContext) -> SessionContext {
    for statement in [
        "CREATE TABLE numbers AS SELECT value AS a, value * value AS b FROM generate_series(1, 100)",
        "CREATE TABLE sales (region VARCHAR, year INT, quantity INT) AS VALUES \
         ('north', 2024, 1), ('north', 2025, 2), ('south', 2024, 4), ('south', 2024, 8), ('east', 2026, 16)",
        "CREATE TABLE wide (id INT, jan INT, feb INT) AS VALUES (1, 10, NULL), (2, 20, 30)",
        "CREATE VIEW big AS SELECT * FROM numbers WHERE a > 50",
    ] {
        context
            .sql(statement)
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
    }
    context
}

/// The logical plan as planned and as optimized, without the names under which sessions have a
/// plugin's functions.
async fn plans(context: &SessionContext, sql: &str) -> Result<String> {
    let plan = context.state().create_logical_plan(sql).await?;
    let optimized = context.state().optimize(&plan)?;
    let text = format!(
        "{}\n\n{}",
        plan.display_indent_schema(),
        optimized.display_indent_schema()
    );
    Ok(text.replace("example.sampled(", "sampled("))
}

async fn rows(context: &SessionContext, sql: &str) -> Result<String> {
    let rows = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&rows)?.to_string())
}

async fn error(context: &SessionContext, sql: &str) -> String {
    match rows(context, sql).await {
        Ok(rows) => panic!("{sql} gives\n{rows}"),
        Err(error) => error.strip_backtrace(),
    }
}
