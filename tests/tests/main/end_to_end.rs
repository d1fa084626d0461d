//! A plugin from its file to SQL results: one function of each kind.

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    execution::SessionStateBuilder,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{BareName, PluginHost};
use plugin_tests::plugins::plugin;

pub(crate) fn example() -> PluginHost {
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("datafusion-plugin-example"))
        .load()
        .unwrap()
}

async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let lines = table.lines().skip(3).filter(|line| line.starts_with('|'));
    lines
        .map(|line| line.trim_matches('|').trim().to_owned())
        .collect()
}

#[tokio::test]
async fn functions_of_each_kind_answer() {
    let context = SessionContext::new();
    let report = example().install(&context);
    assert!(report.qualified_only().next().is_none(), "{report:?}");

    for (sql, expected) in [
        ("select greet('Ada')", "Hello, Ada!"),
        ("select greet(name => 'Ada')", "Hello, Ada!"),
        (
            "select example.greet(column1) from (values ('Bob')) t",
            "Hello, Bob!",
        ),
        ("select slow_square(3.0)", "9.0"),
        (
            "select example.slow_square(column1) from (values (3.0)) t",
            "9.0",
        ),
        (
            "select geometric_mean(column1) from (values (2.0), (8.0)) t",
            "4.0",
        ),
        ("select sum(value) from series(1, 101)", "5050"),
        ("select sum(value) from example.series(1, 101)", "5050"),
        ("select count(*) from series(0, 100000)", "100000"),
        (
            "select string_agg(cast(n as varchar), ',' order by t) from (select column1 t, \
          run_length(column2) over (order by column1) n \
          from (values (1, 'a'), (2, 'a'), (3, 'b'), (4, 'b'), (5, 'b'), (6, 'a')) v) w",
            "1,2,1,2,3,1",
        ),
    ] {
        assert_eq!(rows(&context, sql).await, [expected], "{sql}");
    }
}

#[tokio::test]
async fn the_host_answers_for_its_plugins() {
    let context = SessionContext::new();
    example().install(&context);
    assert_eq!(
        rows(&context, "select name from plugins()").await,
        ["example"]
    );
    let kinds = "select capability from plugin_capabilities() where granted order by 1";
    assert_eq!(
        rows(&context, kinds).await,
        [
            "aggregate_function",
            "async_scalar_function",
            "policy",
            "relation_planner",
            "scalar_function",
            "table_function",
            "table_provider",
            "table_provider_factory",
            "type_planner",
            "window_function"
        ]
    );
    let functions = "select qualified_name from plugin_functions() order by 1";
    assert_eq!(
        rows(&context, functions).await,
        [
            "example.geometric_mean",
            "example.greet",
            "example.run_length",
            "example.sampled",
            "example.series",
            "example.slow_square"
        ]
    );
    rows(
        &context,
        "select greet(column1) from (values ('a'), ('b')) t",
    )
    .await;
    let metrics = "select calls > 0, rows, errors from plugin_metrics() where item = 'greet'";
    let counted = rows(&context, metrics).await;
    let counted: Vec<&str> = counted[0].split_whitespace().collect();
    assert_eq!(counted, ["true", "|", "2", "|", "0"]);
}

#[tokio::test]
async fn installing_again_changes_nothing() {
    let host = example();
    let context = SessionContext::new();
    assert!(!host.install(&context).is_unchanged());
    let names = |context: &SessionContext| {
        let state = context.state();
        let mut names: Vec<String> = state.scalar_functions().keys().cloned().collect();
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        names.extend(state.table_functions().keys().cloned());
        names.sort();
        (names, state.relation_planners().len())
    };
    let before = names(&context);
    assert!(host.install(&context).is_unchanged());
    assert_eq!(names(&context), before);
}

#[tokio::test]
async fn a_builder_installs_as_a_live_session_does() {
    let host = example();
    let builder = SessionStateBuilder::new()
        .with_config(SessionConfig::new())
        .with_default_features();
    let (builder, report) = host.install_into(builder);
    assert!(
        report.plugins[0]
            .items
            .iter()
            .all(|item| matches!(item.bare, BareName::Granted | BareName::Unused))
    );
    let context = SessionContext::new_with_state(builder.build());
    for (sql, expected) in [
        ("select greet('Ada')", "Hello, Ada!"),
        ("select sum(value) from example.series(1, 4)", "6"),
        ("select upper(greet('Ada'))", "HELLO, ADA!"),
    ] {
        assert_eq!(rows(&context, sql).await, [expected], "{sql}");
    }
    assert!(host.install(&context).is_unchanged());
}
