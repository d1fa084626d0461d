//! Table functions: a batch as a constant goes in, its rows come out as streams.

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::{
        array::{Array, ListArray, RecordBatch, StructArray},
        buffer::OffsetBuffer,
        datatypes::{DataType, Field, Schema},
    },
    catalog::{TableFunctionArgs, TableProvider},
    common::{Result, ScalarValue},
    execution::SessionState,
    logical_expr::Expr,
    physical_plan::collect_partitioned,
    prelude::SessionContext,
};
use plugin_tests::data;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::super::twins::twins;

fn unrolled(
    state: &SessionState,
    batch: &RecordBatch,
    size: u64,
) -> Result<Arc<dyn TableProvider>> {
    let rows = if batch.num_columns() == 0 {
        StructArray::new_empty_fields(batch.num_rows(), None)
    } else {
        StructArray::from(batch.clone())
    };
    let item = Arc::new(Field::new("item", rows.data_type().clone(), false));
    let offsets = OffsetBuffer::from_lengths([batch.num_rows()]);
    let list = ListArray::new(item, offsets, Arc::new(rows), None);
    let arguments = [
        Expr::Literal(ScalarValue::List(Arc::new(list)), None),
        Expr::Literal(ScalarValue::from(size), None),
    ];
    let function = state.table_functions()["unroll"].function();
    function.call_with_args(TableFunctionArgs::new(&arguments, state))
}

async fn scanned(
    context: &SessionContext,
    table: &Arc<dyn TableProvider>,
    projection: Option<&Vec<usize>>,
    limit: Option<usize>,
) -> Result<Vec<Vec<RecordBatch>>> {
    let plan = table.scan(&context.state(), projection, &[], limit).await?;
    collect_partitioned(plan, context.task_ctx()).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn tables_give_the_same_batches(
        batch in data::record_batch(0..=4),
        size in 1..20_u64,
        columns in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        limit in prop::option::of(0..20_usize),
    ) {
        static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
        let context = SessionContext::new();
        let [linked_in, loaded] =
            [&twins().linked_in, &twins().loaded].map(|state| unrolled(state, &batch, size).unwrap());
        prop_assert_eq!(loaded.schema(), linked_in.schema());
        prop_assert_eq!(loaded.schema(), batch.schema());

        let columns: Vec<usize> = match batch.num_columns() {
            0 => Vec::new(),
            count => columns.iter().map(|column| column.index(count)).collect(),
        };
        for projection in [None, Some(&columns), Some(&Vec::new())] {
            let scan = async |table| scanned(&context, table, projection, limit).await;
            let linked_in = RUNTIME.block_on(scan(&linked_in));
            let loaded = RUNTIME.block_on(scan(&loaded));
            prop_assert_eq!(loaded.unwrap(), linked_in.unwrap());
        }
    }
}

#[tokio::test]
async fn rows_are_counted_without_columns() {
    let fields = vec![Field::new("x", DataType::Int64, false)];
    let column = Arc::new(datafusion::arrow::array::Int64Array::from_iter_values(
        0..1000,
    ));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![column]).unwrap();
    let context = SessionContext::new();
    let table = unrolled(&twins().loaded, &batch, 7).unwrap();
    context.register_table("t", table).unwrap();
    for (sql, expected) in [
        ("select count(*) from t", 1000_i64),
        ("select count(*) from (select * from t limit 30)", 30),
        ("select sum(x) from t", 499_500),
        ("select count(*) from t where x >= 990", 10),
    ] {
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        let found = ScalarValue::try_from_array(batches[0].column(0), 0).unwrap();
        assert_eq!(found, ScalarValue::from(expected), "{sql}");
    }
}
