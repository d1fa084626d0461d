//! Plugins of every released contract version load in this host and answer.
//!
//! `tests/archive.sh` makes the binaries, at a release. As long as a version is not released it may change in place, and
//! nothing is kept of it.

use std::{fs, path::Path, process::Command};

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::{in_workspace, plugin};

use super::rows;

/// Loads a plugin of the bare contract, whatever its version, and asks it.
async fn answers(library: &Path) {
    let host = PluginHost::builder().plugin_file(library).load();
    let host = host.unwrap_or_else(|error| panic!("{error}"));
    let context = SessionContext::new();
    host.install(&context);
    for (sql, expected) in [
        ("select raw.fine(x) from (values (5), (6)) v(x)", "| 1 "),
        ("select raw.fine_text(x) from (values (5)) v(x)", "| ab "),
        (
            "select * from raw.honest where number = 2",
            "| 2      | ab   |",
        ),
    ] {
        let found = rows(&context, sql).await;
        let found = found.unwrap_or_else(|error| panic!("{}: {sql}: {error}", library.display()));
        assert!(
            found.contains(expected),
            "{}: {sql}: {found}",
            library.display()
        );
    }
}

/// The contract versions of the changelog that are not said to be unreleased.
fn released(changelog: &str) -> Vec<String> {
    let sections = changelog.split("\n### Contract ").skip(1);
    let released = sections.filter(|section| {
        let end = section.find("\n## ").unwrap_or(section.len());
        !section[..end].contains("No release has had this version yet")
    });
    let version = |section: &str| section.lines().next().unwrap_or_default().trim().to_owned();
    released.map(version).collect()
}

fn target() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

#[tokio::test]
async fn plugins_of_released_contracts_load_and_answer() {
    // What will be archived, as it is now.
    answers(&plugin("fixture-raw")).await;
    let archive = in_workspace("tests/data/archive").join(target());
    let changelog = fs::read_to_string(in_workspace("CHANGELOG.md")).unwrap();
    for version in released(&changelog) {
        let library = archive.join(format!("{version}.{}", std::env::consts::DLL_EXTENSION));
        assert!(
            library.exists(),
            "tests/archive.sh was not run for contract {version}"
        );
        answers(&library).await;
    }
}

/// A version counts once it is released.
#[test]
fn released_versions_are_those_of_the_changelog() {
    let text = "# Changelog\n## Contract\n### Contract 1.1\n\nNo release has had this version yet.\n\
                ### Contract 1.0\n\nThe first.\n## Older\nNo release has had this version yet";
    assert_eq!(released(text), ["1.0"]);
}
