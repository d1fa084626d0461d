//! Functions of every kind in SQL, over columns of every type.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock},
};

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch, UInt64Array},
        datatypes::{DataType, Field, Schema},
    },
    common::Result,
    datasource::MemTable,
    prelude::{SessionConfig, SessionContext},
};
use plugin_tests::data;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::super::twins::{linked_in_with, loaded_with};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The column as `x` of a table `t` of three batches, beside the row number `i` and a group `g`.
fn table(column: &Field, values: &ArrayRef) -> MemTable {
    let rows = values.len();
    let number = |name| Field::new(name, DataType::UInt64, false);
    let fields = vec![column.clone().with_name("x"), number("i"), number("g")];
    let schema = Arc::new(Schema::new(fields));
    let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..rows as u64));
    let groups: ArrayRef = Arc::new(UInt64Array::from_iter_values(
        (0..rows as u64).map(|i| i % 3),
    ));
    let columns = vec![Arc::clone(values), numbers, groups];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let third = rows.div_ceil(3);
    let starts = [0, third.min(rows), (2 * third).min(rows), rows];
    let batches = starts.windows(2).map(|w| batch.slice(w[0], w[1] - w[0]));
    MemTable::try_new(schema, vec![batches.collect()]).unwrap()
}

async fn run(context: &SessionContext, sql: &str) -> Result<(Arc<Schema>, Vec<RecordBatch>)> {
    let frame = context.sql(sql).await?;
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await?;
    Ok((schema, batches))
}

fn single_partition() -> SessionConfig {
    SessionConfig::new().with_target_partitions(1)
}

/// Whether DataFusion has constants of the type. Its list constants lose metadata of their items;
/// linked in or not, it panics when those meet columns that have it.
fn has_constants(data_type: &DataType) -> bool {
    match data_type {
        // Arrow 59 takes a list of empty lists to have no rows once it is rebuilt from its data;
        // linked in or not, DataFusion's aggregates panic when they slice it.
        DataType::FixedSizeList(_, 0) => false,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            item.metadata().is_empty() && has_constants(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| has_constants(field.data_type())),
        DataType::Map(entries, _) => has_constants(entries.data_type()),
        DataType::Union(fields, _) => fields.iter().all(|(_, f)| has_constants(f.data_type())),
        _ => true,
    }
}

const QUERIES: &[&str] = &[
    "select echo(x), echo(i) from t",
    "select describe(x, i, 7, 'text', null, [1, 2], interval '1 day', x, g) from t",
    "select describe_each(), describe_each(1), describe_each(i) from t",
    "select describe(), describe(1), describe_query('a', null) from t",
    "select i from t where describe(x) is not null and echo(i) > 3",
    "select last_of(x), gather(x), tally(x), tally(i) filter (where i > 4) from t",
    "select g, last_of(x), gather(i), tally(x), tally(x) filter (where i > 4) from t group by g",
    "select echo_all(x) over (order by i), echo_all(x) over (partition by g order by i) from t",
    "select first_in_frame(x) over (order by i rows between 2 preceding and current row) from t",
    "select tally(x) over (order by i rows between 2 preceding and current row) from t",
    "select first_in_frame(i) over (partition by g order by i rows between 1 preceding and 1 following) from t",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn queries_give_the_same((field, column) in data::field_and_array()) {
        prop_assume!(has_constants(field.data_type()));
        let contexts = [linked_in_with(single_partition()), loaded_with(single_partition())];
        for context in &contexts {
            let table = Arc::new(table(&field, &column));
            context.register_table("t", table).unwrap();
        }
        for sql in QUERIES {
            let ask = |context| catch_unwind(AssertUnwindSafe(|| RUNTIME.block_on(run(context, sql))));
            // Arrow and DataFusion panic over some types, such as fixed-size lists of no items.
            let Ok(linked_in) = ask(&contexts[0]) else {
                continue;
            };
            let Ok(loaded) = ask(&contexts[1]) else {
                return Err(TestCaseError::fail(format!("{sql}: only the loaded one panics")));
            };
            match (linked_in, loaded) {
                (Ok(linked_in), Ok(loaded)) => prop_assert_eq!(loaded, linked_in, "{}", sql),
                (Err(linked_in), loaded) => {
                    prop_assert!(loaded.is_err(), "{sql}: only linked in: {linked_in}");
                }
                (Ok(_), Err(loaded)) => prop_assert!(false, "{sql}: only loaded: {loaded}"),
            }
        }
    }
}

/// A scalar that is no literal: it is computed, and another one for every batch.
#[test]
fn scalars_that_differ_from_batch_to_batch() {
    let contexts = [
        linked_in_with(single_partition()),
        loaded_with(single_partition()),
    ];
    let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..30));
    let sql = "select echo(describe_each()), describe_each(describe_each()), \
               describe_each(i, describe_each()), echo(echo(5)) from t";
    let [linked_in, loaded] = contexts.map(|context| {
        let table = table(&Field::new("x", DataType::UInt64, true), &column);
        context.register_table("t", Arc::new(table)).unwrap();
        let (_, batches) = RUNTIME.block_on(run(&context, sql)).unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 30);
        batches
    });
    assert_eq!(loaded, linked_in);
}
