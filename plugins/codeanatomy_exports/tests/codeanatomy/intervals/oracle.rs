//! Random intervals, aligned, against all pairs looked at.

use std::{cmp::Reverse, sync::Arc};

use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch, StringArray},
        compute::cast,
        datatypes::DataType,
    },
    datasource::MemTable,
    prelude::SessionConfig,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::aligning;
use crate::rows;

/// Path, start, end, and of the right side a priority.
type Row = (Option<&'static str>, Option<i64>, Option<i64>, i64);

#[derive(Debug, Clone, Copy)]
enum Tie {
    None,
    PriorityDescending,
    EndThenPriority,
}

/// What the matching pairs of a left row are compared by, best first, by the modes' definitions.
fn key(mode: &str, left: (i128, i128), right: (i128, i128)) -> Option<i128> {
    let (start, end) = right;
    let overlap = left.1.min(end) - left.0.max(start);
    match mode {
        "EXACT" => (left == right).then_some(0),
        "CONTAINED_BEST" => (start <= left.0 && left.1 <= end).then_some(end - start),
        _ => (overlap > 0).then_some(-overlap),
    }
}

fn interval(row: &Row) -> Option<(i128, i128)> {
    let (_, start, end, _) = row;
    Some(((*start)?.into(), (*end)?.into()))
}

fn expected(left: &[Row], right: &[Row], mode: &str, keeps: bool, tie: Tie) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, row) in left.iter().enumerate() {
        let candidates = right.iter().filter_map(|other| {
            let (left, right) = (interval(row)?, interval(other)?);
            if row.0.is_none() || row.0 != other.0 {
                return None;
            }
            let (key, priority) = (key(mode, left, right)?, other.3);
            let ties = match tie {
                Tie::None => (Reverse(0), 0, 0),
                Tie::PriorityDescending => (Reverse(priority), 0, 0),
                Tie::EndThenPriority => (Reverse(0), right.1, priority),
            };
            Some((key, ties, right.1 - right.0, right.0, right.1, priority))
        });
        match candidates.min() {
            Some((key, _, length, s, e, priority)) => {
                let score = if mode == "OVERLAP_MAX" { -key } else { -length } as f64;
                let (left_start, left_end) = interval(row).unwrap();
                let kind = if (s, e) == (left_start, left_end) {
                    "EXACT"
                } else if s <= left_start && left_end <= e {
                    "CONTAINED"
                } else {
                    "OVERLAP"
                };
                lines.push(format!("{number}|{s}|{e}|{priority}|{kind}|{score:?}"));
            }
            None if keeps => lines.push(format!("{number}|NULL|NULL|NULL|NULL|NULL")),
            None => {}
        }
    }
    lines
}

fn table(side: &[Row], path: &DataType, partitions: usize) -> MemTable {
    let paths: StringArray = side.iter().map(|row| row.0).collect();
    let numbers = Int64Array::from_iter_values(0..side.len() as i64);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("path", cast(&paths, path).unwrap(), true),
        (
            "bstart",
            Arc::new(side.iter().map(|row| row.1).collect::<Int64Array>()) as _,
            true,
        ),
        (
            "bend",
            Arc::new(side.iter().map(|row| row.2).collect::<Int64Array>()) as _,
            true,
        ),
        (
            "priority",
            Arc::new(Int64Array::from_iter_values(side.iter().map(|row| row.3))) as _,
            true,
        ),
        ("number", Arc::new(numbers) as _, true),
    ])
    .unwrap();
    let mut parts = vec![Vec::new(); partitions];
    for row in 0..batch.num_rows() {
        parts[row % partitions].push(batch.slice(row, 1));
    }
    MemTable::try_new(batch.schema(), parts).unwrap()
}

/// Partitions and rows in a batch.
type Cut = (usize, usize);

async fn check(
    left: &[Row],
    right: &[Row],
    paths: [&DataType; 2],
    cuts: &[Cut],
) -> Result<(), TestCaseError> {
    for &(partitions, batch_size) in cuts {
        let config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_batch_size(batch_size);
        let context = aligning(config);
        context
            .register_table("l", Arc::new(table(left, paths[0], partitions)))
            .unwrap();
        // The number of a right row is none of its values: equal rows are equal.
        context
            .register_table("all_of_r", Arc::new(table(right, paths[1], partitions)))
            .unwrap();
        for mode in ["EXACT", "CONTAINED_BEST", "OVERLAP_MAX"] {
            for (keeps, how) in [(false, "inner"), (true, "left")] {
                for (tie, ties) in [
                    (Tie::None, ""),
                    (Tie::PriorityDescending, ", tie_breakers => 'priority DESC'"),
                    (Tie::EndThenPriority, ", tie_breakers => 'bend, priority'"),
                ] {
                    let sql = format!(
                        "SELECT number, right_bstart, right_bend, right_priority, match_kind, \
                         match_score FROM interval_align((SELECT * FROM l), \
                         (SELECT path, bstart, bend, priority FROM all_of_r), mode => '{mode}', \
                         how => '{how}'{ties}) ORDER BY number"
                    );
                    let found = rows(&context, &sql).await;
                    let expected = expected(left, right, mode, keeps, tie);
                    prop_assert_eq!(found, expected, "{} {} {:?} {:?}", mode, how, tie, paths);
                }
            }
        }
    }
    Ok(())
}

fn row() -> impl Strategy<Value = Row> {
    let path = prop_oneof![4 => Just(Some("a")), 2 => Just(Some("b")), 1 => Just(None)];
    let start = option::weighted(0.9, 0..12_i64);
    let length = option::weighted(0.9, -1..8_i64);
    (path, start, length, 0..3_i64).prop_map(|(path, start, length, priority)| {
        // Some intervals are empty, and some end before they start.
        let end = length.map(|length| start.unwrap_or(0) + length);
        (path, start, end, priority)
    })
}

/// What 64-bit numbers end with, and what is next to it.
fn at_the_edges() -> impl Strategy<Value = Row> {
    let number = || {
        prop_oneof![
            i64::MIN..i64::MIN + 3,
            -2..3_i64,
            i64::MAX / 2 - 1..i64::MAX / 2 + 2,
            i64::MAX - 2..=i64::MAX,
        ]
    };
    (number(), number(), 0..3_i64)
        .prop_map(|(start, end, priority)| (Some("a"), Some(start), Some(end), priority))
}

/// Types that a path may have.
pub(super) fn paths() -> Vec<DataType> {
    let dictionary = |keys, values| DataType::Dictionary(Box::new(keys), Box::new(values));
    vec![
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary(DataType::Int32, DataType::Utf8),
        dictionary(DataType::UInt16, DataType::LargeUtf8),
        dictionary(DataType::Int8, DataType::Utf8),
    ]
}

const CUTS: &[Cut] = &[(1, 8192), (3, 7), (2, 1)];

fn run(check: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).build().unwrap().block_on(check)
}

#[test]
fn the_shorter_of_two_that_64_bits_do_not_measure() {
    let left = [(Some("a"), Some(0), Some(10), 0)];
    let right = [i64::MIN, i64::MIN + 1].map(|start| (Some("a"), Some(start), Some(i64::MAX), 0));
    run(check(&left, &right, [&DataType::Utf8; 2], CUTS)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn agree_with_all_pairs(left in vec(row(), 0..14), right in vec(row(), 0..20)) {
        run(check(&left, &right, [&DataType::Utf8; 2], CUTS))?;
    }

    #[test]
    fn agree_at_the_edges(left in vec(at_the_edges(), 1..20), right in vec(at_the_edges(), 1..40)) {
        run(check(&left, &right, [&DataType::Utf8; 2], &[(2, 7)]))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn agree_whatever_type_paths_have(
        left in vec(row(), 1..14),
        right in vec(row(), 1..20),
        of_left in select(paths()),
        of_right in select(paths()),
    ) {
        run(check(&left, &right, [&of_left, &of_right], &[(3, 7)]))?;
    }
}
