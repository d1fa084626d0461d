//! One call of a scalar function on one batch, as DataFusion evaluates the expression.

use std::{hint::black_box, sync::Arc};

use criterion::{BenchmarkId, Criterion};
use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
    },
    common::DFSchema,
    logical_expr::{col, lit},
};

use super::measured::{Place, session};

pub const ROWS: [usize; 4] = [1, 1024, 8192, 65536];

pub fn bench(criterion: &mut Criterion) {
    let field = |name| Field::new(name, DataType::Int64, false);
    let schema = Arc::new(Schema::new(vec![field("a"), field("b")]));
    let df_schema = DFSchema::try_from(Arc::clone(&schema)).unwrap();
    for (kind, args) in [
        ("columns", vec![col("a"), col("b")]),
        ("literal", vec![col("a"), lit(2_i64)]),
    ] {
        let mut group = criterion.benchmark_group(format!("scalar_{kind}"));
        for rows in ROWS {
            let column = || Arc::new(Int64Array::from_iter_values(0..rows as i64));
            let batch =
                RecordBatch::try_new(Arc::clone(&schema), vec![column(), column()]).unwrap();
            for place in Place::ALL {
                let context = session(place);
                let function = context.state().scalar_functions()["plus"].clone();
                let call = function.call(args.clone());
                let expr = context
                    .state()
                    .create_physical_expr(call, &df_schema)
                    .unwrap();
                group.bench_function(BenchmarkId::new(place.name(), rows), |bencher| {
                    bencher.iter(|| expr.evaluate(black_box(&batch)).unwrap());
                });
            }
        }
        group.finish();
    }
}
