//! A stream of batches from a table function.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use datafusion::{
    execution::SendableRecordBatchStream,
    physical_plan::{ExecutionPlan, execute_stream},
};
use futures::StreamExt;
use tokio::runtime::Runtime;

use super::measured::{Place, raw_wide, session};

pub const BATCHES: usize = 1000;
/// Columns of a batch.
pub const COLUMNS: [usize; 2] = [10, 200];

pub fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("table_stream");
    let places = COLUMNS
        .into_iter()
        .flat_map(|columns| Place::ALL.map(|place| (columns, place)));
    for (columns, place) in places {
        let start: Box<dyn Fn() -> SendableRecordBatchStream> = match place {
            Place::RawFfi => Box::new(move || Box::pin(raw_wide(BATCHES, columns))),
            _ => {
                let context = session(place);
                let sql = format!("select * from wide({BATCHES}, {columns})");
                let plan: Arc<dyn ExecutionPlan> = runtime.block_on(async {
                    context
                        .sql(&sql)
                        .await
                        .unwrap()
                        .create_physical_plan()
                        .await
                        .unwrap()
                });
                Box::new(move || execute_stream(Arc::clone(&plan), context.task_ctx()).unwrap())
            }
        };
        group.bench_function(BenchmarkId::new(place.name(), columns), |bencher| {
            bencher.iter(|| {
                let mut stream = start();
                runtime.block_on(async {
                    let mut rows = 0;
                    while let Some(batch) = stream.next().await {
                        rows += batch.unwrap().num_rows();
                    }
                    assert_eq!(rows, BATCHES * measured::ROWS);
                });
            });
        });
    }
    group.finish();
}
