//! Paths of other types, and filters on them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray},
        compute::cast,
        datatypes::DataType,
    },
    prelude::{SessionConfig, SessionContext},
};

use super::{aligning, oracle::paths};
use crate::{planning_error, register, rows};

const CALL: &str = "interval_align((SELECT * FROM l), (SELECT * FROM r), how => 'left')";

/// Of each path the interval from 0 to 10.
fn side(context: &SessionContext, name: &str, paths: ArrayRef) {
    let numbers = |number| -> ArrayRef { Arc::new(Int64Array::from_value(number, paths.len())) };
    let columns: [(&str, ArrayRef); 3] = [
        ("path", Arc::clone(&paths)),
        ("bstart", numbers(0)),
        ("bend", numbers(10)),
    ];
    register(context, name, RecordBatch::try_from_iter(columns).unwrap());
}

fn texts(data_type: &DataType, paths: impl IntoIterator<Item = String>) -> ArrayRef {
    cast(&StringArray::from_iter_values(paths), data_type).unwrap()
}

/// What stands below the aggregate of the logical plan.
async fn below(context: &SessionContext, condition: &str) -> String {
    let sql = format!("EXPLAIN FORMAT INDENT SELECT * FROM {CALL} WHERE {condition}");
    let plan = rows(context, &sql).await.join("\n");
    let logical = plan.split("physical_plan").next().unwrap();
    logical.split_once("Aggregate:").unwrap().1.to_owned()
}

#[tokio::test]
async fn keep_their_types() {
    let context = aligning(SessionConfig::new());
    let narrow = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    for left in paths() {
        for right in paths() {
            let of = |names: &[&str]| {
                names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>()
            };
            side(&context, "l", texts(&left, of(&["a", "b", "c"])));
            side(&context, "r", texts(&right, of(&["b", "a", "d"])));
            let case = format!("{left} and {right}");
            let frame = context.sql(&format!("SELECT * FROM {CALL}")).await.unwrap();
            let field = |name: &str| {
                let field = frame.schema().field_with_unqualified_name(name).unwrap();
                field.data_type().clone()
            };
            assert_eq!(field("path"), left, "{case}");
            assert_eq!(field("right_path"), right, "{case}");
            let columns = "path, right_path, match_kind";
            let sql = format!("SELECT {columns} FROM {CALL} ORDER BY path");
            let expected = ["a|a|EXACT", "b|b|EXACT", "c|NULL|NULL"];
            assert_eq!(rows(&context, &sql).await, expected, "{case}");
            for condition in ["path = 'b'", "path LIKE 'b%'", "path IN ('b', 'x')"] {
                let sql = format!("SELECT {columns} FROM {CALL} WHERE {condition}");
                assert_eq!(rows(&context, &sql).await, ["b|b|EXACT"], "{case}");
            }
            let filters = below(&context, "path = 'b'").await.matches("\"b\"").count();
            let expected = if left == narrow { 0 } else { 2 };
            assert_eq!(filters, expected, "{case}");
        }
    }
}

#[tokio::test]
async fn more_than_a_dictionary_has_room_for() {
    let context = aligning(SessionConfig::new());
    let narrow = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let names = |range: std::ops::Range<i32>| range.map(|number| format!("path {number:03}"));
    for (left, right, right_paths) in [
        (&narrow, &DataType::Utf8, 0..1000),
        (&narrow, &narrow, 60..180),
        (&DataType::Utf8, &narrow, 60..180),
    ] {
        side(&context, "l", texts(left, names(0..120)));
        side(&context, "r", texts(right, names(right_paths.clone())));
        let sql = format!("SELECT count(*), count(match_kind) FROM {CALL}");
        let matches = 120 - right_paths.start;
        let found = rows(&context, &sql).await;
        assert_eq!(found, [format!("120|{matches}")], "{left} and {right}");
    }
}

#[tokio::test]
async fn numbers_are_compared_as_in_an_equation() {
    let context = aligning(SessionConfig::new());
    let sql = format!("SELECT path, right_path FROM {CALL} ORDER BY path");
    let wide = Int64Array::from(vec![2, i64::MAX, 4]);
    side(&context, "l", Arc::new(Int32Array::from(vec![1, 2])));
    side(&context, "r", Arc::new(wide));
    assert_eq!(rows(&context, &sql).await, ["1|NULL", "2|2"]);
    side(&context, "l", Arc::new(StringArray::from(vec!["01", "2"])));
    side(&context, "r", Arc::new(Int64Array::from(vec![1, 3])));
    assert_eq!(rows(&context, &sql).await, ["01|1", "2|NULL"]);

    side(&context, "r", Arc::new(BooleanArray::from(vec![true])));
    side(&context, "l", Arc::new(Int64Array::from(vec![1])));
    let error = planning_error(&context, &format!("SELECT * FROM {CALL}")).await;
    assert!(
        error.contains("paths of type Int64 in the left relation and Boolean in the right one"),
        "{error}"
    );
}
