//! What is known of rows and columns.

use datafusion_common::{ColumnStatistics, ScalarValue, Statistics, stats::Precision};

use super::parcel::{ParcelBuilder, ParcelContent};
use crate::abi::{
    CallError,
    message::{self, Known, TableStatistics},
};

/// Statistics as a message; values are added to `parcel`.
///
/// # Errors
/// When a value has no array form.
pub fn statistics_to_message(
    statistics: &Statistics,
    parcel: &mut ParcelBuilder,
) -> Result<TableStatistics, CallError> {
    let columns = statistics.column_statistics.iter();
    Ok(TableStatistics {
        rows: known(statistics.num_rows),
        bytes: known(statistics.total_byte_size),
        columns: columns
            .map(|column| column_to_message(column, parcel))
            .collect::<Result<_, _>>()?,
    })
}

/// Statistics of a message.
///
/// # Errors
/// A contract error for a value that was not sent.
pub fn statistics_from_message<M>(
    message: &TableStatistics,
    content: &ParcelContent<M>,
) -> Result<Statistics, CallError> {
    let columns = message.columns.iter();
    Ok(Statistics {
        num_rows: precision(message.rows),
        total_byte_size: precision(message.bytes),
        column_statistics: columns
            .map(|column| column_from_message(column, content))
            .collect::<Result<_, _>>()?,
    })
}

/// A column's statistics as a message; values are added to `parcel`.
///
/// # Errors
/// When a value has no array form.
pub fn column_to_message(
    column: &ColumnStatistics,
    parcel: &mut ParcelBuilder,
) -> Result<message::ColumnStatistics, CallError> {
    let mut value = |precision: &Precision<ScalarValue>| match precision {
        Precision::Exact(value) => parcel.value(value).map(|position| Some((position, true))),
        Precision::Inexact(value) => parcel.value(value).map(|position| Some((position, false))),
        Precision::Absent => Ok(None),
    };
    Ok(message::ColumnStatistics {
        minimum: value(&column.min_value)?,
        maximum: value(&column.max_value)?,
        sum: value(&column.sum_value)?,
        nulls: known(column.null_count),
        distinct: known(column.distinct_count),
        bytes: known(column.byte_size),
    })
}

/// A column's statistics of a message.
///
/// # Errors
/// A contract error for a value that was not sent.
pub fn column_from_message<M>(
    column: &message::ColumnStatistics,
    content: &ParcelContent<M>,
) -> Result<ColumnStatistics, CallError> {
    let value = |known: Known| {
        let value = known.map(|(position, exact)| Ok((content.value(position)?.clone(), exact)));
        value.transpose().map(precision)
    };
    Ok(ColumnStatistics {
        null_count: precision(column.nulls),
        max_value: value(column.maximum)?,
        min_value: value(column.minimum)?,
        sum_value: value(column.sum)?,
        distinct_count: precision(column.distinct),
        byte_size: precision(column.bytes),
    })
}

/// A number as a message.
pub fn known(precision: Precision<usize>) -> Known {
    match precision {
        Precision::Exact(number) => Some((number, true)),
        Precision::Inexact(number) => Some((number, false)),
        Precision::Absent => None,
    }
}

/// A number of a message, or a value.
pub fn precision<T>(known: Option<(T, bool)>) -> Precision<T>
where
    T: std::fmt::Debug + Clone + PartialEq + Eq + PartialOrd,
{
    match known {
        None => Precision::Absent,
        Some((value, true)) => Precision::Exact(value),
        Some((value, false)) => Precision::Inexact(value),
    }
}
