//! Scalar functions, called as a physical plan calls them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, Int64Array},
        datatypes::{DataType, Field, FieldRef},
    },
    common::{Result, ScalarValue, config::ConfigOptions},
    logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF},
};
use plugin_tests::data;
use proptest::prelude::*;

use super::{super::twins::twins, same};

fn constant(value: &ColumnarValue) -> Option<&ScalarValue> {
    match value {
        ColumnarValue::Scalar(scalar) => Some(scalar),
        ColumnarValue::Array(_) => None,
    }
}

/// Plans and calls `udf`.
fn call(
    udf: &ScalarUDF,
    fields: &[FieldRef],
    values: &[ColumnarValue],
    rows: usize,
    options: &Arc<ConfigOptions>,
) -> Result<(FieldRef, ColumnarValue)> {
    let return_field = udf.return_field_from_args(ReturnFieldArgs {
        arg_fields: fields,
        scalar_arguments: &values.iter().map(constant).collect::<Vec<_>>(),
    })?;
    let value = udf.invoke_with_args(ScalarFunctionArgs {
        args: values.to_vec(),
        arg_fields: fields.to_vec(),
        number_rows: rows,
        return_field: Arc::clone(&return_field),
        config_options: Arc::clone(options),
    })?;
    Ok((return_field, value))
}

fn compare(
    name: &str,
    fields: &[FieldRef],
    values: &[ColumnarValue],
    rows: usize,
    options: &Arc<ConfigOptions>,
) -> Result<ColumnarValue, TestCaseError> {
    let [linked_in, loaded] = twins()
        .scalar(name)
        .map(|udf| call(&udf, fields, values, rows, options));
    let (field, value) = linked_in.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let (loaded_field, loaded) = loaded.map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&loaded_field, &field);
    same(Ok(value), Ok(loaded.clone()))?;
    Ok(loaded)
}

/// Columns, each with the row to take it as a constant of, if it is one.
fn arguments() -> impl Strategy<Value = (Vec<FieldRef>, Vec<ColumnarValue>, usize)> {
    let constant = prop::collection::vec(any::<Option<prop::sample::Index>>(), 4);
    (data::record_batch(0..=4), constant).prop_map(|(batch, constant)| {
        let columns = batch.columns().iter().zip(constant);
        let values = columns.map(|(column, row)| match row {
            Some(row) if !column.is_empty() => constant_of(column, row.index(column.len())),
            _ => ColumnarValue::Array(Arc::clone(column)),
        });
        let values = values.collect();
        (batch.schema().fields().to_vec(), values, batch.num_rows())
    })
}

/// A row as a constant, where DataFusion has constants of its type.
fn constant_of(column: &ArrayRef, row: usize) -> ColumnarValue {
    match ScalarValue::try_from_array(column, row) {
        Ok(scalar) if scalar.data_type() == *column.data_type() => ColumnarValue::Scalar(scalar),
        _ => ColumnarValue::Array(Arc::clone(column)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Types, nullability, metadata, form, rows: the function sees them as it would linked in.
    #[test]
    fn arguments_arrive_as_they_were((fields, values, rows) in arguments()) {
        compare("describe", &fields, &values, rows, &twins().options())?;
    }

    /// A column comes back a column, a constant a constant, both with the argument's field.
    #[test]
    fn values_come_back_as_they_were((fields, values, rows) in arguments()) {
        for (field, value) in fields.iter().zip(&values) {
            let (field, value) = (std::slice::from_ref(field), std::slice::from_ref(value));
            let back = compare("echo", field, value, rows, &twins().options())?;
            same(Ok(value[0].clone()), Ok(back))?;
        }
    }
}

fn describe(value: &ColumnarValue, rows: usize) -> String {
    let field: FieldRef = Arc::new(Field::new("x", value.data_type(), true));
    let value = std::slice::from_ref(value);
    match compare("describe", &[field], value, rows, &twins().options()).unwrap() {
        ColumnarValue::Scalar(scalar) => scalar.to_string(),
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0).unwrap().to_string(),
    }
}

#[test]
fn literals_arrive_as_scalars_and_columns_as_arrays() {
    let text = describe(&ColumnarValue::Scalar(7_i64.into()), 5);
    assert!(
        text.starts_with(r#"5 rows of ["scalar Int64: Int64(7)"]"#),
        "{text}"
    );
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let text = describe(&ColumnarValue::Array(column), 2);
    assert!(
        text.starts_with(r#"2 rows of ["array Int64: 2 rows, 1 null"]"#),
        "{text}"
    );
}

#[test]
fn a_function_without_arguments_knows_the_rows() {
    for rows in [0, 1, 8192] {
        let value = compare("describe", &[], &[], rows, &twins().options()).unwrap();
        let ColumnarValue::Scalar(text) = value else {
            panic!("{value:?}");
        };
        assert!(
            text.to_string().starts_with(&format!("{rows} rows of []")),
            "{text}"
        );
    }
}

/// A host keeps 8 calls that differ in their constants alone, and 32 calls in all: past both, and
/// on the way back, every call still gets its own constants.
#[test]
fn more_literals_and_types_than_are_kept() {
    let zones = (0..50).map(|i| format!("+{:02}:{:02}", i / 60, i % 60));
    let constants: Vec<ScalarValue> = (0..50_i64)
        .map(ScalarValue::from)
        .chain((0..50).map(|i| ScalarValue::from(i.to_string())))
        .chain((1..39).map(|p| ScalarValue::Decimal128(Some(1), p, 0)))
        .chain(zones.map(|zone| ScalarValue::TimestampSecond(Some(1), Some(zone.into()))))
        .chain([ScalarValue::Int64(None), ScalarValue::Null])
        .collect();
    let ahead = constants.iter();
    for constant in ahead.clone().chain(ahead.clone().rev()).chain(ahead) {
        let text = describe(&ColumnarValue::Scalar(constant.clone()), 3);
        assert!(
            text.contains(&format!("{constant:?}").replace('"', "\\\"")),
            "{constant:?}: {text}"
        );
    }
}

/// Zeros and NaNs that differ in their bits alone are different constants.
#[test]
fn constants_are_told_apart_by_their_bits() {
    let numbers = [
        0.0,
        -0.0,
        f64::NAN,
        -f64::NAN,
        f64::from_bits(f64::NAN.to_bits() | 1),
    ];
    let field: FieldRef = Arc::new(Field::new("x", DataType::Float64, true));
    for number in numbers.iter().chain(&numbers) {
        let value = [ColumnarValue::Scalar(ScalarValue::from(*number))];
        let back = compare("echo", &[Arc::clone(&field)], &value, 1, &twins().options()).unwrap();
        let ColumnarValue::Scalar(ScalarValue::Float64(Some(back))) = back else {
            panic!("{back:?}");
        };
        assert_eq!(back.to_bits(), number.to_bits());
    }
}

/// One call site whose argument is a scalar in one batch and a column in the next.
#[test]
fn an_argument_may_change_its_form_from_batch_to_batch() {
    let field: FieldRef = Arc::new(Field::new("x", DataType::Int64, true));
    let column: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 6]));
    for round in 0..3_i64 {
        for value in [
            ColumnarValue::Scalar(round.into()),
            ColumnarValue::Array(Arc::clone(&column)),
            ColumnarValue::Array(column.slice(1, 2)),
            ColumnarValue::Array(column.slice(3, 0)),
            ColumnarValue::Scalar(ScalarValue::Int64(None)),
        ] {
            let rows = match &value {
                ColumnarValue::Array(array) => array.len(),
                ColumnarValue::Scalar(_) => 3,
            };
            let values = std::slice::from_ref(&value);
            let fields = [Arc::clone(&field)];
            let back = compare("echo", &fields, values, rows, &twins().options()).unwrap();
            same(Ok(value), Ok(back)).unwrap();
        }
    }
}

#[test]
fn settings_that_differ_from_the_defaults_arrive() {
    let mut options = ConfigOptions::new();
    options
        .set("datafusion.execution.batch_size", "17")
        .unwrap();
    options.execution.time_zone = Some("Europe/Paris".into());
    options.sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    let text = compare("describe", &[], &[], 1, &Arc::new(options)).unwrap();
    let ColumnarValue::Scalar(text) = text else {
        panic!("{text:?}");
    };
    for setting in ["batch_size\", Some(\"17\")", "Europe/Paris", "dialect"] {
        assert!(text.to_string().contains(setting), "{setting}: {text}");
    }
    let other = compare("describe", &[], &[], 1, &Arc::default()).unwrap();
    assert!(!format!("{other:?}").contains("Paris"), "{other:?}");
}
