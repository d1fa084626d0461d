//! The plugin `codeanatomy` beside the same crate linked in, over the syntax tables of the standard library of the
//! Python on the PATH; `stable_hash64` beside DataFusion's `md5`; `python_syntax` beside Python's `ast`;
//! `interval_align` beside DataFusion's sorts of both sides.
//!
//! `cargo bench --workspace --bench codeanatomy`.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "benches")]

#[path = "codeanatomy/alignment.rs"]
mod alignment;
#[path = "codeanatomy/python.rs"]
mod python;
#[path = "codeanatomy/queries.rs"]
mod queries;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use datafusion::{
    arrow::{array::RecordBatch, util::pretty::pretty_format_batches},
    execution::SessionStateBuilder,
    logical_expr::planner::ExprPlanner,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_codeanatomy::{
    IntervalAlign, Macros, Operators, Options, PythonSyntax, RedundantSorts, SnapshotFilter,
    TableMacros, Types, aggregate_functions, scalar_functions, window_functions,
};
use datafusion_plugin_host::{PluginHost, config::Config};
use plugin_tests::plugins::plugin;
use tokio::runtime::Runtime;

use queries::{QUERIES, TABLES};

/// Runs in both places, in turn.
const PAIRS: usize = 40;

/// A session for each place, by the place's name. Both have all that the plugin exports.
fn sessions(partitions: usize) -> [(&'static str, SessionContext); 2] {
    let config = SessionConfig::new().with_target_partitions(partitions);
    let loaded = SessionContext::new_with_config(config.clone());
    let host = PluginHost::builder()
        .plugin_file(plugin("datafusion-plugin-codeanatomy"))
        .config(Config::parse("[plugins.codeanatomy]\nreplace_builtins = true").unwrap())
        .grant_every_capability()
        .load()
        .unwrap();
    host.install(&loaded);
    [("linked_in", linked_in(config)), ("plugin", loaded)]
}

fn linked_in(config: SessionConfig) -> SessionContext {
    let options = Options::default();
    let mut builder = SessionStateBuilder::new()
        .with_config(config.with_option_extension(options.clone()))
        .with_default_features()
        .with_function_factory(Some(Arc::new(Macros::new(&options))))
        .with_physical_optimizer_rule(Arc::new(RedundantSorts::new(&options)))
        .with_type_planner(Arc::new(Types));
    let operators: Arc<dyn ExprPlanner> = Arc::new(Operators);
    builder
        .expr_planners()
        .get_or_insert_default()
        .insert(0, operators);
    let context = SessionContext::new_with_state(builder.build());
    for function in scalar_functions(&options) {
        context.register_udf(function.as_ref().clone());
    }
    for function in aggregate_functions() {
        context.register_udaf(function.as_ref().clone());
    }
    for function in window_functions() {
        context.register_udwf(function.as_ref().clone());
    }
    context.register_udtf("python_syntax", Arc::new(PythonSyntax));
    for planner in [Arc::new(IntervalAlign) as _, Arc::new(TableMacros) as _] {
        context.register_relation_planner(planner).unwrap();
    }
    context.add_analyzer_rule(Arc::new(SnapshotFilter::new(&options)));
    context
}

async fn run(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

/// All queries over the syntax tables, planned and run.
fn queries(criterion: &mut Criterion, runtime: &Runtime, folder: &str) {
    let sessions = sessions(2);
    let [(_, first), (_, second)] = &sessions;
    for (name, sql) in TABLES {
        let sql = sql.replace("FOLDER", folder);
        let table = runtime.block_on(async {
            let frame = first.sql(&sql).await.unwrap();
            frame.cache().await.unwrap().into_view()
        });
        for context in [first, second] {
            context.register_table(name, Arc::clone(&table)).unwrap();
        }
    }
    for sql in QUERIES {
        let answer = |context| {
            let rows = pretty_format_batches(&runtime.block_on(run(context, sql))).unwrap();
            let rows = rows.to_string();
            assert!(rows.lines().count() > 4, "{sql} has no rows");
            rows
        };
        assert_eq!(answer(first), answer(second), "{sql}");
    }
    let all = |context| {
        for sql in QUERIES {
            black_box(runtime.block_on(run(context, sql)));
        }
    };
    let mut group = criterion.benchmark_group("codeanatomy_queries");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_secs(5))
        .measurement_time(Duration::from_secs(30));
    for (place, context) in &sessions {
        group.bench_function(*place, |bencher| bencher.iter(|| all(context)));
    }
    group.finish();

    // Closer than criterion's groups, which run one after the other.
    paired("all queries", || all(first), || all(second));
    for sql in QUERIES {
        let run = |context| {
            black_box(runtime.block_on(run(context, sql)));
        };
        paired(sql, || run(first), || run(second));
    }
}

/// Prints how much longer the plugin takes, run by run in turn.
fn paired(what: &str, linked_in: impl Fn(), plugin: impl Fn()) {
    let time = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let mut pairs: Vec<_> = (0..PAIRS)
        .map(|pair| match pair % 2 {
            0 => {
                let second = time(&plugin);
                (time(&linked_in), second)
            }
            _ => (time(&linked_in), time(&plugin)),
        })
        .map(|(first, second)| (second / first, second - first))
        .collect();
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0));
    let ratio = |part: usize| pairs[PAIRS * part / 4].0;
    println!(
        "plugin {:.3} times linked in, {:+.2} ms (median of {PAIRS} pairs; half of them {:.3} to {:.3}): {what}",
        ratio(2),
        pairs[PAIRS / 2].1 * 1e3,
        ratio(1),
        ratio(3),
    );
}

/// Hashes of a million paths, on one thread.
fn hashes(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("codeanatomy_hashes");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(1_000_000));
    for (place, context) in sessions(1) {
        let table = "CREATE TABLE names AS SELECT concat('src/package/module_', value, '.py') AS name \
                     FROM range(1000000)";
        runtime.block_on(run(&context, table));
        for function in ["md5", "stable_hash64", "stable_hash128"] {
            let sql = format!("SELECT count({function}(name)) FROM names");
            group.bench_function(format!("{function}, {place}"), |bencher| {
                bencher.iter(|| black_box(runtime.block_on(run(&context, &sql))));
            });
        }
    }
    group.finish();
}

/// The standard library parsed and walked, on one thread and on two.
fn syntax(criterion: &mut Criterion, runtime: &Runtime, folder: &str) {
    let mut group = criterion.benchmark_group("codeanatomy_syntax");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(20));
    group.bench_function("ast of Python, 1 thread", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| python::parse_and_walk(folder)).sum());
    });
    for partitions in [1, 2] {
        let [_, (_, context)] = sessions(partitions);
        for kind in ["defs", "calls", "nodes"] {
            let sql = format!("SELECT count(bend) FROM python_syntax('{folder}', '{kind}')");
            group.bench_function(format!("{kind}, {partitions} threads"), |bencher| {
                bencher.iter(|| black_box(runtime.block_on(run(&context, &sql))));
            });
        }
    }
    group.finish();
}

/// Two million intervals aligned, beside both sides sorted and no more.
fn alignments(criterion: &mut Criterion, runtime: &Runtime) {
    let sessions = sessions(2);
    for (name, of_right) in [("l", false), ("r", true)] {
        let table = alignment::side(of_right);
        for (_, context) in &sessions {
            context
                .register_table(name, Arc::clone(&table) as _)
                .unwrap();
        }
    }
    let mut group = criterion.benchmark_group("codeanatomy_alignment");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(20));
    let (_, linked_in) = &sessions[0];
    group.bench_function("sort both sides", |bencher| {
        bencher.iter(|| {
            for sql in alignment::SORTS {
                black_box(runtime.block_on(run(linked_in, sql)));
            }
        });
    });
    for mode in alignment::MODES {
        let sql = alignment::alignment(mode);
        for (place, context) in &sessions {
            group.bench_function(format!("{mode}, {place}"), |bencher| {
                bencher.iter(|| black_box(runtime.block_on(run(context, &sql))));
            });
        }
    }
    group.finish();
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let library = python::standard_library();
    let folder = library.path().to_str().unwrap();
    let mut criterion = Criterion::default().configure_from_args();
    queries(&mut criterion, &runtime, folder);
    hashes(&mut criterion, &runtime);
    syntax(&mut criterion, &runtime, folder);
    alignments(&mut criterion, &runtime);
    criterion.final_summary();
}
