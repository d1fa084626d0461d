//! Planners that ask the host, which asks their own plugin: neither waits for the other's thread, and the host's time is
//! not the plugin's.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use datafusion::{
    common::config::ConfigNonZeroUsize,
    execution::SessionStateBuilder,
    logical_expr::{
        LogicalPlanBuilder, lit,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    },
    sql::sqlparser::ast::TableFactor,
};

use super::*;

fn host(package: &str, limits: &str) -> PluginHost {
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin(package))
        .config(Config::parse(&format!("[host]\nlimits = {{ {limits} }}")).unwrap())
        .load()
        .unwrap()
}

/// A sample of a sample of a sample, so many times.
fn sampled(levels: usize) -> String {
    let all = "select * from generate_series(1, 10)".to_owned();
    (0..levels).fold(all, |inner, _| {
        format!("select * from ({inner}) tablesample (100 percent)")
    })
}

fn sampling(limits: &str) -> SessionContext {
    let mut config = SessionConfig::new();
    // By default SQL is not to be that deep.
    config.options_mut().sql_parser.recursion_limit = ConfigNonZeroUsize::try_new(500).unwrap();
    let context = SessionContext::new_with_config(config);
    host("datafusion-plugin-example", limits).install(&context);
    context
}

/// Runs `test` on threads of enough stack: without optimisation, DataFusion takes more for so many levels than threads
/// have.
fn with_stack<T: Future<Output = ()>>(test: impl FnOnce() -> T + Send + 'static) {
    const STACK: usize = 32 << 20;
    let run = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(50)
            .thread_stack_size(STACK)
            .enable_all()
            .build();
        runtime.unwrap().block_on(test());
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(run);
    thread.unwrap().join().unwrap();
}

/// Guards that a planner which waits for the host does not keep a thread that the host needs for its answer.
#[test]
fn planners_within_planners_and_many_at_once() {
    with_stack(async || {
        for limits in ["planning_ms = 10000", ""] {
            let context = sampling(limits);
            let begun = Instant::now();
            let sql = format!("select count(*) from ({})", sampled(20));
            let found = rows(&context, &sql).await.unwrap();
            assert!(found.contains("| 10 "), "{limits}: {found}");
            // Where all threads are stuck, nothing goes on until the limit.
            assert!(begun.elapsed() < Duration::from_secs(9), "{limits}");

            let many = (0..50).map(|number| {
                let context = context.clone();
                let sql = format!("select count(*) from ({})", sampled(1 + number % 3));
                tokio::task::spawn(async move { rows(&context, &sql).await })
            });
            for one in many.collect::<Vec<_>>() {
                let found = one.await.unwrap().unwrap();
                assert!(found.contains("| 10 "), "{limits}: {found}");
            }
        }
    });
}

/// A planner of the application's that takes its time.
#[derive(Debug)]
struct Slow;

impl RelationPlanner for Slow {
    fn plan_relation(
        &self,
        relation: TableFactor,
        _: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match &relation {
            TableFactor::Table { name, .. } if name.to_string() == "slow" => {
                thread::sleep(Duration::from_millis(900));
                let plan = LogicalPlanBuilder::values(vec![vec![lit(7)]])?.build()?;
                let planned = PlannedRelation::new(plan, None);
                Ok(RelationPlanning::Planned(Box::new(planned)))
            }
            _ => Ok(RelationPlanning::Original(Box::new(relation))),
        }
    }
}

fn blocking(limits: &str) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_relation_planners(vec![Arc::new(Slow)])
        .build();
    let context = SessionContext::new_with_state(state);
    host("fixture-blocking", limits).install(&context);
    context
}

#[tokio::test]
async fn the_time_of_the_host_is_not_the_plugins() {
    let context = blocking("planning_ms = 300");
    for sql in ["select * from outer_slow", "select * from outer_outer_slow"] {
        let found = rows(&context, sql).await.unwrap();
        assert!(found.contains("| 7 "), "{sql}: {found}");
    }
}

/// A planner that has asked, or was asked within another, is given up as ever.
#[tokio::test]
async fn a_planner_that_has_asked_and_blocks() {
    for sql in [
        "select * from asked_and_blocks",
        "select * from outer_relation_blocks",
        "select * from outer_outer_asked_and_blocks",
    ] {
        let context = blocking("planning_ms = 200");
        let begun = Instant::now();
        let error = rows(&context, sql).await.unwrap_err().strip_backtrace();
        assert!(begun.elapsed() < Duration::from_secs(2), "{sql}: {error}");
        for part in ["no answer within 200ms", "plugin 'blocking'", "'relations'"] {
            assert!(error.contains(part), "{sql}: {part}: {error}");
        }
        // What was given up keeps one thread, and no more.
        rows(&context, "create view x as select 1").await.unwrap();
        for _ in 0..20 {
            rows(&context, "select * from outer_x a, x b")
                .await
                .unwrap();
        }
    }
}

/// Guards that a planner that asks for its own relation takes neither threads nor the stack without end.
#[test]
fn a_planner_that_asks_for_ever() {
    with_stack(async || {
        for limits in ["planning_ms = 20000", ""] {
            let context = blocking(limits);
            let error = rows(&context, "select * from endless").await.unwrap_err();
            let error = error.strip_backtrace();
            for part in ["more than 32 levels", "plugin 'blocking'"] {
                assert!(error.contains(part), "{limits}: {part}: {error}");
            }
            rows(&context, "select * from outer_slow").await.unwrap();
        }
    });
}
