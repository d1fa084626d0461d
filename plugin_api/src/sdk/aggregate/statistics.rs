//! A result from table statistics.

use std::sync::Arc;

use datafusion_common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion_expr::{AggregateUDF, StatisticsArgs};
use datafusion_physical_expr::{
    PhysicalExpr,
    expressions::{Column, Literal},
};

use crate::{
    abi::{
        CallError,
        message::{ArgumentStatistics, StatisticsRequest},
    },
    df55::{
        parcel::ParcelContent,
        statistics::{column_from_message, precision},
    },
};

/// Asks the author over a table that has one column per argument.
pub(super) fn value_from(
    udf: &AggregateUDF,
    content: &ParcelContent<StatisticsRequest>,
) -> Result<Option<ScalarValue>, CallError> {
    let request = &content.message;
    let return_field = content.only_field()?;
    let mut exprs: Vec<Arc<dyn PhysicalExpr>> = Vec::new();
    let mut columns = Vec::new();
    for (index, argument) in request.arguments.iter().enumerate() {
        match argument {
            ArgumentStatistics::Column(known) => {
                exprs.push(Arc::new(Column::new(&format!("argument_{index}"), index)));
                columns.push(column_from_message(known, content)?);
            }
            ArgumentStatistics::Constant(position) => {
                exprs.push(Arc::new(Literal::new(content.value(*position)?.clone())));
                columns.push(ColumnStatistics::new_unknown());
            }
        }
    }
    let statistics = Statistics {
        num_rows: precision(request.rows),
        total_byte_size: precision(request.bytes),
        column_statistics: columns,
    };
    Ok(udf.value_from_stats(&StatisticsArgs {
        statistics: &statistics,
        return_type: return_field.data_type(),
        is_distinct: request.distinct,
        exprs: &exprs,
    }))
}
