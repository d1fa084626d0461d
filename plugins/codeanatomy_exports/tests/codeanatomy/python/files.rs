//! Which files are read.

use datafusion::prelude::SessionConfig;

use super::{folder, python, table};
use crate::{rows, session_with};

/// The files of a path or pattern in the order in which they are read, without the `start` that all have.
async fn paths(path_or_glob: &str, start: &str) -> Vec<String> {
    let context = session_with(SessionConfig::new().with_target_partitions(1));
    python(&context);
    let table = table(path_or_glob.as_ref(), "nodes");
    let sql = format!("SELECT path FROM {table} WHERE parent IS NULL");
    let paths = rows(&context, &sql).await.into_iter();
    let paths = paths.map(|path| path.strip_prefix(start).unwrap().to_owned());
    paths.collect()
}

#[tokio::test]
async fn come_by_name_and_depth_first() {
    let folder = folder(&[
        ("a/b.py", b"x"),
        ("a/z/c.py", b"x"),
        ("a.py", b"x"),
        ("b.py", b"x"),
        ("b/.c/d.py", b"x"),
        ("b/no.txt", b"x"),
        ("b/folder.py/e.py", b"x"),
    ]);
    let path = folder.path().to_str().unwrap();
    let all = [
        "/a/b.py",
        "/a/z/c.py",
        "/a.py",
        "/b/.c/d.py",
        "/b/folder.py/e.py",
        "/b.py",
    ];
    for pattern in ["", "/", "/**", "/**/", "/**/*.py", "/**/**/*.py"] {
        let found = paths(&format!("{path}{pattern}"), path).await;
        assert_eq!(found, all, "{pattern}");
    }
    for (pattern, expected) in [
        ("/**/b*", vec!["/a/b.py", "/b.py"]),
        (
            "/*/**/?.py",
            vec!["/a/b.py", "/a/z/c.py", "/b/.c/d.py", "/b/folder.py/e.py"],
        ),
        ("/**/z/*", vec!["/a/z/c.py"]),
        ("/**/folder.py/**", vec!["/b/folder.py/e.py"]),
        ("/**/*.txt", vec!["/b/no.txt"]),
        ("/**/a/*.py", vec!["/a/b.py"]),
        ("/*", vec!["/a.py", "/b.py"]),
    ] {
        let found = paths(&format!("{path}{pattern}"), path).await;
        assert_eq!(found, expected, "{pattern}");
    }
}

/// Tests run in the folder of their package.
#[tokio::test]
async fn are_named_as_they_are_asked_for() {
    let data = ["tests/data/blake2b.py", "tests/data/python_ast.py"];
    for pattern in [
        "tests",
        "tests/",
        "./tests",
        "tests/**",
        "**/data/*.py",
        "./**/data/*.py",
        "*s/data/*.py",
    ] {
        assert_eq!(paths(pattern, "").await, data, "{pattern}");
    }
}

/// A virtual environment has a folder `lib64` that is a link to `lib`.
#[cfg(unix)]
#[tokio::test]
async fn links_to_folders_are_not_gone_into() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("env/lib/a.py", b"x"), ("env/lib/b/c.py", b"x")]);
    let root = folder.path().join("env");
    symlink("lib", root.join("lib64")).unwrap();
    symlink("..", root.join("lib/b/around")).unwrap();
    symlink("nowhere", root.join("broken.py")).unwrap();
    // A link to a file is one file more.
    symlink("lib/a.py", root.join("link.py")).unwrap();
    let path = folder.path().to_str().unwrap();
    let all = ["/env/lib/a.py", "/env/lib/b/c.py", "/env/link.py"];
    for pattern in ["", "/env", "/env/**", "/**/*.py", "/env/**/*.py"] {
        let found = paths(&format!("{path}{pattern}"), path).await;
        assert_eq!(found, all, "{pattern}");
    }
    // What is asked for by name is read.
    for (pattern, expected) in [
        ("/env/lib64", vec!["/env/lib64/a.py", "/env/lib64/b/c.py"]),
        ("/env/lib64/*.py", vec!["/env/lib64/a.py"]),
        ("/env/*64/**", vec!["/env/lib64/a.py", "/env/lib64/b/c.py"]),
    ] {
        let found = paths(&format!("{path}{pattern}"), path).await;
        assert_eq!(found, expected, "{pattern}");
    }
}

/// Whoever runs the test, a path of more than 4096 bytes cannot be opened.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_read_is_a_row() {
    use std::{fs, path::PathBuf};
    let folder = folder(&[("a.py", b"def f(): pass")]);
    let name = "x".repeat(250);
    let names = |count: usize| -> PathBuf { (0..count).map(|_| name.as_str()).collect() };
    let moved = folder.path().join("moved");
    fs::create_dir_all(moved.join(names(14))).unwrap();
    let above = folder.path().join(names(4));
    fs::create_dir_all(&above).unwrap();
    fs::rename(moved, above.join("moved")).unwrap();
    let context = session_with(SessionConfig::new());
    python(&context);
    for pattern in ["", "**/*.py"] {
        let of = |kind: &str| table(&folder.path().join(pattern), kind);
        let errors = format!(
            "SELECT type, message, octet_length(path) > 4000 FROM {}",
            of("errors")
        );
        let expected = ["unreadable|File name too long (os error 36)|true"];
        assert_eq!(rows(&context, &errors).await, expected, "{pattern}");
        let defs = format!("SELECT name FROM {}", of("defs"));
        assert_eq!(rows(&context, &defs).await, ["f"], "{pattern}");
    }
}

#[tokio::test]
async fn literals_of_every_type_of_strings() {
    let folder = folder(&[("a.py", b"def f(): pass")]);
    let path = folder.path().display();
    let context = session_with(SessionConfig::new());
    python(&context);
    for text in ["Utf8", "LargeUtf8", "Utf8View"] {
        let literal = |value: &str| format!("arrow_cast('{value}', '{text}')");
        let (path, kind) = (literal(&path.to_string()), literal("defs"));
        let sql = format!("SELECT name FROM python_syntax({path}, {kind})");
        assert_eq!(rows(&context, &sql).await, ["f"], "{text}");
    }
}
