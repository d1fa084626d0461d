//! Arguments read row by row, without being expanded or copied.

use arrow::{
    array::{
        Array, AsArray, BooleanArray, Int32Array, Int64Array, LargeStringArray, StringArray,
        StringViewArray,
    },
    buffer::NullBuffer,
    compute::{can_cast_types, cast_with_options},
    datatypes::{DataType, Int32Type, Int64Type},
    util::display::ArrayFormatter,
};
use datafusion_common::{
    Result, ScalarValue,
    format::{DEFAULT_CAST_OPTIONS, DEFAULT_FORMAT_OPTIONS},
    internal_err,
};
use datafusion_expr::ColumnarValue;

/// A string argument.
pub(crate) enum Text<'a> {
    Utf8(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
    Constant(Option<&'a str>),
}

impl<'a> Text<'a> {
    pub(crate) fn of(value: &'a ColumnarValue) -> Result<Self> {
        match value {
            ColumnarValue::Array(array) => Self::of_array(array),
            ColumnarValue::Scalar(value) => match value.try_as_str() {
                Some(text) => Ok(Self::Constant(text)),
                None if value.is_null() => Ok(Self::Constant(None)),
                None => internal_err!("a string argument of type {}", value.data_type()),
            },
        }
    }

    pub(crate) fn of_array(array: &'a dyn Array) -> Result<Self> {
        match array.data_type() {
            DataType::Utf8 => Ok(Self::Utf8(array.as_string())),
            DataType::LargeUtf8 => Ok(Self::Large(array.as_string())),
            DataType::Utf8View => Ok(Self::View(array.as_string_view())),
            other => internal_err!("a string argument of type {other}"),
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Constant(text) => *text,
        }
    }
}

/// An argument of a type whose values are copied.
pub(crate) enum Plain<'a, A, T> {
    Column(&'a A),
    Constant(Option<T>),
}

pub(crate) type Integers<'a> = Plain<'a, Int64Array, i64>;
pub(crate) type SmallIntegers<'a> = Plain<'a, Int32Array, i32>;
pub(crate) type Booleans<'a> = Plain<'a, BooleanArray, bool>;

impl<'a> Integers<'a> {
    pub(crate) fn of(value: &'a ColumnarValue) -> Result<Self> {
        match value {
            ColumnarValue::Array(array) => match array.as_primitive_opt::<Int64Type>() {
                Some(array) => Ok(Self::Column(array)),
                None => internal_err!("an integer argument of type {}", array.data_type()),
            },
            ColumnarValue::Scalar(ScalarValue::Int64(value)) => Ok(Self::Constant(*value)),
            ColumnarValue::Scalar(other) => {
                internal_err!("an integer argument of type {}", other.data_type())
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        match self {
            Self::Column(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Constant(value) => *value,
        }
    }
}

impl<'a> SmallIntegers<'a> {
    pub(crate) fn of(value: &'a ColumnarValue) -> Result<Self> {
        match value {
            ColumnarValue::Array(array) => match array.as_primitive_opt::<Int32Type>() {
                Some(array) => Ok(Self::Column(array)),
                None => internal_err!("an integer argument of type {}", array.data_type()),
            },
            ColumnarValue::Scalar(ScalarValue::Int32(value)) => Ok(Self::Constant(*value)),
            ColumnarValue::Scalar(other) => {
                internal_err!("an integer argument of type {}", other.data_type())
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<i32> {
        match self {
            Self::Column(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Constant(value) => *value,
        }
    }
}

impl<'a> Booleans<'a> {
    pub(crate) fn of(value: &'a ColumnarValue) -> Result<Self> {
        match value {
            ColumnarValue::Array(array) => match array.as_boolean_opt() {
                Some(array) => Ok(Self::Column(array)),
                None => internal_err!("a boolean argument of type {}", array.data_type()),
            },
            ColumnarValue::Scalar(ScalarValue::Boolean(value)) => Ok(Self::Constant(*value)),
            ColumnarValue::Scalar(other) => {
                internal_err!("a boolean argument of type {}", other.data_type())
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<bool> {
        match self {
            Self::Column(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Constant(value) => *value,
        }
    }
}

/// The text of an argument of any type: that of `CAST(... AS VARCHAR)`, or, where there is no such
/// cast, what DataFusion shows.
pub(crate) enum AnyText<'a> {
    Text(Text<'a>),
    Shown {
        /// Those of a dictionary's values too.
        nulls: Option<NullBuffer>,
        formatter: ArrayFormatter<'a>,
    },
    Cast(LargeStringArray),
    Constant(Option<String>),
}

/// Whether a cast to a string gives what the formatter writes, or there is none.
fn is_shown(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => values.is_string() || is_shown(values),
        DataType::Boolean
        | DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => true,
        other => other.is_primitive() || !can_cast_types(other, &DataType::LargeUtf8),
    }
}

impl<'a> AnyText<'a> {
    pub(crate) fn of(value: &'a ColumnarValue) -> Result<Self> {
        match value {
            ColumnarValue::Array(array) => Self::of_array(array),
            ColumnarValue::Scalar(scalar) => match scalar.try_as_str() {
                Some(text) => Ok(Self::Text(Text::Constant(text))),
                None if scalar.is_null() => Ok(Self::Constant(None)),
                None => {
                    let array = scalar.to_array_of_size(1)?;
                    let mut text = String::new();
                    let valid = AnyText::of_array(&array)?.write(0, &mut text)?;
                    Ok(Self::Constant(valid.then_some(text)))
                }
            },
        }
    }

    fn of_array(array: &'a dyn Array) -> Result<Self> {
        let data_type = array.data_type();
        if data_type.is_string() {
            return Ok(Self::Text(Text::of_array(array)?));
        }
        if is_shown(data_type) {
            return Ok(Self::Shown {
                nulls: array.logical_nulls(),
                formatter: ArrayFormatter::try_new(array, &DEFAULT_FORMAT_OPTIONS)?,
            });
        }
        let text = cast_with_options(array, &DataType::LargeUtf8, &DEFAULT_CAST_OPTIONS)?;
        Ok(Self::Cast(text.as_string().clone()))
    }

    /// Writes the text behind `buffer`; false for a null, which writes nothing.
    pub(crate) fn write(&self, row: usize, buffer: &mut String) -> Result<bool> {
        match self {
            Self::Text(text) => match text.get(row) {
                Some(text) => buffer.push_str(text),
                None => return Ok(false),
            },
            Self::Shown { nulls, formatter } => match nulls {
                Some(nulls) if nulls.is_null(row) => return Ok(false),
                _ => formatter.value(row).write(buffer)?,
            },
            Self::Cast(text) if text.is_null(row) => return Ok(false),
            Self::Cast(text) => buffer.push_str(text.value(row)),
            Self::Constant(Some(text)) => buffer.push_str(text),
            Self::Constant(None) => return Ok(false),
        }
        Ok(true)
    }
}
