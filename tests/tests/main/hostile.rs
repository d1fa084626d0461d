//! The hostile suite: plugins that misbehave, each in one way. `docs/hostile.md` lists all of them.

mod acts;
mod archived;
mod arrays;
mod crashes;
mod exports;
mod forged;
mod listed;
mod starts;
mod tables;

use std::{env, path::Path, process::Command};

use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        util::pretty::pretty_format_batches,
    },
    datasource::MemTable,
    error::Result,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{HostError, PluginHost, config::Config};
use plugin_tests::plugins::plugin;

/// The plugin of the bare contract, the example beside it.
fn load(config: &str) -> Result<PluginHost, HostError> {
    // Misbehaviour without end is what this is about.
    let config = format!("[host.quarantine]\nafter = 0\n{config}");
    PluginHost::builder()
        .plugin_file(plugin("fixture-raw"))
        .plugin_file(plugin("datafusion-plugin-example"))
        .grant_every_capability()
        .config(Config::parse(&config).unwrap())
        .load()
}

/// A session with a table `t(x)` of the numbers below 5, in one partition.
fn session(host: &PluginHost) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1);
    let context = SessionContext::new_with_config(config);
    host.install(&context);
    let values = std::sync::Arc::new(Int64Array::from_iter_values(0..5));
    let batch = RecordBatch::try_from_iter([("x", values as _)]).unwrap();
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    context
        .register_table("t", std::sync::Arc::new(table))
        .unwrap();
    context
}

async fn rows(context: &SessionContext, sql: &str) -> Result<String> {
    let batches = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

async fn failure(context: &SessionContext, sql: &str) -> String {
    match rows(context, sql).await {
        Ok(rows) => panic!("{sql}:\n{rows}"),
        Err(error) => error.strip_backtrace(),
    }
}

/// The plugin, the other one and the session's own functions answer.
async fn healthy(context: &SessionContext) {
    let sql = "select raw.fine(x), raw.fine_text(x), greet('Ada'), abs(-1) from t";
    let found = rows(context, sql).await.unwrap();
    assert!(
        found.contains("Hello, Ada!") && found.contains("ab"),
        "{found}"
    );
    let found = rows(context, "select * from raw.honest").await.unwrap();
    assert!(found.contains("| 2      | ab"), "{found}");
}

/// How many arrays of the plugin's have not been released.
async fn live(context: &SessionContext) -> i64 {
    let batches = context.sql("select raw.live(0)").await.unwrap();
    let batches = batches.collect().await.unwrap();
    let column = batches[0].column(0).as_any();
    column.downcast_ref::<Int64Array>().unwrap().value(0)
}

/// Runs the test `name` in a process of its own, which nothing is to be printed by.
fn run_alone(name: &str) {
    run_alone_with(name, &[]);
}

/// The same with variables in its environment.
fn run_alone_with(name: &str, variables: &[(&str, &Path)]) {
    // Built here: the child is to print nothing.
    plugin("fixture-raw");
    let child = env::current_exe().unwrap();
    let output = Command::new(child)
        .args(["--exact", name, "--nocapture"])
        .env("HOSTILE_CHILD", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stderr.is_empty(),
        "{}\n{stdout}\n{stderr}",
        output.status
    );
    assert!(stdout.contains("1 passed"), "{stdout}");
    let lines = stdout.lines().filter(|line| !line.is_empty());
    let own = |line: &&str| !line.starts_with("running ") && !line.starts_with("test ");
    let foreign: Vec<_> = lines.filter(own).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

/// Whether this is the process that [`run_alone`] has started.
fn alone() -> bool {
    env::var_os("HOSTILE_CHILD").is_some()
}
