//! Aggregates of random rows against loops over them, for several partitions and batch sizes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::{
    arrow::array::{Int64Array, RecordBatch, StringArray, UInt8Array},
    datasource::MemTable,
    prelude::SessionConfig,
};
use proptest::{collection::vec, option, prelude::*};

use crate::{rows, session_with};

type Row = (u8, Option<i64>, Option<String>);

type KeyAndValue<'a> = (&'a Option<i64>, &'a Option<String>);

/// What each group gives, as text.
fn expected(rows: &[Row]) -> Vec<String> {
    let mut groups: BTreeMap<u8, Vec<KeyAndValue>> = BTreeMap::new();
    for (group, key, value) in rows {
        groups.entry(*group).or_default().push((key, value));
    }
    let lines = groups.into_iter().map(|(group, rows)| {
        let pairs = rows
            .iter()
            .filter_map(|(key, value)| Some((key.as_ref()?, value.as_ref()?)));
        let pairs: Vec<_> = pairs.collect();
        let least = pairs.iter().min().map(|(_, value)| value.as_str());
        let greatest = pairs
            .iter()
            .map(|(key, value)| (std::cmp::Reverse(key), value))
            .min();
        let greatest = greatest.map(|(_, value)| value.as_str());
        let mut values: Vec<_> = rows
            .iter()
            .filter_map(|(_, value)| value.as_deref())
            .collect();
        values.sort_unstable();
        let joined = if values.is_empty() {
            "NULL".to_owned()
        } else {
            values.join("+")
        };
        let set: BTreeSet<_> = values.into_iter().collect();
        let list: Vec<_> = set.iter().copied().collect();
        let positive = rows
            .iter()
            .filter(|(key, _)| key.is_some_and(|key| key > 0))
            .count();
        format!(
            "{group}|{}|{}|{}|{}|[{}]|{}|{positive}|{joined}",
            least.unwrap_or("NULL"),
            least.unwrap_or("NULL"),
            greatest.unwrap_or("NULL"),
            greatest.unwrap_or("NULL"),
            list.join(", "),
            set.len(),
        )
    });
    lines.collect()
}

const QUERY: &str = "SELECT g, any_value_det(v, k), arg_min(v, k), arg_max(v, k), asof_select(v, k), \
                     list_unique(v), count_distinct_agg(v), count_if(k > 0), string_agg(v, '+') \
                     FROM t GROUP BY g ORDER BY g";

async fn found(input: &[Row], partitions: usize, batch_size: usize) -> Vec<String> {
    let groups = UInt8Array::from_iter_values(input.iter().map(|(group, ..)| *group));
    let keys = Int64Array::from_iter(input.iter().map(|(_, key, _)| *key));
    let values = StringArray::from_iter(input.iter().map(|(.., value)| value.as_deref()));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("g", Arc::new(groups) as _, true),
        ("k", Arc::new(keys) as _, true),
        ("v", Arc::new(values) as _, true),
    ])
    .unwrap();
    let mut parts = vec![Vec::new(); partitions];
    for (number, start) in (0..input.len()).step_by(batch_size).enumerate() {
        let rows = batch_size.min(input.len() - start);
        parts[number % partitions].push(batch.slice(start, rows));
    }
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(batch_size);
    let context = session_with(config);
    let table = MemTable::try_new(batch.schema(), parts).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    rows(&context, QUERY).await
}

fn row() -> impl Strategy<Value = Row> {
    (
        0..5_u8,
        option::weighted(0.8, -3..4_i64),
        option::weighted(0.8, "[ab]{0,2}"),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn agree_with_loops(input in vec(row(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let expected = expected(&input);
            for (partitions, batch_size) in [(1, 8192), (3, 7), (2, 1)] {
                let found = found(&input, partitions, batch_size).await;
                prop_assert_eq!(&found, &expected, "{} partitions of {}", partitions, batch_size);
            }
            Ok(())
        })?;
    }
}
