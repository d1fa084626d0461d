//! Spans: half-open or closed ranges of bytes in a file.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StructArray},
    datatypes::{DataType, Field, Fields, Int64Type},
};
use datafusion_common::{Result, internal_err};

/// The type of what `span_make` makes, and of `BYTE_SPAN`.
pub(crate) fn span_type() -> DataType {
    DataType::Struct(span_fields())
}

pub(crate) fn span_fields() -> Fields {
    Fields::from(vec![
        Field::new("bstart", DataType::Int64, true),
        Field::new("bend", DataType::Int64, true),
        Field::new("line_base", DataType::Int32, true),
        Field::new("col_unit", DataType::Utf8, true),
        Field::new("end_exclusive", DataType::Boolean, true),
    ])
}

/// Whether values of this type are spans: they have `bstart` and `bend`, and may have `end_exclusive`.
pub(crate) fn is_span(data_type: &DataType) -> bool {
    let DataType::Struct(fields) = data_type else {
        return false;
    };
    let of = |name: &str| fields.find(name).map(|(_, field)| field.data_type());
    of("bstart") == Some(&DataType::Int64)
        && of("bend") == Some(&DataType::Int64)
        && matches!(of("end_exclusive"), None | Some(DataType::Boolean))
}

/// A column of spans, read row by row.
pub(crate) struct Spans<'a> {
    spans: &'a StructArray,
    start: &'a Int64Array,
    end: &'a Int64Array,
    exclusive: Option<&'a BooleanArray>,
    /// Of a constant there is one row.
    constant: bool,
}

impl<'a> Spans<'a> {
    /// `array` has one row for all where it is a constant.
    pub(crate) fn of(array: &'a ArrayRef, rows: usize) -> Result<Self> {
        let columns = array.as_struct_opt().and_then(|spans| {
            let start = spans.column_by_name("bstart")?;
            let end = spans.column_by_name("bend")?;
            Some((
                spans,
                start.as_primitive_opt::<Int64Type>()?,
                end.as_primitive_opt::<Int64Type>()?,
            ))
        });
        let Some((spans, start, end)) = columns else {
            return internal_err!("a span of type {}", array.data_type());
        };
        let exclusive = spans.column_by_name("end_exclusive");
        Ok(Self {
            spans,
            start,
            end,
            exclusive: exclusive.and_then(|array| array.as_boolean_opt()),
            constant: array.len() == 1 && rows != 1,
        })
    }

    /// Start and the byte after the last; nothing where the span or one of the two is null. Wider
    /// than what is stored, so that a closed end has a byte behind it.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<(i128, i128)> {
        let row = if self.constant { 0 } else { row };
        if self.spans.is_null(row) || self.start.is_null(row) || self.end.is_null(row) {
            return None;
        }
        // A span that does not say has an exclusive end.
        let exclusive = self
            .exclusive
            .is_none_or(|array| array.is_null(row) || array.value(row));
        let end = i128::from(self.end.value(row)) + i128::from(!exclusive);
        Some((i128::from(self.start.value(row)), end))
    }
}

/// A span with every byte of it, `bstart` and `bend` alone.
pub(crate) fn byte_range_fields() -> Fields {
    Fields::from(vec![
        Field::new("bstart", DataType::Int64, true),
        Field::new("bend", DataType::Int64, true),
    ])
}

/// A struct array whose children are as valid as it is.
pub(crate) fn struct_of(
    fields: Fields,
    columns: Vec<ArrayRef>,
    nulls: Option<arrow::buffer::NullBuffer>,
) -> Result<ArrayRef> {
    Ok(Arc::new(StructArray::try_new(fields, columns, nulls)?))
}
