//! `plugin-host install`, `remove`, `verify` and `diff`.

use std::fs;

use datafusion_plugin_host::{artifact::pack, trust::Lock};
use serde_json::json;

use super::super::trust::library::Library;
use super::{Folder, library, run, text};

/// A plugin for the machine that runs the test; the samples are for x86-64 alone.
pub(super) fn suits_here() -> bool {
    cfg!(all(target_arch = "x86_64", target_os = "linux"))
}

pub(super) fn sample(capability: &'static str, version: &'static str) -> Vec<u8> {
    let mut library = Library::default();
    library.records.retain(|(key, _)| *key != "version");
    library.records.push(("version", version));
    library.records.push(("capability", capability));
    library.elf()
}

pub(super) fn lock(folder: &Folder) -> Lock {
    let path = std::path::Path::new(folder.path()).join("plugins.lock");
    Lock::read(path).unwrap().unwrap()
}

#[test]
fn install_shows_grants_copies_and_locks() {
    if !suits_here() {
        return;
    }
    let (source, folder) = (Folder::new(), Folder::new());
    let file = source.write(&library("p"), sample("type_planner:same-major", "1.0.0"));
    let to = ["--to", folder.path()];
    // Nobody is there to agree.
    let ran = run(&[&["install", text(&file)], &to[..]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("asks for    type_planner"), "{ran:?}");
    assert!(ran.stderr.contains("--yes"), "{ran:?}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());

    let ran = run(&[&["install", "--yes", text(&file)], &to[..]].concat());
    assert!(ran.stdout.contains("installed sample 1.0.0"), "{ran:?}");
    let shown = ran.clean();
    let first = lock(&folder);
    let entry = &first.plugins()[0];
    assert!(shown.contains(&entry.sha256), "{shown}");
    let granted: Vec<_> = entry
        .capabilities
        .iter()
        .map(|grant| grant.name())
        .collect();
    let functions = ["scalar_function", "scalar_function_simplify"];
    assert_eq!(granted, [&functions[..], &["type_planner"]].concat());
    assert_eq!(run(&["verify", folder.path()]).code, Some(0));
    let listed = run(&["list", "--json", "--plugin-dir", folder.path()]);
    let trust = listed.json()["trust"][0].as_str().unwrap().to_owned();
    assert!(
        trust.starts_with("locked: ") && trust.ends_with("plugins.lock"),
        "{trust}"
    );
    assert_eq!(listed.code, Some(0));

    // A new version asks for more, and gets what is named.
    let mut newer = Library::default();
    newer.records.extend([
        ("capability", "policy:portable"),
        ("capability", "type_planner:same-major"),
    ]);
    let file = source.write(&library("p"), newer.elf());
    let granting = [
        "install",
        "--yes",
        "--grant",
        "policy",
        "--grant",
        "replace_builtins",
    ];
    let ran = run(&[&granting, &[text(&file)][..], &to].concat());
    assert!(ran.stdout.contains("replaces    sample 1.0.0"), "{ran:?}");
    assert!(
        ran.stdout
            .contains("asks more   policy, which 1.0.0 is not granted"),
        "{ran:?}"
    );
    let second = lock(&folder);
    let granted: Vec<_> = second.plugins()[0]
        .capabilities
        .iter()
        .map(|grant| grant.name())
        .collect();
    assert_eq!(
        granted,
        [&["policy", "replace_builtins"], &functions[..]].concat()
    );
    assert_eq!(folder.names().len(), 3, "{:?}", folder.names());
    // What it does not ask for it does not get.
    let ran = run(&[
        &["install", "--yes", "--grant", "analyzer_rule", text(&file)],
        &to[..],
    ]
    .concat());
    assert_eq!(
        (ran.code, lock(&folder)),
        (Some(1), second),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("does not ask for 'analyzer_rule'"),
        "{ran:?}"
    );

    let remove = run(&["remove", "sample", "--from", folder.path()]);
    assert!(remove.clean().starts_with("removed sample 1.2.3"));
    assert!(lock(&folder).plugins().is_empty());
    assert_eq!(folder.names().len(), 2, "{:?}", folder.names());
    let again = run(&["remove", "sample", "--from", folder.path()]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(
        again.stderr.contains("plugin 'sample' is not in"),
        "{again:?}"
    );
}

#[test]
fn what_does_not_suit_is_not_installed() {
    let (source, folder) = (Folder::new(), Folder::new());
    source.write(&library("good"), Library::default().elf());
    let mut abort = Library::with("panic", "abort");
    abort.records[0] = ("name", "abort");
    source.write(&library("abort"), abort.elf());
    let to = ["--to", folder.path()];
    let ran = run(&[&["install", "--yes", source.path()], &to[..]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("nothing is installed"), "{ran:?}");
    let text_file = source.write("text", "text");
    let ran = run(&[&["install", "--yes", text(&text_file)], &to[..]].concat());
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn verify_tells_what_differs() {
    if !suits_here() {
        return;
    }
    let (source, folder) = (Folder::new(), Folder::new());
    for name in ["one", "two"] {
        let file = source.write(&library(name), Library::with("name", name).elf());
        run(&["install", "--yes", text(&file), "--to", folder.path()]).clean();
    }
    let verify = |args: &[&str]| run(&[&["verify", folder.path()], args].concat());
    assert!(
        verify(&[])
            .clean()
            .ends_with("directory and lock are the same\n")
    );

    folder.write(&library("three"), Library::with("name", "three").elf());
    let ran = verify(&["--json"]);
    assert_eq!(ran.code, Some(1));
    let report = ran.json();
    assert_eq!(
        (&report["ok"], &report["plugins"][0]["problems"]),
        (&json!(false), &json!([]))
    );
    assert!(
        report["unlisted"][0].as_str().unwrap().contains("three"),
        "{report}"
    );

    let entries = lock(&folder);
    let file = |name: &str| entries.plugin(name).unwrap().file.clone();
    folder.write(&file("one"), Library::with("name", "one").macho());
    fs::remove_file(std::path::Path::new(folder.path()).join(file("two"))).unwrap();
    let report = verify(&["--json"]).json();
    let problem = |at: usize| {
        report["plugins"][at]["problems"][0]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        problem(0).contains("not the one that was locked"),
        "{report}"
    );
    assert!(problem(1).contains("not there"), "{report}");

    // The lock may say what the file does not.
    let text = entries
        .to_string()
        .replace("version = \"1.2.3\"", "version = \"1.2.4\"");
    let wrong = source.write("wrong.lock", text);
    folder.write(&file("one"), Library::with("name", "one").elf());
    let ran = verify(&["--lock", super::text(&wrong)]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stdout
            .contains("version: the lock has '1.2.4', the file '1.2.3'"),
        "{ran:?}"
    );
    let ran = verify(&["--lock", "/no/such/lock"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    folder.write("plugins.lock", "version = 2\n");
    let ran = verify(&[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("version 2, expected 1"), "{ran:?}");
}

#[test]
fn diff_ends_by_whether_queries_can_go_on() {
    let folder = Folder::new();
    let packed = |name: &str, functions: serde_json::Value| {
        let file = folder.write(name, Library::default().elf());
        let description = serde_json::from_value(json!({"functions": functions})).unwrap();
        pack(&file, &description).unwrap();
        file
    };
    let function = |signature: &str| json!({"name": "f", "kind": "scalar", "volatility": "immutable", "signatures": [signature]});
    let old = packed("old", json!([function("f(Int32)")]));
    let more = packed("more", json!([function("f(Int32|Int64)")]));
    let less = packed("less", json!([]));
    let plain = folder.write("plain", Library::default().elf());
    let diff = |one, other| run(&["diff", text(one), text(other)]);
    let same = diff(&old, &old);
    assert_eq!(same.clean(), "nothing that a query could rely on is gone\n");
    let widened = diff(&old, &more).clean();
    assert!(
        widened.contains("~ scalar function f\n    + new signature f(Int32|Int64)"),
        "{widened}"
    );
    let narrowed = diff(&more, &old);
    assert_eq!(narrowed.code, Some(1));
    assert!(
        narrowed.stdout.contains("    - signature f(Int32|Int64)"),
        "{narrowed:?}"
    );
    let gone = run(&["diff", "--json", text(&old), text(&less)]);
    assert_eq!(gone.code, Some(1));
    assert_eq!(gone.json()["breaks"], true);
    assert_eq!(gone.json()["removed"], json!(["scalar function f"]));
    let other = folder.write("other", Library::with("name", "other").elf());
    let description = json!({"functions": [function("f(Int32)")]});
    pack(&other, &serde_json::from_value(description).unwrap()).unwrap();
    let renamed = diff(&old, &other);
    assert_eq!(renamed.code, Some(1));
    let line = "- names as sample.NAME: the plugin is other now";
    assert!(renamed.stdout.contains(line), "{renamed:?}");
    let renamed = run(&["diff", "--json", text(&old), text(&other)]).json();
    assert_eq!(renamed["renamed"], json!(["sample", "other"]));
    assert_eq!(renamed["breaks"], true);
    let unpacked = diff(&old, &plain);
    assert_eq!(unpacked.code, Some(2));
    assert!(unpacked.stderr.contains("not packed"), "{unpacked:?}");
}
