//! DataFusion's own SQL logic tests for Spark, with the functions from one place or another.
//!
//! The files are the ones that the crate `datafusion-sqllogictest` publishes in `test_files/spark`. A
//! session is made for each file the way that crate's own runner makes it; only where the functions come
//! from differs.

mod files;
mod session;

use std::collections::BTreeMap;

use files::{Verdict, run_all};
use session::{linked_in, plugin, without_functions};

/// How many files DataFusion 55.2 publishes: a folder that shrinks must not pass unnoticed.
const FILES: usize = 244;

#[test]
fn every_file_passes_with_the_functions_linked_in() {
    assert_failures(&run_all(linked_in), &[]);
}

/// Files that pass linked in and not with the plugin, each with its reason.
const MISMATCHES: &[(&str, &str)] = &[];

#[test]
fn every_file_passes_with_the_loaded_plugin() {
    assert_failures(&run_all(plugin), MISMATCHES);
}

/// The comparison can fail: files that call Spark's functions do not pass without them. (The others are
/// placeholders for functions that `datafusion-spark` does not have yet, or call what DataFusion has too.)
#[test]
fn files_fail_where_the_functions_are_missing() {
    let verdicts = run_all(without_functions);
    let failed = failures(&verdicts);
    assert!(failed.len() > 80, "only {} fail: {failed:?}", failed.len());
}

/// Asserts that every file ran and that exactly the files of `listed` failed, each listed with its reason.
fn assert_failures(verdicts: &BTreeMap<String, Verdict>, listed: &[(&str, &str)]) {
    assert_eq!(verdicts.len(), FILES);
    let failed = failures(verdicts);
    for (file, first, errors) in &failed {
        println!("{file}: {errors} errors, the first: {first}\n");
    }
    let failed: Vec<&str> = failed.into_iter().map(|(file, ..)| file).collect();
    let mut listed: Vec<&str> = listed.iter().map(|(file, _)| *file).collect();
    listed.sort_unstable();
    assert_eq!(failed, listed, "{} files fail", failed.len());
}

/// The files that failed, with their first error and how many there were.
fn failures(verdicts: &BTreeMap<String, Verdict>) -> Vec<(&str, &str, usize)> {
    let failed = verdicts.iter().filter_map(|(file, verdict)| match verdict {
        Verdict::Pass => None,
        Verdict::Fail { first, errors } => Some((file.as_str(), first.as_str(), *errors)),
    });
    failed.collect()
}
