//! `docs/hostile.md` lists every misbehaviour once, with a test that is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use plugin_tests::plugins::in_workspace;

/// Misbehaviour, file and test of each row.
fn listed(document: &str) -> Vec<(&str, &str, &str)> {
    let rows = document.lines().filter(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect());
    let tables = cells.filter_map(|cells: Vec<&str>| match cells.as_slice() {
        [misbehaviour, _, test] => {
            let (file, test) = test.trim_matches('`').split_once(": ")?;
            file.ends_with(".rs").then_some((*misbehaviour, file, test))
        }
        _ => None,
    });
    tables.collect()
}

/// The tests of a file: functions behind an attribute that says so.
fn tests_of(text: &str) -> BTreeSet<&str> {
    let mut tests = BTreeSet::new();
    let mut attributed = false;
    for line in text.lines().map(str::trim) {
        let attribute = line.starts_with("#[");
        if attribute && (line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
            attributed = true;
        }
        let function = line
            .strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("fn ");
        if let Some(name) = function.and_then(|rest| rest.split('(').next()) {
            if attributed {
                tests.insert(name);
            }
            attributed = false;
        }
    }
    tests
}

#[test]
fn every_misbehaviour_has_a_test() {
    let document = fs::read_to_string(in_workspace("docs/hostile.md")).unwrap();
    let rows = listed(&document);
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let lines = document
        .lines()
        .filter(|line| line.starts_with('|') && line.contains(".rs"));
    assert_eq!(lines.count(), rows.len(), "a row that cannot be read");
    let mut texts = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (misbehaviour, file, test) in rows {
        assert!(known.insert(misbehaviour), "twice: {misbehaviour}");
        let text = texts.entry(file).or_insert_with(|| {
            fs::read_to_string(in_workspace(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
        });
        assert!(
            tests_of(text).contains(test),
            "{misbehaviour}: no test '{test}' in {file}"
        );
    }
}

/// The reading of the files can fail: what is no test is not taken for one.
#[test]
fn tests_are_those_of_the_source() {
    let text = "#[test]\nfn one() {}\nfn helper() {}\n    #[tokio::test(flavor = \"x\")]\n    async fn two() {\n\
                // #[test]\nfn three() {}\n#[cfg(unix)]\n#[test]\n#[ignore]\nfn four() {}";
    let expected: BTreeSet<_> = ["one", "two", "four"].into();
    assert_eq!(tests_of(text), expected);
}
