//! Results of window functions, row by row: single values of up to 16 bytes cross without an array.

use arrow::{
    array::{Array, ArrayData, ArrayRef, NullBufferBuilder, downcast_primitive_array, make_array},
    buffer::{Buffer, MutableBuffer, NullBuffer},
    datatypes::{ArrowPrimitiveType, DataType, Float16Type, IntervalUnit, TimeUnit},
};
use datafusion_common::{DataFusionError, ScalarValue};

use super::error::to_call_error;
use crate::abi::{self, CallError, ErrorKind, RowValue, Validation};

#[expect(
    non_camel_case_types,
    reason = "named like the primitive types beside it"
)]
type f16 = <Float16Type as ArrowPrimitiveType>::Native;

/// Both directions of the types that cross inline, from one list.
macro_rules! inline_types {
    ($($variant:ident ( $native:ty $(, $extra:ident)* ) = $data_type:pat,)*) => {
        /// The bytes of a value that crosses inline.
        fn to_inline(value: &ScalarValue) -> Option<[u8; 16]> {
            let mut bytes = [0; 16];
            match value {
                ScalarValue::Boolean(Some(value)) => bytes[0] = u8::from(*value),
                $(ScalarValue::$variant(Some(value) $(, inline_types!(@skip $extra))*) => {
                    let value = value.to_le_bytes();
                    bytes[..value.len()].copy_from_slice(&value);
                })*
                _ => return None,
            }
            Some(bytes)
        }

        /// The value of bytes that crossed inline.
        fn from_inline(bytes: [u8; 16], data_type: &DataType) -> Option<ScalarValue> {
            Some(match data_type {
                DataType::Boolean => ScalarValue::Boolean(Some(bytes[0] != 0)),
                $($data_type => {
                    let mut value = [0; size_of::<$native>()];
                    value.copy_from_slice(&bytes[..size_of::<$native>()]);
                    let value = <$native>::from_le_bytes(value);
                    ScalarValue::$variant(Some(value) $(, $extra.clone())*)
                })*
                _ => return None,
            })
        }

        /// Appends a number, date or time to the values of an array of `data_type`, zero for null.
        /// Whether it was null; nothing when it is none of that type.
        #[inline]
        fn append(
            values: &mut MutableBuffer,
            value: &ScalarValue,
            data_type: &DataType,
        ) -> Option<bool> {
            match value {
                $(ScalarValue::$variant(number $(, inline_types!(@skip $extra))*)
                    if inline_types!(@same value, data_type, $data_type $(, $extra)*) =>
                {
                    values.push(number.unwrap_or_default());
                    Some(number.is_none())
                })*
                _ => None,
            }
        }

        /// The number, date or time at `row` of the values of an array of `data_type`.
        #[inline]
        fn value_at(
            values: &Buffer,
            row: usize,
            valid: bool,
            data_type: &DataType,
        ) -> Option<ScalarValue> {
            Some(match data_type {
                $($data_type => {
                    let number = values.typed_data::<$native>().get(row)?;
                    ScalarValue::$variant(valid.then_some(*number) $(, $extra.clone())*)
                })*
                _ => return None,
            })
        }
    };
    (@skip $extra:ident) => { _ };
    (@same $value:ident, $data_type:ident, $pattern:pat) => { matches!($data_type, $pattern) };
    // What the type says beyond its name has to be the same too.
    (@same $value:ident, $data_type:ident, $pattern:pat, $($extra:ident),+) => {
        $value.data_type() == *$data_type
    };
}

inline_types! {
    Int8(i8) = DataType::Int8,
    Int16(i16) = DataType::Int16,
    Int32(i32) = DataType::Int32,
    Int64(i64) = DataType::Int64,
    UInt8(u8) = DataType::UInt8,
    UInt16(u16) = DataType::UInt16,
    UInt32(u32) = DataType::UInt32,
    UInt64(u64) = DataType::UInt64,
    Float16(f16) = DataType::Float16,
    Float32(f32) = DataType::Float32,
    Float64(f64) = DataType::Float64,
    Decimal32(i32, p, s) = DataType::Decimal32(p, s),
    Decimal64(i64, p, s) = DataType::Decimal64(p, s),
    Decimal128(i128, p, s) = DataType::Decimal128(p, s),
    Date32(i32) = DataType::Date32,
    Date64(i64) = DataType::Date64,
    Time32Second(i32) = DataType::Time32(TimeUnit::Second),
    Time32Millisecond(i32) = DataType::Time32(TimeUnit::Millisecond),
    Time64Microsecond(i64) = DataType::Time64(TimeUnit::Microsecond),
    Time64Nanosecond(i64) = DataType::Time64(TimeUnit::Nanosecond),
    TimestampSecond(i64, tz) = DataType::Timestamp(TimeUnit::Second, tz),
    TimestampMillisecond(i64, tz) = DataType::Timestamp(TimeUnit::Millisecond, tz),
    TimestampMicrosecond(i64, tz) = DataType::Timestamp(TimeUnit::Microsecond, tz),
    TimestampNanosecond(i64, tz) = DataType::Timestamp(TimeUnit::Nanosecond, tz),
    DurationSecond(i64) = DataType::Duration(TimeUnit::Second),
    DurationMillisecond(i64) = DataType::Duration(TimeUnit::Millisecond),
    DurationMicrosecond(i64) = DataType::Duration(TimeUnit::Microsecond),
    DurationNanosecond(i64) = DataType::Duration(TimeUnit::Nanosecond),
    IntervalYearMonth(i32) = DataType::Interval(IntervalUnit::YearMonth),
}

/// A value of `data_type` in the form that crosses.
///
/// # Errors
/// When it is of another type.
pub fn row_value_of(value: &ScalarValue, data_type: &DataType) -> Result<RowValue, CallError> {
    if value.data_type() != *data_type {
        return Err(another_type(&value.data_type(), data_type));
    }
    if let Some(bytes) = to_inline(value) {
        return Ok(RowValue::Inline(bytes));
    }
    // Values of nested types hold their null in an array.
    if value.is_null() && !data_type.is_nested() {
        return Ok(RowValue::Null);
    }
    let array = value
        .to_array_of_size(1)
        .map_err(|error| to_call_error(&error))?;
    Ok(RowValue::Array(abi::export_array(&array)))
}

fn another_type(found: &DataType, promised: &DataType) -> CallError {
    let message = format!("returned a value of type {found}, but promised {promised}");
    CallError::new(ErrorKind::Internal, message)
}

/// A value of `data_type` that crossed.
///
/// # Errors
/// A contract error when it is none of that type.
pub fn scalar_of(
    value: RowValue,
    data_type: &DataType,
    validation: Validation,
) -> Result<ScalarValue, CallError> {
    match value {
        RowValue::Null => {
            ScalarValue::try_new_null(data_type).map_err(|error| to_call_error(&error))
        }
        RowValue::Inline(bytes) => from_inline(bytes, data_type).ok_or_else(|| {
            CallError::contract(format!("a value of type {data_type} without an array"))
        }),
        RowValue::Array(array) if array.len() == 1 => {
            let array = abi::import_validated(array, data_type, validation)?;
            ScalarValue::try_from_array(&array, 0).map_err(|error| to_call_error(&error))
        }
        RowValue::Array(array) => Err(CallError::contract(format!(
            "{} rows where one was expected",
            array.len()
        ))),
    }
}

/// Results of consecutive rows, on their way into an array.
pub(crate) struct RowResults<'a> {
    data_type: &'a DataType,
    values: MutableBuffer,
    nulls: NullBufferBuilder,
    /// All of them, when they are not numbers, dates or times.
    others: Vec<ScalarValue>,
}

impl<'a> RowResults<'a> {
    /// Room for `rows` values of `data_type`.
    pub(crate) fn new(data_type: &'a DataType, rows: usize) -> Self {
        Self {
            data_type,
            values: MutableBuffer::with_capacity(rows * data_type.primitive_width().unwrap_or(0)),
            nulls: NullBufferBuilder::new(rows),
            others: Vec::new(),
        }
    }

    /// Adds the result of the next row.
    #[inline]
    pub(crate) fn push(&mut self, value: ScalarValue) {
        if self.others.is_empty()
            && let Some(null) = append(&mut self.values, &value, self.data_type)
        {
            self.nulls.append(!null);
        } else {
            self.others.push(value);
        }
    }

    /// The array.
    ///
    /// # Errors
    /// When the values are not all of one type.
    pub(crate) fn finish(mut self) -> Result<ArrayRef, CallError> {
        let array = if self.others.is_empty() {
            let data = ArrayData::builder(self.data_type.clone())
                .len(self.nulls.len())
                .nulls(self.nulls.finish())
                .add_buffer(self.values.into())
                .build();
            data.map(make_array).map_err(Into::into)
        } else if self.nulls.is_empty() {
            ScalarValue::iter_to_array(self.others)
        } else {
            // `export` would not see it: numbers of the promised type came first.
            let other = self.others[0].data_type();
            return Err(another_type(&other, self.data_type));
        };
        array.map_err(|error| to_call_error(&error))
    }
}

/// Hands out the values of an array one by one.
#[derive(Debug)]
pub struct RowReader {
    array: ArrayRef,
    nulls: Option<NullBuffer>,
    /// Those of numbers, dates and times.
    values: Option<Buffer>,
}

impl RowReader {
    /// Reads `array`.
    pub fn new(array: ArrayRef) -> Self {
        let numbers: &dyn Array = &array;
        let values = downcast_primitive_array! {
            numbers => Some(numbers.values().inner().clone()),
            _ => None
        };
        Self {
            nulls: array.nulls().cloned(),
            values,
            array,
        }
    }

    /// The value at `row`.
    ///
    /// # Errors
    /// When there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Result<ScalarValue, DataFusionError> {
        if let Some(values) = &self.values {
            let valid = self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            if let Some(value) = value_at(values, row, valid, self.array.data_type()) {
                return Ok(value);
            }
        }
        ScalarValue::try_from_array(&self.array, row)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::sync::Arc;

    use arrow::datatypes::{Field, Fields, Int32Type, IntervalMonthDayNano};

    use super::*;

    fn of_row(value: RowValue, data_type: &DataType) -> Result<ScalarValue, CallError> {
        scalar_of(value, data_type, Validation::Full)
    }

    fn round_trip(value: &ScalarValue) -> ScalarValue {
        let data_type = value.data_type();
        of_row(row_value_of(value, &data_type).unwrap(), &data_type).unwrap()
    }

    fn inline_values() -> Vec<ScalarValue> {
        let zone: Option<Arc<str>> = Some("Europe/Paris".into());
        vec![
            ScalarValue::from(true),
            ScalarValue::from(false),
            ScalarValue::from(-1_i8),
            ScalarValue::from(i16::MIN),
            ScalarValue::from(i32::MIN),
            ScalarValue::from(i64::MIN),
            ScalarValue::from(u8::MAX),
            ScalarValue::from(u16::MAX),
            ScalarValue::from(u32::MAX),
            ScalarValue::from(u64::MAX),
            ScalarValue::Float16(Some(f16::from_f32(-1.5))),
            ScalarValue::from(-1.5_f32),
            ScalarValue::from(f64::NAN),
            ScalarValue::from(-0.0_f64),
            ScalarValue::Decimal32(Some(-12), 5, 2),
            ScalarValue::Decimal64(Some(-12), 12, -2),
            ScalarValue::Decimal128(Some(i128::MIN / 2), 38, 10),
            ScalarValue::Date32(Some(-3)),
            ScalarValue::Date64(Some(86_400_000)),
            ScalarValue::Time32Second(Some(7)),
            ScalarValue::Time32Millisecond(Some(7)),
            ScalarValue::Time64Microsecond(Some(7)),
            ScalarValue::Time64Nanosecond(Some(7)),
            ScalarValue::TimestampSecond(Some(-7), None),
            ScalarValue::TimestampMillisecond(Some(-7), zone.clone()),
            ScalarValue::TimestampMicrosecond(Some(-7), zone.clone()),
            ScalarValue::TimestampNanosecond(Some(i64::MAX), zone),
            ScalarValue::DurationSecond(Some(5)),
            ScalarValue::DurationMillisecond(Some(5)),
            ScalarValue::DurationMicrosecond(Some(5)),
            ScalarValue::DurationNanosecond(Some(-5)),
            ScalarValue::IntervalYearMonth(Some(-5)),
        ]
    }

    #[test]
    fn small_values_cross_inline() {
        for value in inline_values() {
            let data_type = value.data_type();
            let crossing = row_value_of(&value, &data_type).unwrap();
            assert!(matches!(crossing, RowValue::Inline(_)), "{value:?}");
            assert_eq!(of_row(crossing, &data_type).unwrap(), value);
        }
    }

    #[test]
    fn nulls_keep_their_type() {
        let values = inline_values().into_iter().map(|value| value.data_type());
        for data_type in values.chain([DataType::Null, DataType::Utf8View, DataType::Binary]) {
            let null = ScalarValue::try_from(&data_type).unwrap();
            assert_eq!(round_trip(&null), null);
        }
    }

    #[test]
    fn other_values_cross_as_arrays() {
        let numbers = [Some(vec![Some(1), None]), None];
        let lists = arrow::array::ListArray::from_iter_primitive::<Int32Type, _, _>(numbers);
        let fields: Fields = vec![Field::new("a", DataType::Int32, true)].into();
        for value in [
            ScalarValue::from("text"),
            ScalarValue::Utf8View(Some("a longer text that is not inline".into())),
            ScalarValue::Binary(Some(vec![0, 255])),
            ScalarValue::Decimal256(Some(arrow::datatypes::i256::MAX), 76, 0),
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(1, -2, 3))),
            ScalarValue::try_from_array(&lists, 0).unwrap(),
            ScalarValue::try_from_array(&lists, 1).unwrap(),
            ScalarValue::try_from(&DataType::Struct(fields)).unwrap(),
            ScalarValue::Dictionary(
                Box::new(DataType::UInt16),
                Box::new(ScalarValue::from("text")),
            ),
        ] {
            assert_eq!(round_trip(&value), value);
        }
    }

    #[test]
    fn rows_are_gathered_and_read() {
        let strings = ["a", "b"].map(ScalarValue::from).to_vec();
        let others = [
            vec![ScalarValue::from(true), ScalarValue::Boolean(None)],
            strings,
        ];
        let numbers = inline_values().into_iter().map(|value| {
            let null = ScalarValue::try_from(&value.data_type()).unwrap();
            vec![value.clone(), null, value]
        });
        for values in numbers.chain(others) {
            let data_type = values[0].data_type();
            let mut gathered = RowResults::new(&data_type, values.len());
            values
                .iter()
                .cloned()
                .for_each(|value| gathered.push(value));
            let array = gathered.finish().unwrap();
            assert_eq!(array.data_type(), &data_type);
            let expected = ScalarValue::iter_to_array(values.clone()).unwrap();
            assert_eq!(&array, &expected, "{data_type}");
            let whole = RowReader::new(Arc::clone(&array));
            let slice = RowReader::new(array.slice(1, array.len() - 1));
            for (row, value) in values.iter().enumerate() {
                assert_eq!(&whole.get(row).unwrap(), value);
                if row > 0 {
                    assert_eq!(&slice.get(row - 1).unwrap(), value);
                }
            }
        }
    }

    #[test]
    fn rows_of_another_type_are_an_error() {
        let decimal = |scale| ScalarValue::Decimal128(Some(7), 10, scale);
        let data_type = decimal(2).data_type();
        let mut gathered = RowResults::new(&data_type, 2);
        gathered.push(decimal(2));
        gathered.push(decimal(3));
        let message = gathered.finish().unwrap_err().to_string();
        assert!(message.contains("Decimal128(10, 3)"), "{message}");
    }

    #[test]
    fn a_value_of_another_type_is_an_error() {
        assert!(row_value_of(&ScalarValue::from(1_i32), &DataType::Int64).is_err());
        assert!(of_row(RowValue::Inline([0; 16]), &DataType::Utf8).is_err());
    }
}
