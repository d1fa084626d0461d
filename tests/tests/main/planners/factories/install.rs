//! Factories in a session's one slot.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    common::{Result, not_impl_err},
    execution::{
        SessionState,
        context::{FunctionFactory, RegisterFunction},
    },
    functions::math,
    logical_expr::CreateFunction,
    prelude::SessionContext,
};
use datafusion_plugin_api::sdk::Plugin;
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::plugin;

use super::{builder, error, host, rows, rows_counted, run};

/// What a session had before: makes `mine`, which is `signum`.
#[derive(Debug)]
struct Own;

#[async_trait]
impl FunctionFactory for Own {
    async fn create(
        &self,
        _: &SessionState,
        statement: CreateFunction,
    ) -> Result<RegisterFunction> {
        match statement.params.language {
            Some(language) if language.value == "own" => {
                let udf = math::signum().as_ref().clone().with_aliases(["mine"]);
                Ok(RegisterFunction::Scalar(Arc::new(udf)))
            }
            _ => not_impl_err!("not the session's own"),
        }
    }
}

const OWN: &str = "CREATE FUNCTION mine(DOUBLE) RETURNS DOUBLE LANGUAGE own";
const PLUGINS: &str = "CREATE FUNCTION plugins(BIGINT) RETURNS BIGINT LANGUAGE adding RETURN 1";

async fn check(context: &SessionContext) {
    run(context, &[OWN, PLUGINS]).await;
    let found = rows(context, "SELECT mine(-7), plugins(41)").await.unwrap();
    assert!(
        found.contains("| -1.0 ") && found.contains("| 42 "),
        "{found}"
    );
    let declined = error(context, "CREATE FUNCTION f() LANGUAGE unheard_of").await;
    assert!(declined.contains("not the session's own"), "{declined}");
}

fn slot(context: &SessionContext) -> Arc<dyn FunctionFactory> {
    Arc::clone(context.state().function_factory().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_factories_come_before_that_of_a_live_session() {
    let context = SessionContext::new_with_state(builder().build());
    let context = context.with_function_factory(Arc::new(Own));
    let report = host().install(&context);
    let items = report.plugins.iter().flat_map(|plugin| &plugin.items);
    let factories = items.filter(|item| item.kind.to_string() == "function factory");
    let names: Vec<_> = factories.map(|item| item.name.as_str()).collect();
    assert_eq!(
        names,
        ["planners.macros", "planners.kinds", "planners.faulty"]
    );
    check(&context).await;
    let before = slot(&context);
    assert!(host().install(&context).is_unchanged());
    assert!(Arc::ptr_eq(&slot(&context), &before));
    // What takes the slot after an install is asked after the plugins, once they are installed again.
    let context = context.with_function_factory(Arc::new(Own));
    assert!(
        error(&context, PLUGINS)
            .await
            .contains("not the session's own")
    );
    assert!(!host().install(&context).is_unchanged());
    check(&context).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_factories_come_before_that_of_a_session_being_built() {
    let builder = builder().with_function_factory(Some(Arc::new(Own)));
    let (builder, _) = host().install_into(builder);
    let (builder, report) = host().install_into(builder);
    assert!(report.is_unchanged());
    check(&SessionContext::new_with_state(builder.build())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_lists_the_capability() {
    let context = SessionContext::new_with_state(builder().build());
    host().install(&context);
    let sql = "SELECT plugin, layer, granted FROM plugin_capabilities() \
               WHERE capability = 'function_factory'";
    let found = rows(&context, sql).await.unwrap();
    assert!(found.contains("| planners | same-major | true "), "{found}");
}

/// `CREATE FUNCTION` is no function or table, so it has to be granted.
#[tokio::test(flavor = "multi_thread")]
async fn a_factory_that_is_not_granted_is_not_installed() {
    let host = PluginHost::builder().plugin_file(plugin("fixture-planner-plugin"));
    let context = SessionContext::new_with_state(builder().build());
    host.load().unwrap().install(&context);
    assert!(context.state().function_factory().is_none());
    let sql = "SELECT granted, reason FROM plugin_capabilities() \
               WHERE capability = 'function_factory'";
    let found = rows(&context, sql).await.unwrap();
    assert!(found.contains("| false "), "{found}");
}

/// A second plugin's factories are asked after those that are there.
#[tokio::test(flavor = "multi_thread")]
async fn factories_are_asked_in_the_order_of_their_installation() {
    let load = || {
        PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("fixture-planner-plugin"))
            .load()
            .unwrap()
    };
    let (first, second) = (load(), load());
    let context = SessionContext::new_with_state(builder().build());
    first.install(&context);
    second.install(&context);
    run(&context, &[PLUGINS, "SELECT plugins(1)"]).await;
    let counted = async |host: &PluginHost| {
        let context = SessionContext::new_with_state(builder().build());
        host.install(&context);
        rows_counted(&context).await
    };
    assert_eq!(counted(&first).await, 1);
    assert_eq!(counted(&second).await, 0);
}

/// A session without a factory says so.
#[tokio::test(flavor = "multi_thread")]
async fn plugins_without_factories_leave_the_slot_alone() {
    let host = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("datafusion-plugin-example"));
    let context = SessionContext::new_with_state(builder().build());
    host.load().unwrap().install(&context);
    assert!(context.state().function_factory().is_none());
}

#[test]
fn two_factories_of_one_name_are_refused() {
    let factories = fixture_planners::function_factories();
    let factory = || Arc::clone(&factories[0].1);
    let plugin = Plugin::new()
        .function_factory("one", factory())
        .function_factory("one", factory());
    let error = plugin.into_instance().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("two function factories are named 'one'"),
        "{error}"
    );
}
