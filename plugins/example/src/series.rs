//! `series(start, stop)`, a table function.

use std::sync::Arc;

use arrow::{
    array::{Int64Array, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{DocSection, Documentation, Expr};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_plugin_api::sdk::StreamedTable;
use datafusion_session::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use futures::stream;

/// Rows per batch.
const BATCH: i64 = 8192;

/// The whole numbers from `start` up to, not including, `stop`.
#[derive(Debug)]
pub struct Series;

impl Series {
    /// What people read of it.
    pub fn documentation() -> Documentation {
        let section = DocSection {
            include: true,
            label: "Table Functions",
            description: None,
        };
        let description = "The whole numbers from start up to, not including, stop.";
        Documentation::builder(section, description, "series(start, stop)")
            .with_argument("start", "The first number.")
            .with_argument("stop", "The number after the last.")
            .with_sql_example("select sum(value) from series(1, 101); -- 5050")
            .build()
    }
}

impl TableFunctionImpl for Series {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [
            Expr::Literal(ScalarValue::Int64(Some(start)), _),
            Expr::Literal(ScalarValue::Int64(Some(stop)), _),
        ] = args.exprs()
        else {
            return plan_err!("series expects two integers, start and stop");
        };
        let (start, stop) = (*start, *stop);
        let schema = Arc::new(Schema::new(vec![Field::new(
            "value",
            DataType::Int64,
            false,
        )]));
        let table = StreamedTable::new(Arc::clone(&schema), move || {
            let schema = Arc::clone(&schema);
            let batch_schema = Arc::clone(&schema);
            let starts = (start..stop).step_by(BATCH as usize);
            let batches = starts.map(move |from| {
                let numbers = from..stop.min(from.saturating_add(BATCH));
                let numbers = Arc::new(Int64Array::from_iter_values(numbers));
                Ok(RecordBatch::try_new(
                    Arc::clone(&batch_schema),
                    vec![numbers],
                )?)
            });
            Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)))
        });
        Ok(Arc::new(table))
    }
}
