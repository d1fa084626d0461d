//! What `plugin-host install` and `remove` do not do.

use std::{fs, path::Path};

use super::super::trust::library::Library;
use super::{
    Folder, Ran, library,
    locks::key,
    run, text,
    trust::{lock, sample, suits_here},
};

#[track_caller]
fn assert_refused(ran: &Ran, code: i32, parts: &[&str], folder: &Folder) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

/// Guards that naming keys is no empty gesture.
#[test]
fn keys_ask_for_a_signature() {
    if !suits_here() {
        return;
    }
    let (source, keys) = (Folder::new(), Folder::new());
    let (key, secret) = key(&keys, "one");
    let file = source.write(&library("p"), Library::default().elf());
    let config = |name: &str, lines: &str| {
        let lines = lines.replace("KEY", &format!("'{key}'"));
        let path = keys.write(name, format!("[trust]\n{lines}"));
        vec!["--config".to_owned(), text(&path).to_owned()]
    };
    let unsigned = "expected a signature by key";
    let named = vec!["--key".to_owned(), key.clone()];
    let any = config("any.toml", "mode = 'any'");
    let by = [
        (named.clone(), Some(unsigned)),
        ([any, named].concat(), Some(unsigned)),
        (config("keys.toml", "keys = [KEY]"), Some(unsigned)),
        (
            config("signed.toml", "mode = 'signed'\nkeys = [KEY]"),
            Some(unsigned),
        ),
        (
            config("none.toml", "mode = 'signed'"),
            Some("no key is listed"),
        ),
        // These modes do without.
        (config("locked.toml", "mode = 'locked'\nkeys = [KEY]"), None),
    ];
    let install = |folder: &Folder, by: &[String]| {
        let by = by.iter().map(String::as_str);
        let arguments = ["install", "--yes", text(&file), "--to", folder.path()];
        let arguments: Vec<_> = arguments.into_iter().chain(by).collect();
        run(&arguments)
    };
    for (by, refused) in &by {
        let folder = Folder::new();
        let ran = install(&folder, by);
        match refused {
            Some(part) => assert_refused(&ran, 1, &[part], &folder),
            None => assert_eq!(ran.code, Some(0), "{ran:?}"),
        }
    }
    run(&["sign", text(&file), "--secret-key", &secret]).clean();
    for (by, refused) in &by {
        let folder = Folder::new();
        let ran = install(&folder, by);
        if *refused == Some("no key is listed") {
            assert_refused(&ran, 1, &["no key is listed"], &folder);
            continue;
        }
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(lock(&folder).plugins()[0].signer.is_some(), "{by:?}");
    }
}

/// Guards that the last of several files does not win unseen.
#[test]
fn two_files_of_one_plugin_are_refused() {
    if !suits_here() {
        return;
    }
    let (source, folder) = (Folder::new(), Folder::new());
    let file = |name: &str, version| {
        let bytes = sample("table_provider:portable", version);
        source.write(&library(name), bytes)
    };
    let (one, two) = (file("one", "1.0.0"), file("two", "2.0.0"));
    let install = |paths: &[&str]| {
        let to = ["--to", folder.path()];
        run(&[&["install", "--yes"], paths, &to[..]].concat())
    };
    let parts = [text(&one), text(&two), "plugin 'sample'"];
    assert_refused(&install(&[text(&one), text(&two)]), 1, &parts, &folder);
    assert_refused(&install(&[source.path()]), 1, &parts, &folder);
    // One that is named twice is one.
    fs::remove_file(&two).unwrap();
    install(&[source.path(), text(&one)]).clean();
    assert_eq!(lock(&folder).plugins()[0].version, "1.0.0");
}

/// Whether this process, as root may, reads what nobody may read.
#[cfg(unix)]
fn reads_everything(directory: &Path) -> bool {
    use std::io::Write;

    let reads = fs::read_dir(directory).is_ok();
    if reads {
        // Past the harness, which keeps what a test that passes prints.
        let reason = "a directory that cannot be read, as root reads all of them";
        let mut told = std::io::stderr();
        writeln!(told, "NOT TESTED: {reason}").unwrap();
    }
    reads
}

#[test]
#[cfg(unix)]
fn a_directory_without_plugins_ends_with_2() {
    use std::os::unix::fs::PermissionsExt;

    let (source, folder) = (Folder::new(), Folder::new());
    let install = || run(&["install", "--yes", source.path(), "--to", folder.path()]);
    let expected = ["a directory without plugins", source.path()];
    assert_refused(&install(), 2, &expected, &folder);
    source.write("readme", "text");
    assert_refused(&install(), 2, &expected, &folder);
    let chmod = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(source.path(), permissions).unwrap();
    };
    chmod(0o000);
    if !reads_everything(Path::new(source.path())) {
        let expected = ["plugins could not be loaded; tried", source.path()];
        assert_refused(&install(), 2, &expected, &folder);
    }
    chmod(0o755);
}

#[test]
fn a_lock_that_cannot_be_read_ends_with_2() {
    let (source, folder) = (Folder::new(), Folder::new());
    let file = source.write(&library("p"), Library::default().elf());
    for lock in ["version = 9\n", "no lock"] {
        folder.write("plugins.lock", lock);
        for arguments in [
            &["remove", "sample", "--from", folder.path()][..],
            &["install", "--yes", text(&file), "--to", folder.path()],
            &["verify", folder.path()],
        ] {
            let ran = run(arguments);
            assert_eq!(ran.code, Some(2), "{ran:?}");
            assert!(ran.stderr.contains("plugins.lock: "), "{ran:?}");
        }
    }
    fs::remove_file(Path::new(folder.path()).join("plugins.lock")).unwrap();
    let ran = run(&["remove", "sample", "--from", folder.path()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
}
