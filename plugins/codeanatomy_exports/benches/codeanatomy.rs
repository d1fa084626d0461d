//! `stable_hash64` beside DataFusion's `md5`, and `python_syntax` over the standard library of the
//! Python on the PATH.
//!
//! Run it as `cargo bench --workspace --bench codeanatomy`.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "benches")]

use std::{hint::black_box, process::Command, sync::Arc, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use datafusion::{
    execution::FunctionRegistry,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_codeanatomy::{Options, PythonSyntax, scalar_functions};
use tokio::runtime::Runtime;

fn session(partitions: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions);
    let mut state = SessionContext::new_with_config(config).state();
    for function in scalar_functions(&Options::default()) {
        state.register_udf(function).unwrap();
    }
    let context = SessionContext::new_with_state(state);
    context.register_udtf("python_syntax", Arc::new(PythonSyntax));
    context
}

fn run(runtime: &Runtime, context: &SessionContext, sql: &str) {
    let rows = runtime.block_on(async { context.sql(sql).await.unwrap().collect().await });
    black_box(rows.unwrap());
}

fn hashes(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let context = session(1);
    let table = "CREATE TABLE names AS SELECT concat('src/package/module_', value, '.py') AS name \
                 FROM range(1000000)";
    run(&runtime, &context, table);
    let mut group = criterion.benchmark_group("hashes of 1,000,000 paths");
    group.sample_size(10);
    for function in ["md5", "stable_hash64", "stable_hash128"] {
        let sql = format!("SELECT count({function}(name)) FROM names");
        group.bench_function(function, |bencher| {
            bencher.iter(|| run(&runtime, &context, &sql));
        });
    }
    group.finish();
}

fn python(criterion: &mut Criterion) {
    let program = [
        "-c",
        "import sysconfig; print(sysconfig.get_path('stdlib'))",
    ];
    let output = Command::new("python3").args(program).output().unwrap();
    let folder = String::from_utf8(output.stdout).unwrap();
    let folder = folder.trim();
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("python_syntax over the standard library");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(20));
    for partitions in [1, 2] {
        let context = session(partitions);
        for kind in ["defs", "calls", "nodes"] {
            let sql = format!("SELECT count(bend) FROM python_syntax('{folder}', '{kind}')");
            group.bench_function(format!("{kind}, {partitions} partitions"), |bencher| {
                bencher.iter(|| run(&runtime, &context, &sql));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, hashes, python);
criterion_main!(benches);
