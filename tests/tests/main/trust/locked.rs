//! Mode `locked`.

use std::fs;

use datafusion_plugin_host::{PluginHost, trust::TrustMode};

use super::{Folder, assert_refused, builder, bytes, names, text};

#[test]
fn a_directory_with_a_lock_is_locked_and_one_without_is_not() {
    let folder = Folder::new();
    folder.plugin("dropped");
    let any = PluginHost::builder()
        .plugin_dir(folder.path())
        .check()
        .unwrap();
    let basis = any.plugins()[0].basis();
    assert_eq!((basis.mode, &basis.sha256), (TrustMode::Any, &None));

    folder.install("reviewed");
    let locked = PluginHost::builder()
        .plugin_dir(folder.path())
        .check()
        .unwrap();
    let [plugin] = locked.plugins() else {
        panic!("{locked:?}");
    };
    assert_eq!(plugin.artifact().manifest().name, "reviewed");
    assert_eq!(plugin.basis().mode, TrustMode::Locked);
    let lock = folder.lock();
    let entry = &lock.plugins()[0];
    assert_eq!(
        plugin.basis().sha256.as_deref(),
        Some(entry.sha256.as_str())
    );
}

#[test]
fn a_file_that_is_not_in_the_lock() {
    let folder = Folder::new();
    let dropped = folder.plugin("dropped");
    folder.install("reviewed");
    let named = PluginHost::builder().plugin_file(&dropped).check();
    let lock = text(&folder.lock_file()).to_owned();
    assert_refused(
        named,
        &["plugin 'dropped' is not in", &lock, "plugin-host install"],
    );
    // One that is only dropped there harms nobody, and is not loaded.
    let all = PluginHost::builder().plugin_dir(folder.path());
    assert_eq!(names(all.check()), ["reviewed"]);
    // Nor does a plugin pass under the name of another's file.
    let file = folder.path().join(&folder.lock().plugins()[0].file);
    fs::write(&file, bytes("dropped", "1.0.0")).unwrap();
    let under = PluginHost::builder().plugin_dir(folder.path()).check();
    assert_refused(under, &["not the one that was locked"]);
}

#[test]
fn a_file_with_other_bytes() {
    let folder = Folder::new();
    let file = folder.install("reviewed");
    let check = || PluginHost::builder().plugin_dir(folder.path()).check();
    let good = fs::read(&file).unwrap();
    let lock = text(&folder.lock_file()).to_owned();

    let mut other = good.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&file, &other).unwrap();
    let expected = folder.lock().plugins()[0].sha256.clone();
    assert_refused(check(), &["not the one that was locked", &expected, &lock]);

    other.push(0);
    fs::write(&file, &other).unwrap();
    let (expected, found) = (good.len().to_string(), other.len().to_string());
    assert_refused(check(), &["expected", &expected, &found, "bytes", &lock]);

    fs::File::create(&file)
        .unwrap()
        .set_len((1 << 30) + 1)
        .unwrap();
    assert_refused(
        check(),
        &["expected at most 1073741824 bytes", "1073741825"],
    );

    fs::write(&file, &good).unwrap();
    assert_eq!(names(check()), ["reviewed"]);
    fs::remove_file(&file).unwrap();
    assert_refused(check(), &["plugin 'reviewed'", text(&file), "not there"]);
}

/// All failures are told of, and the plugins that are trusted are not used either.
#[test]
fn one_that_is_not_trusted_keeps_all_out() {
    let folder = Folder::new();
    let (one, two) = (folder.install("one"), folder.install("two"));
    folder.install("three");
    for file in [&one, &two] {
        fs::write(file, b"\x7fELF").unwrap();
    }
    let check = PluginHost::builder().plugin_dir(folder.path()).check();
    assert_refused(
        check,
        &["2 of 3 plugins cannot be loaded", text(&one), text(&two)],
    );
}

#[test]
fn the_lock_may_lie_elsewhere() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let file = folder.install("reviewed");
    let lock = elsewhere.path().join("reviewed.lock");
    fs::rename(folder.lock_file(), &lock).unwrap();
    let config = format!("[trust]\nlock = '{}'", text(&lock));
    let check = || builder(&config).plugin_dir(folder.path()).check();
    assert_eq!(names(check()), ["reviewed"]);
    // One in the directory itself, which whoever changes the file could change too, is not asked.
    fs::write(&file, bytes("reviewed", "2.0.0")).unwrap();
    folder.install("reviewed");
    fs::write(&file, bytes("reviewed", "2.0.0")).unwrap();
    assert_refused(check(), &["not the one that was locked", text(&lock)]);
    fs::remove_file(&lock).unwrap();
    assert_refused(check(), &["'locked'", "no lock", text(&lock)]);
    // A relative path is one from the configuration's directory.
    fs::copy(folder.lock_file(), &lock).unwrap();
    folder.install("reviewed");
    let file = elsewhere.path().join("plugins.toml");
    fs::write(&file, "[trust]\nlock = 'reviewed.lock'").unwrap();
    let read = datafusion_plugin_host::config::Config::read(&file).unwrap();
    assert_eq!(read.trust.lock, Some(lock));
}

#[test]
fn locked_without_a_lock_and_any_with_one() {
    let folder = Folder::new();
    folder.plugin("dropped");
    let locked = builder("[trust]\nmode = 'locked'").plugin_dir(folder.path());
    assert_refused(
        locked.check(),
        &[
            "trust is 'locked'",
            text(&folder.lock_file()),
            "plugin-host install",
        ],
    );
    folder.install("reviewed");
    let any = builder("[trust]\nmode = 'any'").plugin_dir(folder.path());
    let mut found = names(any.check());
    found.sort();
    assert_eq!(found, ["dropped", "reviewed"]);
}

/// A lock that is not understood is none to go by.
#[test]
fn a_lock_that_cannot_be_read_keeps_all_out() {
    let folder = Folder::new();
    folder.install("reviewed");
    let good = fs::read_to_string(folder.lock_file()).unwrap();
    for (lock, part) in [
        (
            good.replace("version = 1\n", "version = 9\n"),
            "version 9, expected 1",
        ),
        (good.replace("size =", "length ="), "length"),
        (good.clone() + &good[good.find("[[").unwrap()..], "twice"),
        (String::new(), "version none"),
    ] {
        fs::write(folder.lock_file(), lock).unwrap();
        for mode in ["", "[trust]\nmode = 'any'"] {
            let check = builder(mode).plugin_dir(folder.path()).check();
            assert_refused(check, &[text(&folder.lock_file()), part]);
        }
    }
}

#[test]
fn what_is_disabled_need_not_be_there() {
    let folder = Folder::new();
    fs::remove_file(folder.install("old")).unwrap();
    folder.install("reviewed");
    let check = builder("[plugins.old]\nenabled = false").plugin_dir(folder.path());
    assert_eq!(names(check.check()), ["reviewed"]);
}
