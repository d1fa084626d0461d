//! The commands about trust by `[trust]` of a configuration.

use std::{fs, path::Path};

use datafusion_plugin_host::trust::Lock;

use super::super::trust::library::Library;
use super::{
    Folder, library, run, text,
    trust::{lock, suits_here},
};

/// Makes a key pair: its public key, and the path of the secret one.
pub(super) fn key(folder: &Folder, name: &str) -> (String, String) {
    let secret = format!("{}/{name}.key", folder.path());
    let public = format!("{}/{name}.pub", folder.path());
    let made = ["--secret-key", &secret, "--public-key", &public];
    let key = run(&[&["keygen", "--no-password"], &made[..]].concat()).clean();
    (key.trim().to_owned(), secret)
}

#[test]
fn the_lock_that_the_configuration_names_is_the_one() {
    if !suits_here() {
        return;
    }
    let (source, folder, reviewed) = (Folder::new(), Folder::new(), Folder::new());
    let config = reviewed.write("plugins.toml", "[trust]\nlock = 'reviewed.lock'");
    let by = ["--config", text(&config)];
    let with = |args: &[&str]| run(&[args, &by].concat());
    for name in ["one", "two"] {
        let file = source.write(&library(name), Library::with("name", name).elf());
        with(&["install", "--yes", text(&file), "--to", folder.path()]).clean();
    }
    // Two libraries, and what makes changes follow each other.
    assert_eq!(folder.names().len(), 3, "{:?}", folder.names());
    assert_eq!(reviewed.names().len(), 3, "{:?}", reviewed.names());
    let read = || {
        let path = Path::new(reviewed.path()).join("reviewed.lock");
        Lock::read(path).unwrap().unwrap()
    };
    assert_eq!(read().plugins().len(), 2);
    let listed = with(&["list", "--json", "--plugin-dir", folder.path()]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert_eq!(listed.json()["plugins"].as_array().unwrap().len(), 2);
    with(&["verify", folder.path()]).clean();
    let own = run(&["verify", folder.path()]);
    assert_eq!(own.code, Some(2), "{own:?}");

    with(&["remove", "one", "--from", folder.path()]).clean();
    assert_eq!(folder.names().len(), 2, "{:?}", folder.names());
    let lock = read();
    assert!(lock.plugin("one").is_none() && lock.plugin("two").is_some());
    with(&["verify", folder.path()]).clean();
    folder.write(&lock.plugins()[0].file, "other");
    let differs = with(&["verify", folder.path()]);
    assert_eq!(differs.code, Some(1), "{differs:?}");
}

#[test]
fn verify_asks_for_signatures_as_a_host_does() {
    if !suits_here() {
        return;
    }
    let (source, folder, keys) = (Folder::new(), Folder::new(), Folder::new());
    let ((key, secret), (other, others)) = (key(&keys, "one"), key(&keys, "other"));
    let file = source.write(&library("p"), Library::default().elf());
    let install = ["install", "--yes", text(&file), "--to", folder.path()];
    run(&install).clean();
    run(&["verify", folder.path()]).clean();

    let signed = |keys: &str| format!("[trust]\nmode = 'signed'\nkeys = [{keys}]");
    let no_keys = keys.write("none.toml", signed(""));
    let one_key = keys.write("one.toml", signed(&format!("'{key}'")));
    let (no_keys, one_key) = (["--config", text(&no_keys)], ["--config", text(&one_key)]);
    let by_key = ["--key", key.as_str()];
    let verify = |by: &[&str]| run(&[&["verify", folder.path()], by].concat());
    let refused = |by: &[&str], part: &str| {
        let ran = verify(by);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    };
    // What a host says of it.
    let loads = || {
        let list = ["list", "--plugin-dir", folder.path()];
        run(&[&list[..], &one_key].concat()).code == Some(0)
    };
    refused(&no_keys, "no key is listed");
    for by in [&one_key, &by_key] {
        refused(by, "expected a signature by key");
    }
    assert!(!loads());

    // Beside the file.
    let installed = Path::new(folder.path()).join(&lock(&folder).plugins()[0].file);
    let sign = |file: &Path, secret: &str| {
        run(&["sign", text(file), "--secret-key", secret]).clean();
    };
    sign(&installed, &secret);
    for by in [&one_key, &by_key] {
        verify(by).clean();
    }
    assert!(loads());
    refused(&["--key", &other], "signed by key");

    // In the lock.
    let beside = format!("{}.minisig", text(&installed));
    fs::remove_file(&beside).unwrap();
    sign(&file, &secret);
    run(&[&install[..], &by_key].concat()).clean();
    assert!(!Path::new(&beside).exists() && lock(&folder).plugins()[0].signature.is_some());
    for by in [&one_key, &by_key] {
        verify(by).clean();
    }
    assert!(loads());
    // The one beside the file is what a host takes, whatever the lock has.
    sign(&installed, &others);
    for by in [&one_key, &by_key] {
        refused(by, "signed by key");
    }
    assert!(!loads());
}

#[test]
#[cfg(unix)]
fn nothing_is_put_where_others_can_write() {
    use std::os::unix::fs::PermissionsExt;
    if !suits_here() {
        return;
    }
    let (source, folder) = (Folder::new(), Folder::new());
    let file = source.write(&library("p"), Library::default().elf());
    let chmod = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(folder.path(), permissions).unwrap();
    };
    chmod(0o777);
    let inner = format!("{}/inner", folder.path());
    for to in [folder.path(), &inner] {
        let ran = run(&["install", "--yes", text(&file), "--to", to]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("other users can write to"), "{ran:?}");
        assert!(folder.names().is_empty(), "{:?}", folder.names());
    }
    // Nor where the lock would lie so.
    let elsewhere = Folder::new();
    let config = elsewhere.write(
        "plugins.toml",
        format!("[trust]\nlock = '{}/reviewed.lock'", folder.path()),
    );
    let to = format!("{}/plugins", elsewhere.path());
    let by = ["--to", &to, "--config", text(&config)];
    let ran = run(&[&["install", "--yes", text(&file)], &by[..]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("other users can write to"), "{ran:?}");
    assert!(!Path::new(&to).exists() && folder.names().is_empty());

    let allow = "[trust]\nallow_writable_directories = true";
    let config = elsewhere.write("allow.toml", allow);
    let by = ["--to", &inner, "--config", text(&config)];
    run(&[&["install", "--yes", text(&file)], &by[..]].concat()).clean();
    chmod(0o755);
    run(&["verify", &inner]).clean();
}
