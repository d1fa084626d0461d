//! Hashes against those of Python's `hashlib.blake2b`: `tests/data/blake2b.py` wrote them.

use std::sync::Arc;

use datafusion::arrow::array::{Int64Array, RecordBatch, StringArray, UInt32Array};

use crate::{register, rows, session};

#[tokio::test]
async fn are_those_of_hashlib() {
    let lines = include_str!("../data/blake2b.jsonl").lines();
    let expected: Vec<(String, i64, String)> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(expected.len() >= 1000);
    let texts = StringArray::from_iter_values(expected.iter().map(|(text, ..)| text));
    let short = Int64Array::from_iter_values(expected.iter().map(|(_, short, _)| *short));
    let long = StringArray::from_iter_values(expected.iter().map(|(.., long)| long));
    let numbers = UInt32Array::from_iter_values(0..expected.len() as u32);
    let batch = RecordBatch::try_from_iter([
        ("number", Arc::new(numbers) as _),
        ("text", Arc::new(texts) as _),
        ("short", Arc::new(short) as _),
        ("long", Arc::new(long) as _),
    ]);
    let context = session();
    register(&context, "expected", batch.unwrap());
    let wrong = "SELECT number FROM expected WHERE (stable_hash64(text) IS DISTINCT FROM short) \
                 OR (stable_hash128(text) IS DISTINCT FROM long) \
                 OR (prefixed_hash64('p', text) IS DISTINCT FROM concat('p:', short)) \
                 OR (stable_id('p', text) IS DISTINCT FROM concat('p:', long)) \
                 OR (stable_hash_any(text) IS DISTINCT FROM long) \
                 OR (stable_id_parts('p', text) IS DISTINCT FROM concat('p:', long)) \
                 OR (prefixed_hash_parts64('p', text) IS DISTINCT FROM concat('p:', short))";
    assert_eq!(rows(&context, wrong).await, Vec::<String>::new());
    let all = "SELECT count(*) FROM expected WHERE stable_hash64(text) = short";
    assert_eq!(rows(&context, all).await, [expected.len().to_string()]);
}
