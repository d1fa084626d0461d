//! A new version passes the same checks.

use datafusion_plugin_host::trust::{Lock, LockEntry, Snapshot, Store};

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

/// Guards the old version of a plugin whose lock names a new file that is not there or not whole, and the old one no
/// more.
#[tokio::test]
async fn a_locked_file_that_is_missing_or_cut_short_removes_nothing() {
    for config in ["", "[trust]\nmode = 'any'"] {
        let folder = tempfile::tempdir().unwrap();
        lock(folder.path(), ONE, "0.1.0", &[]);
        let host = PluginHost::builder()
            .plugin_dir(folder.path())
            .config(Config::parse(config).unwrap())
            .load()
            .unwrap();
        let context = session(&host);
        lock(folder.path(), TWO, "0.1.0", &[]);
        let locked = Lock::read(folder.path().join("plugins.lock")).unwrap();
        let file = folder
            .path()
            .join(&locked.unwrap().plugin("changing").unwrap().file);
        assert_ne!(file, host.plugins()[0].path());
        let whole = fs::read(&file).unwrap();
        for length in [None, Some(whole.len() / 2), Some(0)] {
            match length {
                None => fs::remove_file(&file).unwrap(),
                Some(length) => fs::write(&file, &whole[..length]).unwrap(),
            }
            let report = host.reload().unwrap();
            failure(&report);
            assert_eq!(report.files[0].plugin, "changing", "{length:?}");
            assert_eq!(host.plugins().len(), 1);
            assert_eq!(edition(&context).await, 1, "{length:?}");
        }
        let aside = folder.path().join("aside");
        fs::write(&aside, &whole).unwrap();
        fs::rename(aside, &file).unwrap();
        assert_replaced(&host.reload().unwrap());
        assert_eq!(edition(&context).await, 2);
    }
}

/// Nor is one removed whose successor may be a file that does not say what it is, or be in a lock that cannot be read.
#[tokio::test]
async fn what_cannot_be_read_removes_nothing() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    fs::remove_file(place.file()).unwrap();
    let other = place.path().join("other");
    let other = other.with_extension(env::consts::DLL_EXTENSION);
    let whole = fs::read(library(TWO)).unwrap();
    fs::write(&other, &whole[..whole.len() / 2]).unwrap();
    let report = host.reload().unwrap();
    assert_eq!(report.failures().count(), 2, "{report:?}");
    assert_eq!(edition(&context).await, 1);
    fs::write(&other, &whole).unwrap();
    assert_replaced(&host.reload().unwrap());
    assert_eq!(edition(&context).await, 2);

    let folder = tempfile::tempdir().unwrap();
    lock(folder.path(), ONE, "0.1.0", &[]);
    let host = load(folder.path());
    let context = session(&host);
    fs::write(folder.path().join("plugins.lock"), "version = ").unwrap();
    fs::remove_file(host.plugins()[0].path()).unwrap();
    let report = host.reload().unwrap();
    let problem = failure(&report);
    assert!(problem.contains("cannot be read"), "{problem}");
    assert_eq!(edition(&context).await, 1);
}
