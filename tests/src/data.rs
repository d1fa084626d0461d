//! Property-test strategies for Arrow columns of every type that may cross the contract.
//!
//! Types, fields, lengths and slices shrink; the values follow from a seed, so that a failing case is small
//! in shape and can be repeated.

mod random;
mod types;
mod values;

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{FieldRef, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use proptest::prelude::*;

pub use types::{data_type, field};
pub use values::array;

/// The longest column that [`field_and_array`] and [`record_batch`] make.
pub const MAX_ROWS: usize = 40;

/// A field and a column of it: any type, with and without nulls, whole or a slice whose offset is seldom a
/// multiple of eight, sometimes empty.
pub fn field_and_array() -> impl Strategy<Value = (FieldRef, ArrayRef)> {
    (field(), rows(), slice(), any::<u64>()).prop_map(|(field, rows, slice, seed)| {
        let column = sliced(&field, rows, slice, seed);
        (field, column)
    })
}

/// A batch of as many columns as `columns` says, all of one length and each sliced its own way.
pub fn record_batch(columns: RangeInclusive<usize>) -> impl Strategy<Value = RecordBatch> {
    let columns = prop::collection::vec((field(), slice(), any::<u64>()), columns);
    (columns, rows()).prop_map(|(columns, rows)| {
        let arrays = columns
            .iter()
            .map(|(field, slice, seed)| sliced(field, rows, *slice, *seed))
            .collect();
        let fields: Vec<FieldRef> = columns.into_iter().map(|(field, ..)| field).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).unwrap()
    })
}

fn rows() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0), 1 => Just(1), 6 => 0..=MAX_ROWS]
}

/// How many rows are cut off in front and behind.
fn slice() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![Just((0, 0)), (0..20usize, 0..5usize)]
}

fn sliced(field: &FieldRef, rows: usize, (front, behind): (usize, usize), seed: u64) -> ArrayRef {
    array(field, front + rows + behind, seed).slice(front, rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::Array;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;

    proptest! {
        #[test]
        fn columns_are_valid((field, column) in field_and_array()) {
            prop_assert_eq!(column.data_type(), field.data_type());
            prop_assert!(field.is_nullable() || column.logical_null_count() == 0);
            prop_assert!(column.to_data().validate_full().is_ok(), "{:?}", column);
            prop_assert_eq!(&column, &column.slice(0, column.len()));
        }

        #[test]
        fn batches_have_one_length(batch in record_batch(0..=4)) {
            prop_assert!(batch.num_columns() <= 4);
            prop_assert!(batch.columns().iter().all(|column| column.len() == batch.num_rows()));
        }
    }

    /// The name of a type without its parameters.
    fn kind(field: &FieldRef) -> String {
        let text = format!("{:?}", field.data_type());
        let end = text.find(['(', ' ', '{']).unwrap_or(text.len());
        text[..end].to_owned()
    }

    #[test]
    fn every_kind_of_column_is_made() {
        let mut runner = TestRunner::deterministic();
        let strategy = field_and_array();
        let mut kinds = BTreeSet::new();
        let (mut empty, mut offset, mut nulls, mut extensions) = (0, 0, 0, 0);
        for _ in 0..4000 {
            let (field, column) = strategy.new_tree(&mut runner).unwrap().current();
            kinds.insert(kind(&field));
            empty += usize::from(column.is_empty());
            offset += usize::from(column.to_data().offset() % 8 != 0);
            nulls += usize::from(column.logical_null_count() > 0);
            extensions += usize::from(field.extension_type_name().is_some());
        }
        for expected in [
            "Null",
            "Boolean",
            "Int8",
            "UInt64",
            "Float16",
            "Float64",
            "Timestamp",
            "Date32",
            "Date64",
            "Time32",
            "Time64",
            "Duration",
            "Interval",
            "Binary",
            "FixedSizeBinary",
            "LargeBinary",
            "BinaryView",
            "Utf8",
            "LargeUtf8",
            "Utf8View",
            "List",
            "ListView",
            "FixedSizeList",
            "LargeList",
            "LargeListView",
            "Struct",
            "Union",
            "Dictionary",
            "Decimal32",
            "Decimal64",
            "Decimal128",
            "Decimal256",
            "Map",
            "RunEndEncoded",
        ] {
            assert!(kinds.contains(expected), "no {expected} in {kinds:?}");
        }
        for (count, what) in [
            (empty, "empty"),
            (offset, "sliced"),
            (nulls, "null"),
            (extensions, "extension"),
        ] {
            assert!(count > 100, "{count} columns are {what}");
        }
    }
}
