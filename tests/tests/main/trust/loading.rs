//! What was checked is what is loaded.

use std::fs;

use datafusion::{
    arrow::{array::AsArray, datatypes::DataType},
    prelude::SessionContext,
};
use datafusion_plugin_host::{
    PluginHost,
    trust::{Grant, LockEntry},
};

use super::{Folder, assert_refused, bytes, compiled, install, text};

/// The only value of a query, as text.
async fn value(context: &SessionContext, sql: &str) -> String {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let column = datafusion::arrow::compute::cast(batches[0].column(0), &DataType::Utf8).unwrap();
    column.as_string::<i32>().value(0).to_owned()
}

#[tokio::test]
async fn a_file_that_is_swapped_after_the_check_changes_nothing() {
    let folder = Folder::new();
    let file = compiled("datafusion-plugin-example");
    let mut entry = LockEntry::new("example", "0.1.0");
    entry.capabilities.extend(Grant::from_name("type_planner"));
    let installed = install(folder.path(), &file, entry);
    let digest = folder.lock().plugins()[0].sha256.clone();

    let checked = PluginHost::builder()
        .plugin_dir(folder.path())
        .check()
        .unwrap();
    // Into the very file, and another file under its name.
    fs::write(&installed, bytes("example", "0.1.0")).unwrap();
    fs::remove_file(&installed).unwrap();
    fs::write(&installed, "no library").unwrap();
    let host = checked.load().unwrap();

    let context = SessionContext::new();
    let report = host.install(&context);
    assert_eq!(
        value(&context, "select example.greet('Ada')").await,
        "Hello, Ada!"
    );
    let plugins = "select path || ' ' || trust || ' ' || sha256 from plugins()";
    let expected = format!("{} locked {digest}", text(&installed));
    assert_eq!(value(&context, plugins).await, expected);
    // What the lock grants is installed, and what it does not is not.
    assert_eq!(value(&context, "select '1.5'::money").await, "1.5000");
    let refused: Vec<_> = report
        .refused()
        .map(|(_, r)| r.capability.kind.name())
        .collect();
    assert!(refused.contains(&"relation_planner"), "{refused:?}");
    assert!(!refused.contains(&"type_planner"), "{refused:?}");

    let again = PluginHost::builder().plugin_dir(folder.path()).check();
    assert_refused(again, &["not the one that was locked"]);
    // The same bytes from elsewhere are the library that is there already.
    let other = Folder::new();
    install(other.path(), &file, LockEntry::new("example", "0.1.0"));
    let second = PluginHost::builder()
        .plugin_dir(other.path())
        .load()
        .unwrap();
    let context = SessionContext::new();
    second.install(&context);
    assert_eq!(
        value(&context, "select example.greet('Bob')").await,
        "Hello, Bob!"
    );
    #[cfg(target_os = "linux")]
    {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let name = installed.file_name().unwrap().to_str().unwrap();
        let inodes: std::collections::BTreeSet<_> = maps
            .lines()
            .filter(|line| line.contains("/memfd:") && line.contains(name))
            .filter_map(|line| line.split_whitespace().nth(4))
            .collect();
        assert_eq!(inodes.len(), 1, "{maps}");
    }
}
