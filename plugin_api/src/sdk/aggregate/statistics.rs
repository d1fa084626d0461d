//! A result from table statistics.

use std::sync::Arc;

use datafusion_common::{ColumnStatistics, ScalarValue, Statistics, stats::Precision};
use datafusion_expr::{AggregateUDF, StatisticsArgs};
use datafusion_physical_expr::{
    PhysicalExpr,
    expressions::{Column, Literal},
};

use crate::{
    abi::{
        CallError,
        message::{self, ArgumentStatistics, Known, StatisticsRequest},
    },
    df55::parcel::ParcelContent,
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
                columns.push(column(known, content)?);
            }
            ArgumentStatistics::Constant(position) => {
                exprs.push(Arc::new(Literal::new(content.value(*position)?.clone())));
                columns.push(ColumnStatistics::new_unknown());
            }
        }
    }
    let statistics = Statistics {
        num_rows: number(request.rows),
        total_byte_size: number(request.bytes),
        column_statistics: columns,
    };
    Ok(udf.value_from_stats(&StatisticsArgs {
        statistics: &statistics,
        return_type: return_field.data_type(),
        is_distinct: request.distinct,
        exprs: &exprs,
    }))
}

fn column(
    known: &message::ColumnStatistics,
    content: &ParcelContent<StatisticsRequest>,
) -> Result<ColumnStatistics, CallError> {
    let value = |known: Known| {
        let value = known.map(|(position, exact)| Ok((content.value(position)?.clone(), exact)));
        value.transpose().map(precision)
    };
    Ok(ColumnStatistics {
        null_count: number(known.nulls),
        max_value: value(known.maximum)?,
        min_value: value(known.minimum)?,
        sum_value: value(known.sum)?,
        distinct_count: number(known.distinct),
        byte_size: number(known.bytes),
    })
}

fn number(known: Known) -> Precision<usize> {
    precision(known)
}

fn precision<T>(known: Option<(T, bool)>) -> Precision<T>
where
    T: std::fmt::Debug + Clone + PartialEq + Eq + PartialOrd,
{
    match known {
        None => Precision::Absent,
        Some((value, true)) => Precision::Exact(value),
        Some((value, false)) => Precision::Inexact(value),
    }
}
