//! Many threads, partitions and sessions in one plugin at once.

mod memory;

use std::{sync::Arc, thread};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray},
        datatypes::{DataType, Field, Float64Type, Int64Type, Schema, UInt64Type},
    },
    datasource::MemTable,
    logical_expr::{ColumnarValue, ScalarFunctionArgs},
    prelude::{SessionConfig, SessionContext},
};
use futures::future::join_all;

use super::end_to_end::example;

const PARTITIONS: usize = 8;

/// `t`, of 8 partitions with two batches each: the numbers `n` from 1 to 160, the names `name-N`.
fn table() -> MemTable {
    let fields = vec![
        Field::new("n", DataType::Int64, false),
        Field::new("name", DataType::Utf8, false),
    ];
    let schema = Arc::new(Schema::new(fields));
    let batch = |first: i64| {
        let numbers = first..first + 10;
        let names = numbers.clone().map(|n| format!("name-{n}"));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(numbers)),
            Arc::new(StringArray::from_iter_values(names)),
        ];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    let firsts = (0..PARTITIONS as i64).map(|partition| 1 + 20 * partition);
    let partitions = firsts.map(|first| vec![batch(first), batch(first + 10)]);
    MemTable::try_new(Arc::clone(&schema), partitions.collect()).unwrap()
}

fn session() -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(PARTITIONS);
    let context = SessionContext::new_with_config(config);
    context.register_table("t", Arc::new(table())).unwrap();
    context
}

async fn column(context: &SessionContext, sql: &str) -> ArrayRef {
    let batches = context.sql(sql).await.unwrap().collect().await;
    let batches = batches.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns: Vec<&dyn Array> = batches.iter().map(|b| b.column(0).as_ref()).collect();
    datafusion::arrow::compute::concat(&columns).unwrap()
}

/// One query of the kind that `i` falls on, with constants of its own, and its right result.
async fn query(context: SessionContext, i: usize) {
    let n = i as i64 % 150;
    match i % 6 {
        0 => {
            let sql = format!("select greet(name) from t where n > {n} order by n");
            let greetings = column(&context, &sql).await;
            let expected = (n + 1..=160).map(|n| format!("Hello, name-{n}!"));
            assert_eq!(*greetings, StringArray::from_iter_values(expected));
        }
        1 => {
            let sql = format!("select greet('{i}') from t where n <= 12");
            let greeting = format!("Hello, {i}!");
            assert_eq!(
                *column(&context, &sql).await,
                StringArray::from(vec![greeting; 12])
            );
        }
        2 => {
            let sql = format!("select geometric_mean(n * 0 + {n} + 1) from t group by n % 7");
            let means = column(&context, &sql).await;
            let means = means.as_primitive::<Float64Type>();
            assert_eq!(means.len(), 7);
            assert!(
                means
                    .values()
                    .iter()
                    .all(|mean| (mean - (n + 1) as f64).abs() < 1e-6)
            );
        }
        3 => {
            let sql = format!(
                "select r from (select n, run_length(n / 20) over (partition by n % 2 order by n) r \
                 from t) w where n > {n} order by n"
            );
            let lengths = column(&context, &sql).await;
            let expected =
                (n + 1..=160).map(|n| ((n % 20) / 2 + 1 - i64::from(n < 20 && n % 2 == 0)) as u64);
            assert_eq!(
                lengths.as_primitive::<UInt64Type>().values().to_vec(),
                expected.collect::<Vec<_>>()
            );
        }
        4 => {
            let sql = format!("select sum(value) from series({n}, {})", n + 10_000);
            let sum = column(&context, &sql).await;
            let expected = (n..n + 10_000).sum::<i64>();
            assert_eq!(sum.as_primitive::<Int64Type>().values(), &[expected]);
        }
        _ => {
            let sql = format!(
                "select slow_square(cast({n} + n as double)) from t where n < 4 order by n"
            );
            let squares = column(&context, &sql).await;
            let expected = (1..4).map(|m| ((n + m) * (n + m)) as f64);
            assert_eq!(
                squares.as_primitive::<Float64Type>().values().to_vec(),
                expected.collect::<Vec<_>>()
            );
        }
    }
}

/// A thousand queries at once, of functions of each kind, in two sessions of one host and one of
/// another host of the same plugin.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_thousand_queries_at_once_are_right() {
    let (host, other) = (example(), example());
    let sessions = [session(), session(), session()];
    host.install(&sessions[0]);
    host.install(&sessions[1]);
    other.install(&sessions[2]);
    let queries = (0..1000).map(|i| tokio::spawn(query(sessions[i % 3].clone(), i)));
    let failed: Vec<_> = join_all(queries)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert!(
        failed.is_empty(),
        "{} fail, the first: {:?}",
        failed.len(),
        failed[0]
    );
}

/// Threads that call one function with columns and with constants of their own.
#[test]
fn many_threads_call_one_function() {
    let context = session();
    example().install(&context);
    let state = context.state();
    let greet = &state.scalar_functions()["greet"];
    let field = Arc::new(Field::new("name", DataType::Utf8, true));
    let return_field = Arc::new(Field::new("greet", DataType::Utf8, true));
    let call = |value: ColumnarValue, rows| {
        let result = greet.invoke_with_args(ScalarFunctionArgs {
            args: vec![value],
            arg_fields: vec![Arc::clone(&field)],
            number_rows: rows,
            return_field: Arc::clone(&return_field),
            config_options: Arc::clone(state.config_options()),
        });
        result.unwrap()
    };
    thread::scope(|scope| {
        for thread in 0..16 {
            scope.spawn(move || {
                for i in 0..500 {
                    let name = format!("{thread}-{i}");
                    let greeting = format!("Hello, {name}!");
                    let names: ArrayRef = Arc::new(StringArray::from(vec![name.as_str(); 3]));
                    match call(ColumnarValue::Array(names), 3) {
                        ColumnarValue::Array(array) => {
                            assert_eq!(*array, StringArray::from(vec![greeting.as_str(); 3]));
                        }
                        scalar => panic!("{scalar:?}"),
                    }
                    match call(ColumnarValue::Scalar(name.into()), 3) {
                        ColumnarValue::Scalar(scalar) => assert_eq!(scalar, greeting.into()),
                        array => panic!("{array:?}"),
                    }
                }
            });
        }
    });
}
