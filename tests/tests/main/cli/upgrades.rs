//! `plugin-host install` of another version.

use std::path::PathBuf;

use super::super::trust::library::Library;
use super::{
    Folder, library, run, text,
    trust::{lock, suits_here},
};

fn plugin(folder: &Folder, version: &'static str, capabilities: &[&'static str]) -> PathBuf {
    let mut plugin = Library::default();
    plugin.records.retain(|(key, _)| *key != "version");
    plugin.records.push(("version", version));
    let capabilities = capabilities.iter().map(|kind| ("capability", *kind));
    plugin.records.extend(capabilities);
    folder.write(&library(version), plugin.elf())
}

/// What the plugin is granted beyond functions and tables.
fn granted(folder: &Folder) -> Vec<String> {
    let lock = lock(folder);
    let capabilities = lock.plugins()[0].capabilities.iter();
    let granted = capabilities.filter(|grant| !grant.is_default());
    granted.map(|grant| grant.name().to_owned()).collect()
}

#[test]
fn another_version_keeps_grants_and_gets_no_more() {
    if !suits_here() {
        return;
    }
    let (source, folder) = (Folder::new(), Folder::new());
    let install = |version, capabilities: &[&'static str], grants: &[&str]| {
        let file = plugin(&source, version, capabilities);
        let to = ["install", "--yes", text(&file), "--to", folder.path()];
        run(&[&to, grants].concat()).clean()
    };
    let both = ["policy:portable", "type_planner:same-major"];
    let grants = ["--grant", "policy", "--grant", "replace_builtins"];
    install("1.0.0", &both, &grants);
    assert_eq!(granted(&folder), ["policy", "replace_builtins"]);

    // Neither what it asks for newly, nor what was withheld before.
    let more = [&both[..], &["analyzer_rule:same-major"]].concat();
    let shown = install("1.1.0", &more, &[]);
    assert_eq!(granted(&folder), ["policy", "replace_builtins"]);
    for part in [
        "asks more   analyzer_rule, type_planner, which 1.0.0 is not granted",
        "not granted to sample: analyzer_rule, type_planner; name all that it is to have with --grant",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // Nor the same bytes, another time.
    install("1.1.0", &more, &[]);
    assert_eq!(granted(&folder), ["policy", "replace_builtins"]);
    let shown = install("1.1.0", &more, &["--grant", "analyzer_rule"]);
    assert_eq!(granted(&folder), ["analyzer_rule"]);
    assert!(
        shown.contains("not granted to sample: policy, type_planner"),
        "{shown}"
    );

    // What it does not ask for any more, a later one does not get back.
    install("1.2.0", &both, &["--grant", "type_planner"]);
    install("1.3.0", &["policy:portable"], &[]);
    assert!(granted(&folder).is_empty(), "{:?}", granted(&folder));
    let shown = install("1.4.0", &["type_planner:same-major"], &[]);
    assert!(granted(&folder).is_empty(), "{:?}", granted(&folder));
    assert!(
        shown.contains("not granted to sample: type_planner"),
        "{shown}"
    );
}

#[test]
fn an_older_version_and_one_without_the_signature_are_told_of() {
    if !suits_here() {
        return;
    }
    let (source, folder, keys) = (Folder::new(), Folder::new(), Folder::new());
    let (secret, public) = (format!("{}/s", keys.path()), format!("{}/p", keys.path()));
    let made = ["--secret-key", &secret, "--public-key", &public];
    let key = run(&[&["keygen", "--no-password"], &made[..]].concat()).clean();
    let install = |version, key: &[&str]| {
        let file = plugin(&source, version, &[]);
        let to = ["install", "--yes", text(&file), "--to", folder.path()];
        run(&[&to, key].concat()).clean()
    };
    let signed = plugin(&source, "2.0.0", &[]);
    run(&["sign", text(&signed), "--secret-key", &secret]).clean();
    install("2.0.0", &["--key", key.trim()]);
    let signer = lock(&folder).plugins()[0].signer.clone().unwrap();

    let shown = install("1.0.0", &[]);
    for part in [
        "replaces    sample 2.0.0, which is newer\n",
        &format!("signature   none verified; that of 2.0.0 was by key {signer}\n"),
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = install("1.0.1", &[]);
    for part in ["replaces    sample 1.0.0\n", "signature   none verified\n"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
