//! Random intervals, aligned, against all pairs looked at.

use std::{cmp::Reverse, sync::Arc};

use datafusion::{
    arrow::array::{Int64Array, RecordBatch, StringArray},
    datasource::MemTable,
    prelude::SessionConfig,
};
use proptest::{collection::vec, option, prelude::*};

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
fn key(mode: &str, left: (i64, i64), right: (i64, i64)) -> Option<i64> {
    let (start, end) = right;
    let overlap = left.1.min(end) - left.0.max(start);
    match mode {
        "EXACT" => (left == right).then_some(0),
        "CONTAINED_BEST" => (start <= left.0 && left.1 <= end).then_some(end - start),
        _ => (overlap > 0).then_some(-overlap),
    }
}

fn expected(left: &[Row], right: &[Row], mode: &str, keeps: bool, tie: Tie) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, (path, start, end, _)) in left.iter().enumerate() {
        let candidates = right.iter().filter_map(|&(other, s, e, priority)| {
            let (left, right) = ((start.as_ref()?, end.as_ref()?), (s?, e?));
            if path.is_none() || *path != other {
                return None;
            }
            let key = key(mode, (*left.0, *left.1), right)?;
            let ties = match tie {
                Tie::None => (Reverse(0), 0, 0),
                Tie::PriorityDescending => (Reverse(priority), 0, 0),
                Tie::EndThenPriority => (Reverse(0), right.1, priority),
            };
            Some((key, ties, right.1 - right.0, right.0, right.1, priority))
        });
        match candidates.min() {
            Some((key, _, _, s, e, priority)) => {
                let score = if mode == "OVERLAP_MAX" { -key } else { s - e };
                let (left_start, left_end) = (start.unwrap(), end.unwrap());
                let kind = if (s, e) == (left_start, left_end) {
                    "EXACT"
                } else if s <= left_start && left_end <= e {
                    "CONTAINED"
                } else {
                    "OVERLAP"
                };
                lines.push(format!("{number}|{s}|{e}|{priority}|{kind}|{score}"));
            }
            None if keeps => lines.push(format!("{number}|NULL|NULL|NULL|NULL|NULL")),
            None => {}
        }
    }
    lines
}

fn table(side: &[Row], partitions: usize) -> MemTable {
    let numbers = Int64Array::from_iter_values(0..side.len() as i64);
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "path",
            Arc::new(side.iter().map(|row| row.0).collect::<StringArray>()) as _,
            true,
        ),
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

async fn check(left: &[Row], right: &[Row]) -> Result<(), TestCaseError> {
    for (partitions, batch_size) in [(1, 8192), (3, 7), (2, 1)] {
        let config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_batch_size(batch_size);
        let context = aligning(config);
        context
            .register_table("l", Arc::new(table(left, partitions)))
            .unwrap();
        // The number of a right row is none of its values: equal rows are equal.
        context
            .register_table("all_of_r", Arc::new(table(right, partitions)))
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
                         CAST(match_score AS BIGINT) FROM interval_align((SELECT * FROM l), \
                         (SELECT path, bstart, bend, priority FROM all_of_r), mode => '{mode}', \
                         how => '{how}'{ties}) ORDER BY number"
                    );
                    let found = rows(&context, &sql).await;
                    let expected = expected(left, right, mode, keeps, tie);
                    prop_assert_eq!(found, expected, "{} {} {:?}", mode, how, tie);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn agree_with_all_pairs(left in vec(row(), 0..14), right in vec(row(), 0..20)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(check(&left, &right))?;
    }
}
