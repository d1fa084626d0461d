//! Delta Lake as a plugin beside the same crate linked in: TPC-H at scale 1, planning, and inserting ten
//! million rows.
//!
//! The first run writes about 400 MB of tables below the target directory.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "benches")]

#[path = "delta/queries.rs"]
mod queries;
#[path = "delta/tables.rs"]
mod tables;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion};
use datafusion::{
    arrow::{array::RecordBatch, compute::concat_batches, util::pretty::pretty_format_batches},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_delta_tables::{DELTATABLE, DeltaTableFactory, Options, table_functions};
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::plugin;
use tokio::runtime::Runtime;

use queries::QUERIES;

/// A session for each place, by the place's name.
fn sessions() -> [(&'static str, SessionContext); 2] {
    // As many partitions as the machine has processors.
    let session = || SessionContext::new_with_config(SessionConfig::new());
    let linked_in = session();
    let options = Options::default();
    for (name, function, _) in table_functions(&options).unwrap() {
        linked_in.register_udtf(name, Arc::new(function));
    }
    let factory = Arc::new(DeltaTableFactory::new(&options).unwrap());
    linked_in
        .state_ref()
        .write()
        .table_factories_mut()
        .insert(DELTATABLE.into(), factory);

    let loaded = session();
    let library = plugin("datafusion-plugin-delta");
    let host = PluginHost::builder().plugin_file(library).load().unwrap();
    host.install(&loaded);
    [("linked_in", linked_in), ("plugin", loaded)]
}

async fn run(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

/// All queries, one after the other, planned and run.
fn tpch(criterion: &mut Criterion, runtime: &Runtime, sessions: &[(&str, SessionContext)]) {
    let answers = sessions.iter().map(|(_, context)| {
        let answer = |(name, sql): &(&str, &str)| {
            let batches = runtime.block_on(run(context, sql));
            let rows = concat_batches(batches[0].schema_ref(), &batches).unwrap();
            assert!(rows.num_rows() > 0, "query {name} has no rows");
            pretty_format_batches(&[rows]).unwrap().to_string()
        };
        QUERIES.iter().map(answer).collect::<Vec<_>>()
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers[0], answers[1], "both places have the same rows");

    let mut group = criterion.benchmark_group("delta_tpch");
    group.sample_size(20).warm_up_time(Duration::from_secs(5));
    for (place, context) in sessions {
        group.bench_function(*place, |bencher| {
            bencher.iter(|| {
                for (_, sql) in QUERIES {
                    black_box(runtime.block_on(run(context, sql)));
                }
            });
        });
    }
    group.finish();
}

/// The physical plan of a scan with projection and filters.
fn planning(criterion: &mut Criterion, runtime: &Runtime, sessions: &[(&str, SessionContext)]) {
    let sql = "select l_orderkey, l_tax from lineitem \
               where l_shipdate >= date '1995-01-01' and l_quantity < 10";
    let mut group = criterion.benchmark_group("delta_planning");
    for (place, context) in sessions {
        let logical = runtime.block_on(context.sql(sql)).unwrap();
        group.bench_function(*place, |bencher| {
            bencher.iter(|| {
                runtime
                    .block_on(logical.clone().create_physical_plan())
                    .unwrap()
            });
        });
    }
    group.finish();
}

/// Ten million rows of a table in memory into a new table.
fn insert(criterion: &mut Criterion, runtime: &Runtime, sessions: &[(&str, SessionContext)]) {
    let source = tables::source();
    let mut group = criterion.benchmark_group("delta_insert");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    for (place, context) in sessions {
        context
            .register_table("source", Arc::clone(&source) as _)
            .unwrap();
        group.bench_function(*place, |bencher| {
            let target = || {
                let folder = tempfile::tempdir().unwrap();
                runtime.block_on(tables::create(context, folder.path()));
                folder
            };
            let insert = |folder| {
                let counted =
                    runtime.block_on(run(context, "insert into target select * from source"));
                runtime.block_on(run(context, "drop table target"));
                (counted, folder)
            };
            bencher.iter_batched(target, insert, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let sessions = sessions();
    let started = Instant::now();
    for (_, context) in &sessions {
        runtime.block_on(tables::tpch(context));
    }
    eprintln!("tables are there after {:?}", started.elapsed());
    let mut criterion = Criterion::default().configure_from_args();
    planning(&mut criterion, &runtime, &sessions);
    tpch(&mut criterion, &runtime, &sessions);
    insert(&mut criterion, &runtime, &sessions);
    criterion.final_summary();
}
