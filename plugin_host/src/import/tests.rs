//! DataFusion's own functions, imported across the boundary under other names, against themselves:
//! same results, same plans.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod aggregate;
mod breach;
mod planner;
mod window;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
            StringArray,
        },
        datatypes::{DataType, Field, Schema},
        util::pretty::pretty_format_batches,
    },
    common::Result,
    datasource::MemTable,
    execution::SessionStateDefaults,
    prelude::{SessionConfig, SessionContext, col},
};
use datafusion_plugin_api::{abi::manifest::CapabilityKind, sdk::Plugin};

use super::{
    async_scalar::AsyncLimits,
    imported::{Described, Named, import},
    origin::Activated,
};
use crate::config::Config;

/// Registers every function of `plugin` as `p_` and its name.
pub(super) fn install(ctx: &SessionContext, plugin: Plugin) {
    let instance = plugin.into_instance().unwrap();
    let described = Described::of(&instance).unwrap();
    let activated = Activated::new("test_plugin", None, true, &Config::default());
    for function in import(
        &activated,
        &instance,
        &described,
        AsyncLimits::default(),
        &[
            CapabilityKind::ScalarFunction,
            CapabilityKind::AsyncScalarFunction,
            CapabilityKind::AggregateFunction,
            CapabilityKind::WindowFunction,
            CapabilityKind::TableFunction,
        ],
    )
    .unwrap()
    {
        let aliases: Vec<_> = function.aliases.iter().map(|a| format!("p_{a}")).collect();
        for named in function.under(&format!("p_{}", function.name), &aliases) {
            match named {
                Named::Scalar(udf) => ctx.register_udf(udf.as_ref().clone()),
                Named::Aggregate(udf) => ctx.register_udaf(udf.as_ref().clone()),
                Named::Window(udf) => ctx.register_udwf(udf.as_ref().clone()),
                _ => panic!("no tables here"),
            }
        }
    }
}

const ROWS: i64 = 1_200;

/// A number that looks random and is the same in every run.
fn scrambled(row: i64, seed: i64) -> i64 {
    let mixed = (row + seed * 7_919).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64);
    (mixed ^ (mixed >> 29)).rem_euclid(1_000_003)
}

fn batch(rows: &[i64]) -> RecordBatch {
    let of = |f: &dyn Fn(i64) -> Option<i64>| rows.iter().map(|row| f(*row)).collect::<Vec<_>>();
    let nullable =
        |row: i64, every: i64, value: i64| (scrambled(row, 9) % every != 0).then_some(value);
    let id: ArrayRef = Arc::new(Int64Array::from(of(&|row| Some(row))));
    let g = Int32Array::from_iter_values(rows.iter().map(|row| (scrambled(*row, 1) % 7) as i32));
    let h = Int32Array::from_iter(
        rows.iter()
            .map(|row| nullable(*row, 5, scrambled(*row, 2) % 400).map(|v| v as i32)),
    );
    let x = Int64Array::from(of(&|row| nullable(row, 4, scrambled(row, 3) % 200 - 100)));
    // Multiples of a quarter: their sums do not depend on the order of summing.
    let y = Float64Array::from_iter(
        rows.iter()
            .map(|row| nullable(*row, 6, scrambled(*row, 4) % 1_000).map(|v| v as f64 / 4.0)),
    );
    let s = StringArray::from_iter(
        rows.iter()
            .map(|row| nullable(*row, 8, scrambled(*row, 5) % 60).map(|v| format!("s{v}"))),
    );
    let d = Decimal128Array::from_iter(
        rows.iter()
            .map(|row| Some(i128::from(scrambled(*row, 6) % 10_000 - 5_000))),
    )
    .with_precision_and_scale(12, 2)
    .unwrap();
    let columns = vec![
        id,
        Arc::new(g),
        Arc::new(h),
        Arc::new(x),
        Arc::new(y),
        Arc::new(s),
        Arc::new(d),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("g", DataType::Int32, false),
        Field::new("h", DataType::Int32, true),
        Field::new("x", DataType::Int64, true),
        Field::new("y", DataType::Float64, true),
        Field::new("s", DataType::Utf8, true),
        Field::new("d", DataType::Decimal128(12, 2), false),
    ]))
}

/// How a session runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    partitions: usize,
    batch_size: usize,
    /// Gives up partial aggregation at once.
    skip_partial: bool,
}

pub(super) const ONE: Run = Run {
    partitions: 1,
    batch_size: 8_192,
    skip_partial: false,
};
pub(super) const MANY: Run = Run {
    partitions: 4,
    batch_size: 64,
    skip_partial: false,
};
pub(super) const SMALL: Run = Run {
    partitions: 1,
    batch_size: 50,
    skip_partial: false,
};
pub(super) const SKIPPING: Run = Run {
    partitions: 4,
    batch_size: 64,
    skip_partial: true,
};

/// A session with the built-in functions and two
/// tables: `t` in four partitions, and `sorted` in one that is known to be in the order of `id`.
pub(super) fn session(run: Run) -> SessionContext {
    let mut config = SessionConfig::new()
        .with_target_partitions(run.partitions)
        .with_batch_size(run.batch_size);
    if run.skip_partial {
        let execution = &mut config.options_mut().execution;
        execution.skip_partial_aggregation_probe_rows_threshold = 1;
        execution.skip_partial_aggregation_probe_ratio_threshold = 0.0;
    }
    let ctx = SessionContext::new_with_config(config);
    let shuffled: Vec<i64> = (0..ROWS).map(|row| row * 7 % ROWS).collect();
    let partitions = (0..4)
        .map(|partition| {
            let rows: Vec<i64> = shuffled
                .iter()
                .copied()
                .skip(partition)
                .step_by(4)
                .collect();
            rows.chunks(45).map(batch).collect()
        })
        .collect();
    ctx.register_table(
        "t",
        Arc::new(MemTable::try_new(schema(), partitions).unwrap()),
    )
    .unwrap();
    let rows: Vec<i64> = (0..ROWS).collect();
    let sorted = MemTable::try_new(schema(), vec![rows.chunks(45).map(batch).collect()])
        .unwrap()
        .with_sort_order(vec![vec![col("id").sort(true, false)]]);
    ctx.register_table("sorted", Arc::new(sorted)).unwrap();
    ctx
}

/// The built-in functions of both kinds are never imported together: DataFusion tells `first_value`
/// and its like apart by their bare names alone.
pub(super) fn aggregates() -> Plugin {
    Plugin::new().aggregate_functions(SessionStateDefaults::default_aggregate_functions())
}

pub(super) fn windows() -> Plugin {
    Plugin::new().window_functions(SessionStateDefaults::default_window_functions())
}

pub(super) async fn rows_of(ctx: &SessionContext, sql: &str) -> Result<String> {
    let batches = ctx.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

/// Runs `sql` with `$` before its functions taken out, and replaced by `p_`: results must be equal,
/// and so must plans when `plans` says so.
async fn assert_same(ctx: &SessionContext, sql: &str, plans: bool) {
    let native = sql.replace('$', "");
    let imported = sql.replace('$', "p_");
    let expected = rows_of(ctx, &native)
        .await
        .unwrap_or_else(|e| panic!("{native}: {e}"));
    let found = rows_of(ctx, &imported)
        .await
        .unwrap_or_else(|e| panic!("{imported}: {e}"));
    let unnamed = |text: String| {
        // Column widths follow names.
        let text = text.replace("p_", "").replace('-', "");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(unnamed(found), unnamed(expected), "{sql}");
    if plans {
        let explain = |sql: &str| format!("EXPLAIN {sql}");
        let expected = rows_of(ctx, &explain(&native)).await.unwrap();
        let found = rows_of(ctx, &explain(&imported)).await.unwrap();
        assert_eq!(unnamed(found), unnamed(expected), "plan of {sql}");
    }
}

/// [`assert_same`] with plans, for each query and run.
pub(super) async fn assert_all_same(plugin: fn() -> Plugin, runs: &[Run], queries: &[&str]) {
    for run in runs {
        let ctx = session(*run);
        install(&ctx, plugin());
        for sql in queries {
            assert_same(&ctx, sql, true).await;
        }
    }
}

/// [`assert_same`] without plans: the built-in function is rewritten by its `simplify`, or shows
/// itself under another name, neither of which crosses.
pub(super) async fn assert_results_same(plugin: fn() -> Plugin, runs: &[Run], queries: &[&str]) {
    for run in runs {
        let ctx = session(*run);
        install(&ctx, plugin());
        for sql in queries {
            assert_same(&ctx, sql, false).await;
        }
    }
}
