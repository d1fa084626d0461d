//! TPC-H query 1 with every expression a function of the plugin.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use datafusion::{
    arrow::array::RecordBatch, catalog::MemTable, physical_plan::collect, prelude::SessionContext,
};
use tokio::runtime::Runtime;
use tpchgen::generators::LineItemGenerator;
use tpchgen_arrow::{LineItemArrow, RecordBatchIterator};

use super::measured::{Place, session};

const SCALE: f64 = 0.1;

const QUERY: &str = "
    select l_returnflag, l_linestatus,
           total(quantity), total(price),
           total(discounted_price(price, discount)),
           total(charge(discounted_price(price, discount), tax)),
           total(discount)
    from lineitem
    where shipped_by(l_shipdate, date '1998-09-02')
    group by l_returnflag, l_linestatus
    order by l_returnflag, l_linestatus";

/// Lineitem with its decimals as floating-point numbers, which the measured functions take.
fn lineitem(runtime: &Runtime) -> Arc<MemTable> {
    let rows = LineItemArrow::new(LineItemGenerator::new(SCALE, 1, 1)).with_batch_size(8192);
    let schema = Arc::clone(rows.schema());
    let batches: Vec<RecordBatch> = rows.collect();
    let context = SessionContext::new();
    let raw = MemTable::try_new(schema, vec![batches]).unwrap();
    context.register_table("raw", Arc::new(raw)).unwrap();
    let sql = "select l_returnflag, l_linestatus, l_shipdate,
                      cast(l_quantity as double) quantity, cast(l_extendedprice as double) price,
                      cast(l_discount as double) discount, cast(l_tax as double) tax from raw";
    let batches =
        runtime.block_on(async { context.sql(sql).await.unwrap().collect().await.unwrap() });
    Arc::new(MemTable::try_new(batches[0].schema(), vec![batches]).unwrap())
}

pub fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let lineitem = lineitem(&runtime);
    let mut group = criterion.benchmark_group("tpch_q1");
    group.sample_size(20);
    let mut results = Vec::new();
    for place in [Place::LinkedIn, Place::Plugin] {
        let context = session(place);
        context
            .register_table("lineitem", Arc::clone(&lineitem) as _)
            .unwrap();
        let plan = runtime.block_on(async {
            context
                .sql(QUERY)
                .await
                .unwrap()
                .create_physical_plan()
                .await
                .unwrap()
        });
        results.push(
            runtime
                .block_on(collect(Arc::clone(&plan), context.task_ctx()))
                .unwrap(),
        );
        group.bench_function(BenchmarkId::new(place.name(), SCALE), |bencher| {
            bencher.iter(|| {
                let fresh = Arc::clone(&plan).reset_state().unwrap();
                runtime
                    .block_on(collect(fresh, context.task_ctx()))
                    .unwrap()
            });
        });
    }
    assert_eq!(
        results[0], results[1],
        "the plugin computes what the linked-in functions do"
    );
    group.finish();
}
