//! Arguments that a function may accept, told from its signature.

use std::sync::Arc;

use arrow::{
    array::{MapArray, StructArray},
    buffer::OffsetBuffer,
    datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit},
};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion_plugin_api::abi::message::{ArrayArgument, TypeClass, TypeSignature};

/// More guesses than this are not made for a function.
const MAX_GUESSES: usize = 64;
/// More arguments than this are not made up.
const MAX_ARGUMENTS: usize = 32;

/// Lists of argument types, the likeliest first. `types` are those that the signature speaks of.
pub(super) fn guesses(accepts: &TypeSignature, types: &[DataType]) -> Vec<Vec<DataType>> {
    let mut out = Vec::new();
    collect(accepts, types, &mut out);
    let mut unique: Vec<Vec<DataType>> = Vec::new();
    for guess in out {
        if unique.len() < MAX_GUESSES && guess.len() <= MAX_ARGUMENTS && !unique.contains(&guess) {
            unique.push(guess);
        }
    }
    unique
}

fn collect(accepts: &TypeSignature, types: &[DataType], out: &mut Vec<Vec<DataType>>) {
    let at = |position: &usize| types.get(*position).cloned().unwrap_or(DataType::Null);
    let repeat = |count: usize, of: &DataType| vec![of.clone(); count.min(MAX_ARGUMENTS + 1)];
    match accepts {
        TypeSignature::OneOf(all) => all.iter().for_each(|one| collect(one, types, out)),
        TypeSignature::Exact(positions) => out.push(positions.iter().map(at).collect()),
        TypeSignature::Uniform(count, positions) => {
            out.extend(
                positions
                    .iter()
                    .map(|position| repeat(*count, &at(position))),
            );
        }
        TypeSignature::Variadic(positions) => {
            out.extend(positions.iter().map(|position| repeat(2, &at(position))));
        }
        TypeSignature::Coercible(coercions) => {
            out.push(
                coercions
                    .iter()
                    .map(|c| of_class(&c.desired, types))
                    .collect(),
            );
        }
        TypeSignature::Any(count) | TypeSignature::Comparable(count) => {
            let all = [DataType::Int64, DataType::Utf8, DataType::Float64, list()];
            out.extend(all.iter().map(|of| repeat(*count, of)));
            // A list and what may be in it is the commonest mixture.
            out.extend(mixed().into_iter().filter(|guess| guess.len() == *count));
        }
        TypeSignature::Numeric(count) => {
            let all = [
                DataType::Int64,
                DataType::Float64,
                DataType::Decimal128(20, 2),
            ];
            out.extend(all.iter().map(|of| repeat(*count, of)));
        }
        TypeSignature::String(count) => out.push(repeat(*count, &DataType::Utf8)),
        TypeSignature::Array { arguments, .. } => {
            let argument = |argument: &ArrayArgument| match argument {
                ArrayArgument::Array => list(),
                ArrayArgument::String => DataType::Utf8,
                _ => DataType::Int64,
            };
            out.push(arguments.iter().map(argument).collect());
        }
        TypeSignature::RecursiveArray => out.push(vec![list()]),
        TypeSignature::MapArray => out.push(vec![map()]),
        TypeSignature::Nullary => out.push(Vec::new()),
        // The function coerces by itself, or the signature is of a later contract minor.
        _ => out.extend(mixed()),
    }
}

/// Argument lists of many functions.
fn mixed() -> Vec<Vec<DataType>> {
    use DataType::{Binary, Boolean, Date32, Float64, Int32, Int64, Utf8};

    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, None);
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    let single = [
        Utf8,
        Int64,
        Float64,
        Boolean,
        Binary,
        Date32,
        timestamp.clone(),
        interval,
        list(),
        map(),
        DataType::Decimal128(20, 2),
    ];
    let mut out: Vec<_> = single.into_iter().map(|one| vec![one]).collect();
    out.extend([
        vec![Utf8, Utf8],
        vec![Int64, Int64],
        vec![Int32, Int32],
        vec![Utf8, Int64],
        vec![Int64, Utf8],
        vec![Float64, Float64],
        vec![list(), Int64],
        vec![list(), list()],
        vec![Date32, Int32],
        vec![Date32, Utf8],
        vec![Utf8, Date32],
        vec![Utf8, timestamp.clone()],
        vec![timestamp, Utf8],
        vec![Binary, Int32],
        vec![Boolean, Int64, Int64],
        vec![Utf8, Utf8, Utf8],
        vec![Utf8, Int64, Int64],
        vec![Int64, Int64, Int64],
        Vec::new(),
    ]);
    out
}

/// Types of literals that table functions may take.
pub(super) fn literals() -> Vec<Vec<DataType>> {
    use DataType::{Boolean, Float64, Int64, Utf8};

    vec![
        vec![],
        vec![Int64],
        vec![Utf8],
        vec![Int64, Int64],
        vec![Utf8, Utf8],
        vec![Utf8, Int64],
        vec![Int64, Utf8],
        vec![Float64],
        vec![Boolean],
        vec![Float64, Float64],
        vec![Int64, Int64, Int64],
        vec![Utf8, Utf8, Utf8],
        vec![Utf8, Int64, Int64],
    ]
}

/// Values that are not null; numbers grow, as bounds of a range do.
pub(super) fn distinct(types: &[DataType]) -> Vec<ScalarValue> {
    let number = |position: usize| position as i64 + 1;
    let values = types.iter().enumerate().map(|(position, of)| match of {
        DataType::Int64 => ScalarValue::Int64(Some(number(position))),
        DataType::Float64 => ScalarValue::Float64(Some(number(position) as f64)),
        of => sample(of),
    });
    values.collect()
}

fn list() -> DataType {
    DataType::new_list(DataType::Int64, true)
}

fn map() -> DataType {
    let entries = DataType::Struct(
        vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Int64, true),
        ]
        .into(),
    );
    DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
}

fn of_class(class: &TypeClass, types: &[DataType]) -> DataType {
    match class {
        TypeClass::Native(position) => types.get(*position).cloned().unwrap_or(DataType::Null),
        TypeClass::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        TypeClass::Time => DataType::Time64(TimeUnit::Microsecond),
        TypeClass::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        TypeClass::Duration => DataType::Duration(TimeUnit::Microsecond),
        TypeClass::Float => DataType::Float64,
        TypeClass::Decimal => DataType::Decimal128(20, 2),
        TypeClass::Binary => DataType::Binary,
        _ => DataType::Int64,
    }
}

/// A value that is not null: one for numbers, the text `1` for strings.
pub(super) fn sample(of: &DataType) -> ScalarValue {
    let text = "1".to_owned();
    match of {
        DataType::Utf8 => ScalarValue::Utf8(Some(text)),
        DataType::LargeUtf8 => ScalarValue::LargeUtf8(Some(text)),
        DataType::Utf8View => ScalarValue::Utf8View(Some(text)),
        DataType::Binary => ScalarValue::Binary(Some(text.into_bytes())),
        // `ScalarValue::new_default` panics for maps.
        DataType::Map(entries, sorted) => map_of_one(entries, *sorted).unwrap_or(ScalarValue::Null),
        _ => ScalarValue::new_one(of)
            .or_else(|_| ScalarValue::new_default(of))
            .or_else(|_| ScalarValue::try_new_null(of))
            .unwrap_or(ScalarValue::Null),
    }
}

/// A map with one entry.
fn map_of_one(entries: &FieldRef, sorted: bool) -> Result<ScalarValue> {
    let DataType::Struct(fields) = entries.data_type() else {
        return internal_err!("a map of {}", entries.data_type());
    };
    let columns = fields
        .iter()
        .map(|field| sample(field.data_type()).to_array());
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let one = StructArray::try_new(fields.clone(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths([1]);
    let map = MapArray::try_new(Arc::clone(entries), offsets, one, None, sorted)?;
    Ok(ScalarValue::Map(Arc::new(map)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_followed() {
        let types = [DataType::Utf8, DataType::Int32];
        let guesses = |accepts| guesses(&accepts, &types);
        assert_eq!(
            guesses(TypeSignature::Exact(vec![1, 0])),
            [[DataType::Int32, DataType::Utf8]]
        );
        assert_eq!(
            guesses(TypeSignature::Uniform(3, vec![0])),
            [vec![DataType::Utf8; 3]]
        );
        let both = TypeSignature::OneOf(vec![
            TypeSignature::Nullary,
            TypeSignature::String(1),
            TypeSignature::Nullary,
        ]);
        assert_eq!(guesses(both), [vec![], vec![DataType::Utf8]]);
        assert!(guesses(TypeSignature::Any(usize::MAX)).is_empty());
        assert!(guesses(TypeSignature::UserDefined).len() > 20);
    }

    #[test]
    fn samples_are_of_their_type_and_not_null() {
        for of in mixed().into_iter().flatten() {
            let value = sample(&of);
            assert_eq!(value.data_type(), of);
            assert!(!value.is_null(), "{of}");
        }
    }
}
