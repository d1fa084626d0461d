//! `interval_align` over random intervals: loaded, linked in, and all pairs looked at.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, StringArray},
        util::pretty::pretty_format_batches,
    },
    datasource::MemTable,
    prelude::SessionContext,
};

use super::{config, linked_in, loaded};

/// Path, start and end.
type Interval = (i64, i64, i64);

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as i64
    }
}

/// Short intervals and few paths, so that many are the same.
fn intervals(seed: u64, count: usize) -> Vec<Interval> {
    let mut numbers = Numbers(seed);
    let interval = |_| {
        let (path, start) = (numbers.below(29), numbers.below(100));
        (path, start, start + numbers.below(8))
    };
    (0..count).map(interval).collect()
}

fn table(side: &[Interval]) -> Arc<MemTable> {
    let numbers = |of: fn(&Interval) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(side.iter().map(of)))
    };
    let paths = side.iter().map(|(path, ..)| format!("src/{path}.py"));
    let ids = (0..side.len() as i64).map(|at| at % 1000);
    let rows = RecordBatch::try_from_iter([
        ("path", Arc::new(StringArray::from_iter_values(paths)) as _),
        ("bstart", numbers(|(_, start, _)| *start)),
        ("bend", numbers(|(.., end)| *end)),
        ("id", Arc::new(Int64Array::from_iter_values(ids)) as _),
    ])
    .unwrap();
    let size = side.len().div_ceil(6);
    let batches = (0..6).map(|at| rows.slice(at * size, size.min(side.len() - at * size)));
    let batches: Vec<_> = batches.collect();
    let partitions = batches.chunks(2).map(<[RecordBatch]>::to_vec).collect();
    Arc::new(MemTable::try_new(rows.schema(), partitions).unwrap())
}

/// The score of the best match.
fn score(mode: &str, left: &Interval, right: &[Interval]) -> Option<i64> {
    let (path, start, end) = *left;
    let scores = right.iter().filter_map(|&(other, s, e)| {
        let overlap = end.min(e) - start.max(s);
        let score = match mode {
            "EXACT" => (s == start && e == end).then_some(s - e),
            "CONTAINED_BEST" => (s <= start && end <= e).then_some(s - e),
            _ => (overlap > 0).then_some(overlap),
        };
        score.filter(|_| path == other)
    });
    scores.max()
}

/// How many rows there are, how many have a match, and the sum of scores.
async fn totals(context: &SessionContext, call: &str) -> String {
    let sql =
        format!("SELECT count(*), count(match_kind), CAST(sum(match_score) AS BIGINT) FROM {call}");
    shown(context, &sql).await
}

async fn shown(context: &SessionContext, sql: &str) -> String {
    let frame = context.sql(sql).await.unwrap();
    let rows = frame.collect().await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    pretty_format_batches(&rows).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn agrees_with_all_pairs_whatever_partitions_and_batches() {
    let (left, right) = (intervals(1, 2000), intervals(2, 2500));
    let (left_table, right_table) = (table(&left), table(&right));
    let mut first: Vec<String> = Vec::new();
    for (partitions, batch_size) in [(1, 8192), (4, 8192), (1, 7), (4, 7)] {
        let config = config(partitions, batch_size);
        let mut found = Vec::new();
        for context in [linked_in(config.clone()), loaded(config)] {
            for (name, table) in [("l", &left_table), ("r", &right_table)] {
                context
                    .register_table(name, Arc::clone(table) as _)
                    .unwrap();
            }
            let mut answers = Vec::new();
            for mode in ["EXACT", "CONTAINED_BEST", "OVERLAP_MAX"] {
                let scores = left.iter().map(|left| score(mode, left, &right));
                let scores: Vec<_> = scores.collect();
                let matched = scores.iter().flatten().count();
                let sum: i64 = scores.iter().flatten().sum();
                assert!(
                    (100..1950).contains(&matched),
                    "{mode}: {matched} matches say little"
                );
                for (how, rows) in [("inner", matched), ("left", left.len())] {
                    let call = format!(
                        "interval_align((SELECT * FROM l), (SELECT * FROM r), mode => '{mode}', \
                         how => '{how}', tie_breakers => 'id DESC')"
                    );
                    let totals = totals(&context, &call).await;
                    let numbers = totals.lines().nth(3).unwrap();
                    let numbers: Vec<_> = numbers.split('|').map(str::trim).collect();
                    let expected = [rows.to_string(), matched.to_string(), sum.to_string()];
                    assert_eq!(numbers[1..4], expected, "{call}");
                    let sql = format!("SELECT * FROM {call} ORDER BY path, bstart, bend, id");
                    answers.push(shown(&context, &sql).await);
                }
            }
            found.push(answers);
        }
        assert_eq!(found[0], found[1], "{partitions}, {batch_size}");
        let found = found.swap_remove(0);
        if first.is_empty() {
            first = found;
        } else {
            assert_eq!(first, found, "{partitions}, {batch_size}");
        }
    }
}
