//! What the command says of the mode that it is in.

use std::{fs, path::Path};

use super::super::trust::library::Library;
use super::{
    Folder, library,
    locks::key,
    run, text,
    trust::{lock, suits_here},
};

/// What `list` says, as text and as JSON, and `sql`, which looks no further here.
fn lines(folder: &Folder, config: &str) -> Vec<String> {
    let by = ["--plugin-dir", folder.path(), "--config", config];
    let listed = run(&[&["list", "--json"], &by[..]].concat()).json();
    let listed = listed["trust"].as_array().unwrap().iter();
    let lines: Vec<_> = listed
        .map(|line| line.as_str().unwrap().to_owned())
        .collect();
    let shown = run(&[&["list"], &by[..]].concat()).stdout;
    let section = format!("trust:\n  {}\n", lines.join("\n  "));
    assert!(shown.contains(&section), "{section}: {shown}");
    let told = run(&[&["sql", "-c", "select 1"], &by[..]].concat()).stderr;
    for line in &lines {
        let line = format!("plugin-host: trust: {line}\n");
        assert!(told.contains(&line), "{line}: {told}");
    }
    lines
}

#[test]
fn each_mode_is_told_of() {
    if !suits_here() {
        return;
    }
    let (source, folder, configs) = (Folder::new(), Folder::new(), Folder::new());
    let ((one, _), (two, _)) = (key(&configs, "one"), key(&configs, "two"));
    let place = folder.path();
    let own = format!("{place}/plugins.lock");
    let other = format!("{}/reviewed.lock", configs.path());
    let said = |trust: &str| {
        let config = configs.write("plugins.toml", format!("[trust]\n{trust}"));
        lines(&folder, text(&config))
    };
    let nothing = format!("nothing vouches for the files in {place}");
    let signed = |more: &str| format!("signed: {place}{more}");
    let keys = format!("keys = ['{one}', '{two}']");

    let file = source.write(&library("p"), Library::default().elf());
    fs::copy(&file, Path::new(place).join(library("p"))).unwrap();
    for (trust, expected) in [
        ("", format!("any: {nothing}")),
        ("mode = 'any'", format!("any: {nothing}")),
        (
            "mode = 'locked'",
            format!("locked: {place}, but there is no lock"),
        ),
        (
            "lock = 'reviewed.lock'",
            format!("locked: {place}, but there is no lock"),
        ),
        ("mode = 'signed'", signed(", but no key is listed")),
        (
            &format!("mode = 'signed'\nkeys = ['{one}']"),
            signed(" by 1 listed key"),
        ),
        // Keys alone are to count.
        (&keys, signed(" by 2 listed keys")),
    ] {
        assert_eq!(said(trust), [expected], "{trust}");
    }

    fs::remove_file(Path::new(place).join(library("p"))).unwrap();
    run(&["install", "--yes", text(&file), "--to", place]).clean();
    fs::copy(&own, &other).unwrap();
    for (trust, expected) in [
        ("", format!("locked: {place} by {own}")),
        (&keys, format!("locked: {place} by {own}")),
        (
            "lock = 'reviewed.lock'",
            format!("locked: {place} by {other}"),
        ),
        (
            "mode = 'any'",
            format!("any: {nothing}; {own} is not asked"),
        ),
        (
            &format!("mode = 'signed'\n{keys}"),
            signed(" by 2 listed keys"),
        ),
    ] {
        assert_eq!(said(trust), [expected], "{trust}");
    }
    let bad = lock(&folder)
        .to_string()
        .replace("version = 1", "version = 9");
    folder.write("plugins.lock", bad);
    let [line] = &said("")[..] else { panic!() };
    assert!(line.starts_with(&format!("none: {own}: ")), "{line}");
}

/// Each place has its own, and what is not there has none.
#[test]
fn each_place_is_told_of() {
    if !suits_here() {
        return;
    }
    let (source, locked, dropped) = (Folder::new(), Folder::new(), Folder::new());
    let file = source.write(&library("p"), Library::default().elf());
    run(&["install", "--yes", text(&file), "--to", locked.path()]).clean();
    let dirs = [
        "--plugin-dir",
        locked.path(),
        "--plugin-dir",
        dropped.path(),
    ];
    let listed = run(&[&["list", "--json"], &dirs[..]].concat()).json();
    let expected = [
        format!("locked: {0} by {0}/plugins.lock", locked.path()),
        format!("any: nothing vouches for the files in {}", dropped.path()),
    ];
    assert_eq!(listed["trust"], serde_json::json!(expected));
    let none = run(&["list", "--json"]).json();
    let expected = ["there is no plugin to be trusted"];
    assert_eq!(none["trust"], serde_json::json!(expected));
    // What is only looked into is told of, too; the sample cannot be loaded.
    let checked = run(&["check", text(&file)]).stdout;
    let line = format!(
        "  trust: any: nothing vouches for the files in {}\n",
        source.path()
    );
    assert!(checked.contains(&line), "{line}: {checked}");
}
