//! `series(start, stop)`, a table function, and `STORED AS SERIES`, a table factory.

use std::sync::Arc;

use arrow::{
    array::{Int64Array, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use async_trait::async_trait;
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{CreateExternalTable, DocSection, Documentation, Expr};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_plugin_api::sdk::StreamedTable;
use datafusion_session::{
    Session, TableFunctionArgs, TableFunctionImpl, TableProvider, TableProviderFactory,
};
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
        Ok(series(*start, *stop))
    }
}

/// The table of the numbers from `start` up to `stop`.
fn series(start: i64, stop: i64) -> Arc<dyn TableProvider> {
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
    Arc::new(table)
}

/// `CREATE EXTERNAL TABLE t STORED AS SERIES LOCATION '1..10'`: a series as a table with a name.
#[derive(Debug)]
pub struct SeriesFactory;

#[async_trait]
impl TableProviderFactory for SeriesFactory {
    async fn create(
        &self,
        _session: &dyn Session,
        command: &CreateExternalTable,
    ) -> Result<Arc<dyn TableProvider>> {
        if let Some(option) = command.options.keys().next() {
            return plan_err!("a series has no option '{option}'");
        }
        let location = command.locations.join(", ");
        let bounds = location
            .split_once("..")
            .and_then(|(start, stop)| Some((start.parse().ok()?, stop.parse().ok()?)));
        match bounds {
            Some((start, stop)) => Ok(series(start, stop)),
            None => plan_err!("the location of a series is '{location}', expected '1..10'"),
        }
    }
}
