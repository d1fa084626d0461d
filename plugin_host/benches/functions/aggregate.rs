//! A grouped aggregate over a million rows.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
    },
    catalog::MemTable,
    physical_plan::collect,
    prelude::SessionContext,
};
use tokio::runtime::Runtime;

use super::measured::{Place, session};

pub const ROWS: i64 = 1_000_000;
pub const GROUPS: [i64; 2] = [10, 100_000];

/// A million rows `(g, x)` in batches of 8,192, with so many groups in no order.
pub fn table(groups: i64) -> Arc<MemTable> {
    let field = |name| Field::new(name, DataType::Int64, false);
    let schema = Arc::new(Schema::new(vec![field("g"), field("x")]));
    let batches = (0..ROWS).step_by(8192).map(|from| {
        let rows = from..ROWS.min(from + 8192);
        // A multiplication that scatters neighbours.
        let group = |row: i64| row.wrapping_mul(2_654_435_761).rem_euclid(groups);
        let groups = Int64Array::from_iter_values(rows.clone().map(group));
        let values = Int64Array::from_iter_values(rows);
        RecordBatch::try_new(
            Arc::clone(&schema),
            vec![Arc::new(groups), Arc::new(values)],
        )
        .unwrap()
    });
    Arc::new(MemTable::try_new(Arc::clone(&schema), vec![batches.collect()]).unwrap())
}

/// Benches a query in a session of each place; `t` is `table`.
pub fn bench_query(
    criterion: &mut Criterion,
    group: &str,
    id: &str,
    table: &Arc<MemTable>,
    sql: &str,
) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group(group);
    group.sample_size(20);
    for place in Place::ALL {
        let context: SessionContext = session(place);
        context.register_table("t", Arc::clone(table) as _).unwrap();
        let plan = runtime.block_on(async {
            context
                .sql(sql)
                .await
                .unwrap()
                .create_physical_plan()
                .await
                .unwrap()
        });
        group.bench_function(BenchmarkId::new(place.name(), id), |bencher| {
            bencher.iter(|| {
                let fresh = Arc::clone(&plan).reset_state().unwrap();
                runtime
                    .block_on(collect(fresh, context.task_ctx()))
                    .unwrap()
            });
        });
    }
    group.finish();
}

pub fn bench(criterion: &mut Criterion) {
    for groups in GROUPS {
        let table = table(groups);
        let sql = "select g, total(x) from t group by g";
        bench_query(
            criterion,
            "grouped_aggregate",
            &groups.to_string(),
            &table,
            sql,
        );
    }
}
