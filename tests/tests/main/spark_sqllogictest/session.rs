//! The sessions that the files run in: DataFusion's defaults, Spark's dialect, and functions and expression
//! planner from one place or another.

use std::sync::LazyLock;

use datafusion::common::config::Dialect;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_plugin_host::{PluginHost, config::Config};
use datafusion_spark::SessionStateBuilderSpark;

/// Spark's functions and planner, linked in: the session of `datafusion-sqllogictest`'s own program.
pub async fn linked_in() -> SessionContext {
    let state = defaults().with_spark_features().build();
    SessionContext::new_with_state(state)
}

/// Spark's dialect, but no Spark function and no planner of Spark's.
pub async fn without_functions() -> SessionContext {
    SessionContext::new_with_state(defaults().build())
}

/// Spark's dialect, and functions and planner of the loaded plugin: nothing of Spark is linked in.
pub async fn plugin() -> SessionContext {
    static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
        let config = Config::parse("[plugins.spark]\nreplace_builtins = true").unwrap();
        PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin_tests::plugins::plugin("datafusion-plugin-spark"))
            .config(config)
            .load()
            .unwrap()
    });
    let context = SessionContext::new_with_state(defaults().build());
    let report = HOST.install(&context);
    assert_eq!(report.qualified_only().count(), 0, "{report:?}");
    context
}

fn defaults() -> SessionStateBuilder {
    // As in `TestContext::try_new_for_test_file`: plans must not depend on the machine.
    let mut config = SessionConfig::new().with_target_partitions(4);
    config.options_mut().sql_parser.dialect = Dialect::Spark;
    SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
}
