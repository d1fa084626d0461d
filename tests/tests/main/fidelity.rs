//! `docs/fidelity.md` says of every method of DataFusion's traits whether it crosses: of every one,
//! and of no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use plugin_tests::plugins::{in_workspace, manifest_of};

/// Where the traits are, and the enum of errors.
const CRATES: &[&str] = &[
    "datafusion",
    "datafusion-expr",
    "datafusion-expr-common",
    "datafusion-session",
    "datafusion-common",
    "datafusion-optimizer",
];

/// What must have a table.
const TRAITS: &[&str] = &[
    "Accumulator",
    "AggregateUDFImpl",
    "AnalyzerRule",
    "AsyncScalarUDFImpl",
    "CatalogProvider",
    "ContextProvider",
    "DataFusionError",
    "ExprPlanner",
    "ExtensionOptions",
    "FunctionFactory",
    "GroupsAccumulator",
    "OptimizerRule",
    "PartitionEvaluator",
    "PhysicalOptimizerRule",
    "RegisterFunction",
    "RelationPlanner",
    "RelationPlannerContext",
    "ScalarUDFImpl",
    "SchemaProvider",
    "TableFunctionImpl",
    "TableProvider",
    "TableProviderFactory",
    "TypePlanner",
    "WindowUDFImpl",
];

const STATES: &[&str] = &["carried", "same-major", "lost"];

/// The rows of each table: method and state.
fn tables(document: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut tables: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let mut current = None;
    for line in document.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("<!-- trait: ") {
            let name = name.trim_end_matches("-->").trim().to_owned();
            assert!(!tables.contains_key(&name), "two tables for {name}");
            tables.insert(name.clone(), Vec::new());
            current = Some(name);
        } else if line.starts_with('|') {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let header = ["method", "variant"].contains(&cells[0]) || cells[0].starts_with("---");
            if let (Some(table), false) = (&current, header) {
                let row = (cells[0].trim_matches('`').to_owned(), cells[1].to_owned());
                tables.entry(table.clone()).or_default().push(row);
            }
        } else if !line.is_empty() {
            current = None;
        }
    }
    tables
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The methods of a trait, or the variants of an enum, as its crate publishes it.
fn members(name: &str, texts: &[String]) -> BTreeSet<String> {
    let heads = [format!("pub trait {name}"), format!("pub enum {name}")];
    let is_head = |line: &&str| {
        heads.iter().any(|head| {
            line.strip_prefix(head.as_str())
                .is_some_and(|rest| rest.starts_with([':', ' ', '<']))
        })
    };
    let mut found = texts.iter().filter_map(|text| {
        let mut lines = text.lines().skip_while(|line| !is_head(line));
        lines.next()?;
        // rustfmt ends an item with a brace in its first column.
        Some(lines.take_while(|line| *line != "}").collect::<Vec<_>>())
    });
    let body = found
        .next()
        .unwrap_or_else(|| panic!("no source has {name}"));
    assert!(found.next().is_none(), "two sources have {name}");
    let member = |line: &&str| {
        let line = line.strip_prefix("    ")?;
        let method = line
            .strip_prefix("async ")
            .unwrap_or(line)
            .strip_prefix("fn ");
        let variant = line
            .starts_with(|c: char| c.is_ascii_uppercase())
            .then_some(line);
        let text = method.or(variant)?;
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        Some(text[..end.unwrap_or(text.len())].to_owned())
    };
    body.iter().filter_map(member).collect()
}

#[test]
fn every_method_of_every_trait_has_one_row() {
    let document = in_workspace("docs/fidelity.md");
    let tables = tables(&fs::read_to_string(document).unwrap());
    assert_eq!(
        tables.keys().map(String::as_str).collect::<Vec<_>>(),
        TRAITS
    );

    let mut files = Vec::new();
    for package in CRATES {
        sources(&manifest_of(package).with_file_name("src"), &mut files);
    }
    let texts: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    for (name, rows) in &tables {
        let listed: BTreeSet<String> = rows.iter().map(|(method, _)| method.clone()).collect();
        assert_eq!(listed.len(), rows.len(), "{name} lists a method twice");
        assert_eq!(listed, members(name, &texts), "{name}");
        for (method, state) in rows {
            assert!(
                STATES.contains(&state.as_str()),
                "{name}::{method} is '{state}'"
            );
        }
    }
}

/// The reading of the sources can fail: a method more or less is seen.
#[test]
fn members_are_those_of_the_source() {
    let text = "pub trait Shape: Debug {\n    /// fn no() {}\n    fn area(&self) -> f64;\n\n    \
                async fn draw(\n        &self,\n    ) {\n        fn inner() {}\n    }\n}\nfn after() {}\n";
    let expected: BTreeSet<_> = ["area", "draw"].map(str::to_owned).into();
    assert_eq!(members("Shape", &[text.to_owned()]), expected);
    let text = "pub enum Kind {\n    /// One.\n    #[cfg(x)]\n    Plan(String),\n    Other { a: u8 },\n}\n";
    let expected: BTreeSet<_> = ["Other", "Plan"].map(str::to_owned).into();
    assert_eq!(members("Kind", &[text.to_owned()]), expected);
}
