//! Mode `signed`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use datafusion_plugin_host::trust::{LockEntry, PublicKey, TrustMode};

use super::super::cli::run;
use super::{Folder, assert_refused, builder, bytes, install, names, text};

/// A key pair of its own.
pub(super) struct Key {
    folder: Folder,
    public: String,
}

impl Key {
    pub(super) fn new() -> Self {
        let folder = Folder::new();
        let (secret, public) = (folder.path().join("s"), folder.path().join("p"));
        let files = ["--secret-key", text(&secret), "--public-key", text(&public)];
        let ran = run(&[&["keygen", "--no-password"], &files[..]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        Self {
            folder,
            public: ran.stdout.trim().to_owned(),
        }
    }

    /// Signs a file; where its signature is.
    pub(super) fn sign(&self, file: &Path) -> PathBuf {
        let secret = self.folder.path().join("s");
        let ran = run(&["sign", text(file), "--secret-key", text(&secret)]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout.trim().into()
    }

    fn id(&self) -> String {
        PublicKey::parse(&self.public).unwrap().id().to_string()
    }
}

pub(super) fn signed_by(keys: &[&Key]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| format!("'{}'", key.public)).collect();
    format!("[trust]\nmode = 'signed'\nkeys = [{}]", keys.join(", "))
}

#[test]
fn a_signature_by_a_listed_key_vouches_for_the_file() {
    let (folder, key, other) = (Folder::new(), Key::new(), Key::new());
    let file = folder.plugin("sample");
    let signature = key.sign(&file);
    assert_eq!(signature, PathBuf::from(format!("{}.minisig", text(&file))));
    let config = signed_by(&[&other, &key]);
    let checked = builder(&config).plugin_dir(folder.path()).check().unwrap();
    let basis = checked.plugins()[0].basis();
    assert_eq!(basis.mode, TrustMode::Signed);
    assert_eq!(basis.signer, Some(key.id()));
}

#[test]
fn nothing_else_does() {
    let (folder, key, other) = (Folder::new(), Key::new(), Key::new());
    let file = folder.plugin("sample");
    let check = |config: &str| builder(config).plugin_file(&file).check();
    let by_key = signed_by(&[&key]);
    assert_refused(
        check(&by_key),
        &[
            "expected a signature by key",
            &key.id(),
            ".minisig",
            "found none",
        ],
    );

    let path = key.sign(&file);
    assert_eq!(names(check(&by_key)), ["sample"]);
    assert_refused(
        check(&signed_by(&[&other])),
        &[
            "signed by key",
            &key.id(),
            "expected key",
            &other.id(),
            "trust.keys",
        ],
    );
    assert_refused(check("[trust]\nmode = 'signed'"), &["no key is listed"]);

    let good = fs::read_to_string(&path).unwrap();
    let damaged = |old: &str, new: &str| {
        let text = good.replace(old, new);
        assert_ne!(text, good);
        fs::write(&path, text).unwrap();
        check(&by_key)
    };
    assert_refused(
        damaged("version:1.0.0", "version:9.0.0"),
        &["the signature by key", &key.id(), "not of this file"],
    );
    assert_refused(
        damaged("trusted comment", "comment"),
        &["no minisign signature"],
    );
    fs::write(&path, "signed, believe me").unwrap();
    assert_refused(check(&by_key), &[text(&path), "no minisign signature"]);

    fs::write(&path, &good).unwrap();
    fs::write(&file, bytes("sample", "1.0.1")).unwrap();
    assert_refused(
        check(&by_key),
        &["the signature by key", "not of this file"],
    );
}

/// A key or signature, as a line, with the number of another one. Two bytes stand before the number, and it has eight:
/// 13 letters and the upper two bits of one more.
fn renumbered(line: &str, like: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |line: &str| LETTERS.find(&line[13..14]).unwrap();
    let shared = (bits(like) & 0b11_0000) | (bits(line) & 0b00_1111);
    format!(
        "{}{}{}",
        &like[..13],
        &LETTERS[shared..=shared],
        &line[14..]
    )
}

/// The key's number is not what is believed: another key with the same number signs for itself alone.
#[test]
fn a_key_that_claims_another_ones_number() {
    let (folder, key, mut other) = (Folder::new(), Key::new(), Key::new());
    let file = folder.plugin("sample");
    let path = other.sign(&file);
    let signature = fs::read_to_string(&path).unwrap();
    let line = signature.lines().nth(1).unwrap();
    // Signatures begin with RU where keys begin with RW.
    let mine = format!("RU{}", &key.public[2..]);
    fs::write(&path, signature.replace(line, &renumbered(line, &mine))).unwrap();
    other.public = renumbered(&other.public, &key.public);
    assert_eq!(other.id(), key.id());
    let check = |keys: &[&Key]| builder(&signed_by(keys)).plugin_file(&file).check();
    assert_refused(check(&[&key]), &["not of this file", &key.id()]);
    // But for its number it is a good one, and of several keys with one number each is tried.
    assert_eq!(names(check(&[&key, &other])), ["sample"]);
}

/// A signature is of a file, whoever names it; in the lock it needs no file of its own.
#[test]
fn the_signature_may_stand_in_the_lock() {
    let (folder, key, outside) = (Folder::new(), Key::new(), Folder::new());
    let file = outside.plugin("sample");
    let signature = fs::read_to_string(key.sign(&file)).unwrap();
    let mut entry = LockEntry::new("sample", "1.0.0");
    entry.signature = Some(signature);
    let installed = install(folder.path(), &file, entry);
    let config = signed_by(&[&key]);
    let check = || builder(&config).plugin_dir(folder.path()).check();
    assert_eq!(names(check()), ["sample"]);
    fs::write(&installed, bytes("sample", "2.0.0")).unwrap();
    assert_refused(check(), &["not of this file"]);
    // A new version by the same key needs no new lock.
    key.sign(&installed);
    assert_eq!(names(check()), ["sample"]);
}

#[test]
fn keys_are_not_overwritten_and_secret() {
    let key = Key::new();
    let secret = key.folder.path().join("s");
    let before = fs::read(&secret).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&secret).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let new = key.folder.path().join("new");
    let files = ["--secret-key", text(&secret), "--public-key", text(&new)];
    let ran = run(&[&["keygen", "--no-password"], &files[..]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("is not replaced"), "{ran:?}");
    assert!(fs::read(&secret).unwrap() == before && !new.exists());
}

/// Guards that whoever lists keys and forgets the mode is not left with none.
#[test]
fn keys_without_a_mode_count() {
    let (folder, key) = (Folder::new(), Key::new());
    let file = folder.plugin("sample");
    let config = signed_by(&[&key]).replace("mode = 'signed'\n", "");
    let check = || builder(&config).plugin_dir(folder.path()).check();
    assert_refused(check(), &["expected a signature by key", &key.id()]);
    key.sign(&file);
    let checked = check().unwrap();
    assert_eq!(checked.plugins()[0].basis().mode, TrustMode::Signed);
    assert_eq!(checked.plugins()[0].basis().signer, Some(key.id()));
    // Where there is a lock, it is what counts.
    let reviewed = folder.install("reviewed");
    let checked = check().unwrap();
    let [plugin] = checked.plugins() else {
        panic!("{checked:?}");
    };
    assert_eq!(plugin.artifact().path(), reviewed);
    assert_eq!(plugin.basis().mode, TrustMode::Locked);
    // The mode that is named is the mode.
    fs::remove_file(folder.lock_file()).unwrap();
    let any = format!("{config}\nmode = 'any'");
    let any = builder(&any).plugin_file(&file).check().unwrap();
    assert_eq!(any.plugins()[0].basis().mode, TrustMode::Any);
}
