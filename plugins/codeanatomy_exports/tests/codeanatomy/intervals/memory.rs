//! Alignment of more than the memory pool has room for.

use std::{sync::Arc, time::Duration};

use datafusion::{
    arrow::array::{Int64Array, RecordBatch, StringArray},
    common::DataFusionError,
    datasource::MemTable,
    error::Result,
    execution::{
        memory_pool::FairSpillPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    physical_plan::{ExecutionPlan, collect},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_codeanatomy::IntervalAlign;

use crate::shown;

const ROWS: i64 = 200_000;
const POOL: usize = 24 << 20;

/// A side: its intervals are 10 apart, and those of the same number belong to each other.
fn side(paths: i64, start: i64, end: i64) -> (MemTable, usize) {
    let batches = (0..ROWS / 1000).map(|batch| {
        // In no order.
        let numbers = (batch * 1000..(batch + 1) * 1000).map(|at| at * 77_773 % ROWS);
        let numbers: Vec<_> = numbers.collect();
        let path = numbers
            .iter()
            .map(|number| format!("path {}", number % paths));
        let at = |offset: i64| numbers.iter().map(move |n| n / paths * 10 + offset);
        let texts = numbers.iter().map(|number| format!("{number:0256}"));
        RecordBatch::try_from_iter([
            ("path", Arc::new(StringArray::from_iter_values(path)) as _),
            (
                "bstart",
                Arc::new(Int64Array::from_iter_values(at(start))) as _,
            ),
            ("bend", Arc::new(Int64Array::from_iter_values(at(end))) as _),
            ("text", Arc::new(StringArray::from_iter_values(texts)) as _),
        ])
        .unwrap()
    });
    let batches: Vec<_> = batches.collect();
    let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    (table, bytes)
}

fn session(runtime: &Arc<RuntimeEnv>, paths: i64) -> (SessionContext, usize) {
    // What merging spilled runs takes for itself is batches, two for each run.
    let mut config = SessionConfig::new()
        .with_target_partitions(2)
        .with_batch_size(256);
    config.options_mut().execution.sort_spill_reservation_bytes = 1 << 20;
    let context = SessionContext::new_with_config_rt(config, Arc::clone(runtime));
    context
        .register_relation_planner(Arc::new(IntervalAlign))
        .unwrap();
    let (left, left_bytes) = side(paths, 0, 10);
    let (right, right_bytes) = side(paths, 3, 9);
    context.register_table("l", Arc::new(left)).unwrap();
    context.register_table("r", Arc::new(right)).unwrap();
    (context, left_bytes + right_bytes)
}

/// The rows, and what ran.
async fn run(context: &SessionContext) -> (Result<Vec<RecordBatch>>, Arc<dyn ExecutionPlan>) {
    let sql = "SELECT count(*), count(CASE WHEN text = right_text AND path = right_path THEN 1 END), \
               min(match_score), max(match_score) FROM interval_align((SELECT * FROM l), (SELECT * FROM r))";
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    (collect(Arc::clone(&plan), context.task_ctx()).await, plan)
}

/// The sum of a metric of all operators of a name.
fn metric(plan: &Arc<dyn ExecutionPlan>, operator: &str, metric: &str) -> usize {
    let below = plan.children().into_iter();
    let below: usize = below
        .map(|child| self::metric(child, operator, metric))
        .sum();
    let own = plan.metrics().filter(|_| plan.name() == operator);
    let own: usize = own.map_or(0, |metrics| {
        let own = metrics.iter().filter(|own| own.value().name() == metric);
        own.map(|own| own.value().as_usize()).sum()
    });
    below + own
}

fn runtime() -> Arc<RuntimeEnv> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(POOL)))
        .build_arc()
        .unwrap()
}

/// Tasks of the plan end by themselves.
async fn is_given_back(runtime: &RuntimeEnv) {
    for _ in 0..1000 {
        if runtime.memory_pool.reserved() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} bytes are reserved", runtime.memory_pool.reserved());
}

#[tokio::test(flavor = "multi_thread")]
async fn sorts_spill_and_paths_are_let_go_of() {
    let runtime = runtime();
    let (context, bytes) = session(&runtime, 1000);
    assert!(bytes > 4 * POOL, "{bytes} bytes");
    let (found, plan) = run(&context).await;
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shown(&found), [format!("{ROWS}|{ROWS}|6.0|6.0")]);
    assert!(metric(&plan, "SortExec", "spill_count") > 0);
    // There are 200 kB of rows in a path, and two partitions.
    let peak = metric(&plan, "AggregateExec", "peak_mem_used");
    assert!((200 << 10..8 << 20).contains(&peak), "{peak} bytes");
    is_given_back(&runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_does_not_fit_is_an_error() {
    let runtime = runtime();
    let (context, _) = session(&runtime, 1);
    let (found, _) = run(&context).await;
    let error = found.unwrap_err();
    assert!(
        matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
        "{error}"
    );
    assert!(error.to_string().contains("interval_aligned"), "{error}");
    is_given_back(&runtime).await;
}
