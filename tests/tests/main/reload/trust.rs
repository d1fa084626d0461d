//! A new version passes the same checks.

use datafusion_plugin_host::trust::{LockEntry, Snapshot, Store};

use super::*;

fn lock(place: &Path, package: &str, version: &str, grants: &[&str]) {
    let mut entry = LockEntry::new("changing", version);
    let grants = grants.iter().filter_map(|name| Grant::from_name(name));
    entry.capabilities.extend(grants);
    let store = Store::open(place).unwrap();
    let snapshot = Snapshot::of(library(package)).unwrap();
    store.install(&snapshot, entry, &mut |_| {}).unwrap();
}

fn load(place: &Path) -> PluginHost {
    PluginHost::builder().plugin_dir(place).load().unwrap()
}

async fn edition(context: &SessionContext) -> i64 {
    numbers(context, "select edition()").await.unwrap()[0]
}

#[tokio::test]
async fn only_what_is_locked_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    lock(folder.path(), ONE, "0.1.0", &[]);
    let host = load(folder.path());
    let context = session(&host);
    let file = host.plugins()[0].path().to_owned();
    // Other bytes in the place of those that are locked.
    let aside = folder.path().join("aside");
    let put = |library: &Path| {
        fs::copy(library, &aside).unwrap();
        fs::rename(&aside, &file).unwrap();
    };
    put(library(TWO));
    let report = host.reload().unwrap();
    let problem = failure(&report);
    assert!(problem.contains("not the one that was locked"), "{problem}");
    assert_eq!(report.files[0].plugin, "changing");
    assert_eq!(edition(&context).await, 1);
    assert!(host.retained().is_empty(), "it was mapped");
    // A file that the lock does not name is not looked at.
    put(library(ONE));
    let stray = folder
        .path()
        .join("stray")
        .with_extension(env::consts::DLL_EXTENSION);
    fs::copy(plugin("datafusion-plugin-example"), &stray).unwrap();
    assert!(host.reload().unwrap().is_unchanged());
    assert_eq!(host.plugins().len(), 1);
    fs::remove_file(&stray).unwrap();
    // Once it is locked, it is taken, under its new name.
    lock(folder.path(), TWO, "0.1.0", &[]);
    assert_replaced(&host.reload().unwrap());
    assert_eq!(edition(&context).await, 2);
    // And what is taken out of the lock goes.
    Store::open(folder.path())
        .unwrap()
        .remove("changing", &mut |_| {})
        .unwrap();
    let report = host.reload().unwrap();
    assert!(
        matches!(outcome(&report), ReloadOutcome::Removed { .. }),
        "{report:?}"
    );
    assert!(numbers(&context, "select edition()").await.is_err());
}

#[tokio::test]
async fn a_lock_that_is_gone_lets_nothing_in() {
    let folder = tempfile::tempdir().unwrap();
    lock(folder.path(), ONE, "0.1.0", &[]);
    let host = load(folder.path());
    let context = session(&host);
    let file = host.plugins()[0].path().to_owned();
    fs::remove_file(folder.path().join("plugins.lock")).unwrap();
    fs::remove_file(&file).unwrap();
    fs::copy(library(TWO), &file).unwrap();
    let report = host.reload().unwrap();
    let problem = failure(&report);
    assert!(problem.contains("nothing vouches for it"), "{problem}");
    assert_eq!(edition(&context).await, 1);
}

/// Nor where nothing was locked, at the start or later.
#[test]
fn a_lock_that_is_gone_lets_nothing_into_an_empty_directory() {
    for locked_at_start in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let write_lock = || {
            lock(folder.path(), ONE, "0.1.0", &[]);
            let store = Store::open(folder.path()).unwrap();
            store.remove("changing", &mut |_| {}).unwrap();
        };
        if locked_at_start {
            write_lock();
        }
        let host = load(folder.path());
        if !locked_at_start {
            write_lock();
            host.reload().unwrap();
        }
        assert!(host.plugins().is_empty());
        let locks = folder.path().join("plugins.lock");
        assert!(locks.exists());
        fs::remove_file(locks).unwrap();
        let file = folder.path().join("plugin");
        let file = file.with_extension(env::consts::DLL_EXTENSION);
        fs::copy(library(TWO), file).unwrap();
        let report = host.reload().unwrap();
        let problem = failure(&report);
        assert!(problem.contains("nothing vouches for it"), "{problem}");
        assert!(host.plugins().is_empty());
    }
}

/// The same bytes with other grants are activated anew, and mapped once.
#[tokio::test]
async fn grants_of_the_lock_are_those_of_the_moment() {
    let folder = tempfile::tempdir().unwrap();
    lock(folder.path(), ONE, "0.1.0", &[]);
    let host = load(folder.path());
    let context = session(&host);
    let planned = async || numbers(&context, "select * from planned_version").await;
    assert!(planned().await.is_err());
    for grants in [&["relation_planner"][..], &[]] {
        lock(folder.path(), ONE, "0.1.0", grants);
        assert_replaced(&host.reload().unwrap());
        assert_eq!(planned().await.is_ok(), !grants.is_empty());
        assert_eq!(edition(&context).await, 1);
        assert!(host.retained().is_empty());
    }
}
