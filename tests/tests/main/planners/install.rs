//! Planners in sessions: once, in order, and without harm to what a session has.

use std::collections::BTreeMap;

use datafusion::{
    logical_expr::planner::ExprPlanner,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{ItemKind, PluginHost, config::Config};
use plugin_tests::plugins::plugin;

use super::{builder, host, rows};

#[tokio::test(flavor = "multi_thread")]
async fn installing_again_changes_nothing() {
    let context = SessionContext::new_with_state(builder().build());
    let report = host().install(&context);
    let planners = report.plugins.iter().flat_map(|plugin| &plugin.items);
    let planners = planners.filter(|item| item.kind.to_string().ends_with("planner"));
    assert_eq!(planners.count(), 3 + 11);
    let before = planners_of(&context);
    assert!(host().install(&context).is_unchanged());
    assert_eq!(planners_of(&context), before);

    let (builder, _) = host().install_into(builder());
    let (builder, report) = host().install_into(builder);
    assert!(report.is_unchanged());
    assert_eq!(
        planners_of(&SessionContext::new_with_state(builder.build())),
        before
    );
}

/// Relation and expression planners, as they show in the state.
fn planners_of(context: &SessionContext) -> (usize, usize) {
    let state = context.state();
    (state.relation_planners().len(), state.expr_planners().len())
}

/// An expression planner comes into a live session by way of a new state: what the session has
/// otherwise must be the same as before.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_keeps_everything_else() {
    let config = Config::parse("[plugins.spark]\nreplace_builtins = true").unwrap();
    let spark = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("datafusion-plugin-spark"))
        .config(config)
        .load()
        .unwrap();
    let config = SessionConfig::new().with_batch_size(77);
    let context = SessionContext::new_with_config(config);
    let id = context.state().session_id().to_owned();
    let own = |context: &SessionContext| -> BTreeMap<String, String> {
        let state = context.state();
        let scalars = state
            .scalar_functions()
            .iter()
            .map(|(k, f)| (k.clone(), format!("{f:?}")));
        let aggregates = state.aggregate_functions().iter();
        let aggregates = aggregates.map(|(k, f)| (format!("aggregate {k}"), format!("{f:?}")));
        scalars.chain(aggregates).collect()
    };
    spark.install(&context);
    let after = own(&context);
    assert_eq!(context.state().session_id(), id);
    assert_eq!(context.state().config().batch_size(), 77);
    assert!(
        context
            .state()
            .config_options()
            .catalog
            .create_default_catalog_and_schema
    );
    // Functions without planners come in without a new state.
    let (built, _) = spark.install_into(builder());
    assert_eq!(own(&SessionContext::new_with_state(built.build())), after);
}

/// DataFusion hands out no prepared statement, so a new state would lose them.
#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_are_kept() {
    let context = SessionContext::new_with_state(builder().build());
    context
        .sql("PREPARE p(INT) AS SELECT $1 + 1")
        .await
        .unwrap();
    let planners = context.state().expr_planners().len();
    let report = host().install(&context);
    let mut left_out: Vec<_> = report.left_out().map(|item| item.kind).collect();
    left_out.sort();
    left_out.dedup();
    assert_eq!(left_out, [ItemKind::ExprPlanner, ItemKind::TypePlanner]);
    assert!(
        rows(&context, "EXECUTE p(1)")
            .await
            .unwrap()
            .contains("| 2 ")
    );
    assert_eq!(context.state().expr_planners().len(), planners);
    // Relation planners need no new state.
    assert!(rows(&context, "SELECT * FROM claimed").await.is_ok());
}

/// Planners keep their order: those of the plugin that was found first are asked first.
#[tokio::test(flavor = "multi_thread")]
async fn expression_planners_stand_before_datafusions() {
    let context = SessionContext::new_with_state(builder().build());
    let before: Vec<String> = names(context.state().expr_planners());
    host().install(&context);
    let after = names(context.state().expr_planners());
    assert_eq!(after[after.len() - before.len()..], before);
    assert!(after[0].contains("PluginExprPlanner"), "{after:?}");
}

fn names(planners: &[std::sync::Arc<dyn ExprPlanner>]) -> Vec<String> {
    planners
        .iter()
        .map(|planner| format!("{planner:?}"))
        .collect()
}
