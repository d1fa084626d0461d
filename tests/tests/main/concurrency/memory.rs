//! Memory after many queries. Measured in a process of its own, since the other tests of this binary
//! run beside it.
#![cfg(target_os = "linux")]

use std::{env, fs, process::Command, sync::Arc};

use datafusion::{
    execution::SessionStateBuilder,
    optimizer::{
        OptimizerRule, common_subexpr_eliminate::CommonSubexprEliminate,
        simplify_expressions::SimplifyExpressions,
    },
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::plugin;

const PLUGINS: [&str; 3] = [
    "datafusion-plugin-spark",
    "datafusion-plugin-example",
    "fixture-twin-plugin",
];

/// Set in the process that measures: the plugins' files.
const FILES: &str = "PLUGIN_TESTS_MEMORY_OF";

const QUERIES: usize = 10_000;
const WARM_UP: usize = 3_000;
/// What may be added after the warm-up, by 7,000 queries together: 600 bytes each.
const GROWTH: usize = 4 << 20;

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes << 10
}

/// Queries whose constants differ from query to query.
fn sql(i: usize) -> String {
    match i % 9 {
        0 => format!("select greet('{i}')"),
        1 => format!("select greet(column1) from (values ('{i}')) t"),
        2 => format!("select geometric_mean(column1) from (values (2.0), ({i}.5)) t"),
        3 => format!("select run_length(column1) over () from (values ({i})) t"),
        4 => format!("select value from series({i}, {})", i + 2),
        5 => format!("select date_part('year', timestamp '2020-01-01' + interval '{i} hours')"),
        6 => format!("select plus_zero(column1) from (values (1)) t where tens(column1) < {i}0"),
        // A function of 16 kB is made for each prefix, and is gone with its query.
        7 => format!("select starts(column1, '{i}') from (values ('{i}')) t"),
        _ => format!("select describe(column1, {i}), echo({i}) from (values ({i})) t"),
    }
}

/// A session of the rules that ask functions and of no functions but those of the plugins: a session
/// is copied for every query, and rules and functions of DataFusion would take most of the time.
fn session(files: &[&str]) -> SessionContext {
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(SimplifyExpressions::new()),
        Arc::new(CommonSubexprEliminate::new()),
    ];
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(1))
        .with_default_features()
        .with_scalar_functions(Vec::new())
        .with_aggregate_functions(Vec::new())
        .with_window_functions(Vec::new())
        .with_optimizer_rules(rules)
        .with_physical_optimizer_rules(Vec::new())
        .build();
    let context = SessionContext::new_with_state(state);
    let builder = PluginHost::builder().grant_every_capability();
    let builder = files
        .iter()
        .fold(builder, |builder, file| builder.plugin_file(*file));
    let report = builder.load().unwrap().install(&context);
    assert_eq!(report.plugins.len(), files.len());
    context
}

async fn measure(files: &str) {
    let files: Vec<&str> = files.split('\n').collect();
    let spark = session(&files[..1]);
    let others = session(&files[1..]);
    let mut warm = 0;
    for i in 0..QUERIES {
        let context = if i % 9 == 5 { &spark } else { &others };
        let batches = context.sql(&sql(i)).await.unwrap().collect().await.unwrap();
        assert!(
            batches.iter().map(|batch| batch.num_rows()).sum::<usize>() > 0,
            "{}",
            sql(i)
        );
        if i == WARM_UP {
            warm = resident();
        }
    }
    let grown = resident().saturating_sub(warm);
    println!("{warm} bytes, {grown} more after {QUERIES} queries");
    assert!(
        grown < GROWTH,
        "{grown} bytes more than the {warm} after {WARM_UP} queries"
    );
}

#[test]
fn ten_thousand_queries_leave_memory_flat() {
    if let Ok(files) = env::var(FILES) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(measure(&files));
        return;
    }
    let files = PLUGINS.map(|package| plugin(package).to_str().unwrap().to_owned());
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("main::concurrency::memory::ten_thousand_queries_leave_memory_flat")
        .env(FILES, files.join("\n"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    // Not a run of no tests.
    assert!(
        text.contains("more after 10000 queries"),
        "{text}\n{errors}"
    );
}
