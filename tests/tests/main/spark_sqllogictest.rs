//! DataFusion's own SQL logic tests for Spark, with the functions linked in and without.
//!
//! The files are the ones that the crate `datafusion-sqllogictest` publishes in `test_files/spark`. A
//! session is made for each file the way that crate's own runner makes it; only where the functions come
//! from differs.

mod files;
mod session;

use std::collections::BTreeMap;

use files::{Verdict, run_all};
use session::{linked_in, without_functions};

/// How many files DataFusion 55.2 publishes: a folder that shrinks must not pass unnoticed.
const FILES: usize = 244;

#[test]
fn every_file_passes_with_the_functions_linked_in() {
    let verdicts = run_all(linked_in);
    assert_eq!(verdicts.len(), FILES);
    let failed = mismatches(&all_pass(&verdicts), &verdicts);
    assert!(failed.is_empty(), "{} files fail: {failed:?}", failed.len());
}

/// The comparison sees functions that are missing: what it is for.
#[test]
fn files_fail_where_the_functions_are_missing() {
    let verdicts = run_all(without_functions);
    let failed = mismatches(&all_pass(&verdicts), &verdicts);
    assert!(failed.len() > FILES / 2, "only {failed:?} fail");
    assert!(failed.contains(&"hash/xxhash64.slt"), "{failed:?}");
}

/// The files that pass in `expected` and not in `actual`, each printed with its first error.
fn mismatches<'a>(
    expected: &BTreeMap<String, Verdict>,
    actual: &'a BTreeMap<String, Verdict>,
) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (name, verdict) in actual {
        if let (Verdict::Pass, Verdict::Fail { first, errors }) = (&expected[name], verdict) {
            println!("{name}: {errors} errors, first: {first}\n");
            names.push(name.as_str());
        }
    }
    names
}

fn all_pass(verdicts: &BTreeMap<String, Verdict>) -> BTreeMap<String, Verdict> {
    let names = verdicts.keys().cloned();
    names.map(|name| (name, Verdict::Pass)).collect()
}
