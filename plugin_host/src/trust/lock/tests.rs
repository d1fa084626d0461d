#![allow(clippy::unwrap_used)]

use super::*;

fn entry(name: &str) -> LockEntry {
    LockEntry {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        file: format!("{name}.so"),
        sha256: "0f".repeat(32),
        size: 7,
        signer: None,
        capabilities: ["scalar_function", "analyzer_rule"]
            .iter()
            .filter_map(|name| Grant::from_name(name))
            .collect(),
        signature: None,
    }
}

#[test]
fn the_text_depends_on_what_it_says_alone() {
    let (mut one, mut other) = (Lock::new("l"), Lock::new("l"));
    for name in ["b", "a", "c"] {
        one.insert(entry(name));
    }
    let mut changed = entry("a");
    changed.size = 8;
    for entry in [entry("c"), changed, entry("b"), entry("a")] {
        other.insert(entry);
    }
    let text = one.to_string();
    assert_eq!(text, other.to_string());
    assert_eq!(Lock::parse(&text, "l").unwrap(), one);
    let expected = "\
version = 1

[[plugin]]
name = \"a\"
version = \"1.0.0\"
file = \"a.so\"
sha256 = \"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\"
size = 7
capabilities = [
    \"analyzer_rule\",
    \"scalar_function\",
]
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_signature_is_kept_as_it_is() {
    let mut lock = Lock::new("l");
    let mut signed = entry("a");
    signed.signer = Some("0123456789ABCDEF".to_owned());
    signed.signature = Some("untrusted comment: \"x\"\nRU\ttrusted\n".to_owned());
    lock.insert(signed);
    assert_eq!(Lock::parse(&lock.to_string(), "l").unwrap(), lock);
}

#[test]
fn what_is_no_lock_is_refused_with_what_is_wrong() {
    let mut lock = Lock::new("l");
    lock.insert(entry("a"));
    let good = lock.to_string();
    let twice = good.clone() + good.split_once("version = 1\n").unwrap().1;
    for (text, parts) in [
        (
            good.replace("version = 1\n", "version = 2\n"),
            ["version 2", "expected 1"],
        ),
        (
            good.replace("version = 1\n", ""),
            ["version none", "update"],
        ),
        (
            good.replace("size = 7", "size = 7\nlater = 1"),
            ["later", "line 10"],
        ),
        (good.replace("size = 7", "size = -7"), ["size", "line 9"]),
        (good.replace("size = 7\n", ""), ["size", "missing"]),
        (
            good.replace("analyzer_rule", "anything"),
            ["anything", "no capability"],
        ),
        (good.replace("0f0f", "0F0F"), ["'a'", "64 hexadecimal"]),
        (good.replace("a.so", "../a.so"), ["'a'", "'../a.so'"]),
        (good.replace("a.so", ".."), ["'a'", "'..'"]),
        (good.replace("a.so", LOCK_FILE), ["'a'", "library (.so"]),
        (
            good.replace("a.so", ".plugins.busy"),
            ["'a'", "library (.so"],
        ),
        (good.replace("a.so", ".so"), ["'.so'", "library (.so"]),
        (twice.clone(), ["plugin 'a'", "twice"]),
        (
            twice.replacen("name = \"a\"", "name = \"b\"", 1),
            ["file 'a.so'", "twice"],
        ),
        ("[[plugin".to_owned(), ["line 1", "l: "]),
    ] {
        let message = Lock::parse(&text, "l").unwrap_err().to_string();
        for part in parts {
            assert!(message.contains(part), "{part}: {message}\n{text}");
        }
    }
}

#[test]
fn versions_are_compared_by_number() {
    let newer = |own: &str, other: &str| LockEntry::new("a", own).is_newer_than(other);
    assert!(newer("1.10.0", "1.9.0") && !newer("1.9.0", "1.10.0"));
    assert!(newer("1.0.0", "1.0.0-rc.1") && !newer("1.0.0+2", "1.0.0+1"));
    assert!(!newer("new", "1.0.0") && !newer("1.0.0", "old"));
}

/// A pipe would be waited for, and a device read without end.
#[test]
#[cfg(unix)]
fn a_lock_that_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(LOCK_FILE);
    let refused = |found: &str| {
        let message = Lock::read(&path).unwrap_err().to_string();
        assert!(message.contains(found), "{message}");
    };
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    refused("expected a lock, found something that is no regular file");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    refused("no regular file");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refused("expected a lock, found a directory");
}

#[test]
fn a_lock_that_is_not_there_and_one_that_is_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(LOCK_FILE);
    assert_eq!(Lock::read(&path).unwrap(), None);
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(MAX_LEN + 1).unwrap();
    let message = Lock::read(&path).unwrap_err().to_string();
    assert!(
        message.contains("expected at most 4194304 bytes, found 4194305"),
        "{message}"
    );
}
