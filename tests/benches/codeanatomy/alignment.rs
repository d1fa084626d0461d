//! A million intervals aligned with a million others, over 1,000 paths.

use std::sync::Arc;

use datafusion::{
    arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datasource::MemTable,
};

const ROWS: i64 = 1_000_000;
const PATHS: i64 = 1000;

/// What has to be done in any case, and may be a third of an alignment's time.
pub const SORTS: [&str; 2] = [
    "SELECT * FROM l ORDER BY path, bstart",
    "SELECT * FROM r ORDER BY path, bstart",
];

pub const MODES: [&str; 3] = ["EXACT", "CONTAINED_BEST", "OVERLAP_MAX"];

/// Every column of an alignment.
pub fn alignment(mode: &str) -> String {
    format!(
        "SELECT * FROM interval_align((SELECT * FROM l), (SELECT * FROM r), mode => '{mode}', how => 'left')"
    )
}

/// Rows in no order, in two partitions. On the right side intervals are longer.
pub fn side(of_right: bool) -> Arc<MemTable> {
    const BATCH: i64 = 8192;
    let batch = |first: i64| {
        let numbers = (first..ROWS.min(first + BATCH)).map(|at| at * 777_787 % ROWS);
        let numbers: Vec<_> = numbers.collect();
        let column = |of: fn(&i64) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(numbers.iter().map(of)))
        };
        let paths = numbers.iter().map(|number| {
            let path = number % PATHS;
            format!("src/package_{}/module_{path}.py", path % 30)
        });
        let names = numbers.iter().map(|number| format!("name_{number}"));
        let end: fn(&i64) -> i64 = match of_right {
            false => |number| number / PATHS * 10 + number % 9,
            true => |number| number / PATHS * 10 + number % 49,
        };
        RecordBatch::try_from_iter([
            ("path", Arc::new(StringArray::from_iter_values(paths)) as _),
            ("bstart", column(|number| number / PATHS * 10)),
            ("bend", column(end)),
            ("name", Arc::new(StringArray::from_iter_values(names)) as _),
            ("id", column(|number| *number)),
        ])
        .unwrap()
    };
    let batches = (0..ROWS).step_by(BATCH as usize).map(batch);
    let batches: Vec<_> = batches.collect();
    let halves = batches.chunks(batches.len().div_ceil(2));
    let halves = halves.map(<[RecordBatch]>::to_vec).collect();
    Arc::new(MemTable::try_new(batches[0].schema(), halves).unwrap())
}
