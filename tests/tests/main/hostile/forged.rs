//! Faults that claim to be another plugin's or none at all, or that come from a version which was replaced.

use std::{fs, path::Path};

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::{PluginHost, ReloadOutcome, config::Config};
use plugin_tests::{
    patch::{patched, set},
    plugins::plugin,
};

use super::{failure, rows, session};

/// A copy of the plugin with a version of its own: a library of its own, whose errors may bear another name.
fn put(folder: &Path, version: &str) {
    let library = plugin("fixture-raw");
    let edit = |records: &mut _| set(records, "version", version);
    let aside = patched(&library, folder.join("aside"), edit);
    fs::rename(aside, folder.join(library.file_name().unwrap())).unwrap();
}

fn load(folder: &Path) -> PluginHost {
    let config = "[host]\nquarantine = { after = 3 }\n[plugins.raw.options]\nclaims = 'example'";
    PluginHost::builder()
        .plugin_dir(folder)
        .plugin_file(plugin("datafusion-plugin-example"))
        .config(Config::parse(config).unwrap())
        .load()
        .unwrap()
}

fn is_quarantined(host: &PluginHost, plugin: &str) -> bool {
    let known = host.quarantined().into_iter();
    let mut found = known.filter(|(name, _)| name == plugin);
    found.next().unwrap().1.is_some()
}

fn panics(host: &PluginHost, plugin: &str) -> u64 {
    let items = host.metrics().into_iter();
    let own = items.filter(|item| item.plugin == plugin);
    own.map(|item| item.metrics.panics).sum()
}

const DROPPED: &str = "select * from raw.panics_in_drop";

async fn example_answers(context: &SessionContext) {
    let found = rows(context, "select example.greet('Ada')").await.unwrap();
    assert!(found.contains("Hello, Ada!"), "{found}");
}

#[tokio::test]
async fn faults_under_another_name_are_its_own() {
    for (version, sql) in [("0.1.2", DROPPED), ("0.1.3", "select * from raw.panics")] {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), version);
        let host = load(folder.path());
        let context = session(&host);
        for before in 0..3 {
            assert!(!is_quarantined(&host, "raw"), "{before}: {sql}");
            match sql {
                DROPPED => drop(rows(&context, sql).await.unwrap()),
                _ => {
                    let message = failure(&context, sql).await;
                    assert!(message.contains("plugin 'raw'"), "{message}");
                    assert!(!message.contains("example"), "{message}");
                }
            }
        }
        assert!(is_quarantined(&host, "raw"), "{sql}");
        assert!(!is_quarantined(&host, "example"), "{sql}");
        assert_eq!((panics(&host, "raw"), panics(&host, "example")), (3, 0));
        example_answers(&context).await;
    }
}

#[tokio::test]
async fn a_replaced_version_does_not_count_against_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "0.1.4");
    let host = load(folder.path());
    let context = session(&host);
    let mut streams = Vec::new();
    for _ in 0..3 {
        let scan = context.sql(DROPPED).await.unwrap();
        streams.push(scan.execute_stream().await.unwrap());
    }
    put(folder.path(), "0.1.5");
    let report = host.reload().unwrap();
    let mut files = report.files.iter();
    let raw = files.find(|file| file.plugin == "raw").unwrap();
    assert!(
        matches!(raw.outcome, ReloadOutcome::Replaced { .. }),
        "{report:?}"
    );
    drop(streams);
    assert!(!is_quarantined(&host, "raw"));
    assert_eq!(panics(&host, "raw"), 0);
    // Of the new version they do.
    for _ in 0..3 {
        rows(&context, DROPPED).await.unwrap();
    }
    assert!(is_quarantined(&host, "raw"));
    example_answers(&context).await;
}

/// Guards that a plugin's errors are counted as such when they look like the host's own of a plugin in quarantine.
#[tokio::test]
async fn an_error_that_says_there_was_no_call_is_an_error() {
    let host = super::load("").unwrap();
    let context = session(&host);
    let message = failure(&context, "select * from raw.says_not_called").await;
    for part in ["quarantined, it says", "plugin 'raw'", "'says_not_called'"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let mut items = host.metrics().into_iter();
    let item = items.find(|item| item.item == "says_not_called").unwrap();
    assert_eq!((item.metrics.errors, item.metrics.refused), (1, 0));
}
