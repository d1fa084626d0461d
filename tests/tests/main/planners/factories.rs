//! Function factories: `CREATE FUNCTION`, of a plugin beside the same factories linked in.

mod faults;
mod functions;
mod install;
mod macros;
mod sessions;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::{array::AsArray, datatypes::UInt64Type},
    common::{DataFusionError, Result, not_impl_err},
    execution::{
        SessionState, SessionStateBuilder,
        context::{FunctionFactory, RegisterFunction},
    },
    logical_expr::CreateFunction,
    prelude::{SessionConfig, SessionContext},
};

use super::{builder, error, host, plans, rows};

/// The fixture's factories, each asked when those before it decline.
#[derive(Debug)]
struct Linked(Vec<Arc<dyn FunctionFactory>>);

impl Linked {
    fn factory() -> Arc<dyn FunctionFactory> {
        let factories = fixture_planners::function_factories().into_iter();
        Arc::new(Self(factories.map(|(_, factory)| factory).collect()))
    }
}

#[async_trait]
impl FunctionFactory for Linked {
    async fn create(
        &self,
        state: &SessionState,
        statement: CreateFunction,
    ) -> Result<RegisterFunction> {
        for factory in &self.0 {
            match factory.create(state, statement.clone()).await {
                Err(DataFusionError::NotImplemented(_)) => {}
                made => return made,
            }
        }
        not_impl_err!("nobody knows it")
    }
}

/// A builder of sessions that tell each other's ids and settings apart.
fn telling_builder() -> SessionStateBuilder {
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(77);
    builder()
        .with_config(config)
        .with_session_id("of a test".to_owned())
}

fn linked_in() -> SessionContext {
    let builder = telling_builder().with_function_factory(Some(Linked::factory()));
    SessionContext::new_with_state(builder.build())
}

fn loaded() -> SessionContext {
    let context = SessionContext::new_with_state(telling_builder().build());
    host().install(&context);
    context
}

/// Runs statements whose results do not matter.
async fn run(context: &SessionContext, statements: &[&str]) {
    for sql in statements {
        if let Err(error) = rows(context, sql).await {
            panic!("{sql}: {error}");
        }
    }
}

/// The rows that were handed to functions of the factory `kinds`.
async fn rows_counted(context: &SessionContext) -> u64 {
    let sql = "SELECT rows FROM plugin_metrics() WHERE plugin = 'planners' AND item = 'kinds'";
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let rows = batches[0].column(0).as_primitive::<UInt64Type>();
    rows.value(0)
}

/// The rows of each query, the same in both sessions.
async fn same(linked_in: &SessionContext, loaded: &SessionContext, queries: &[&str]) {
    for sql in queries {
        let expected = rows(linked_in, sql).await;
        let expected = expected.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let found = rows(loaded, sql).await;
        let found = found.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(found, expected, "{sql}");
    }
}
