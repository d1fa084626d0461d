#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{env::consts::DLL_EXTENSION, ffi::OsString};

use tempfile::TempDir;

use super::{surroundings::data_home, *};

fn directory(files: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in files {
        fs::write(directory.path().join(file), "").unwrap();
    }
    directory
}

fn library(name: &str) -> String {
    format!("{name}.{DLL_EXTENSION}")
}

fn names(found: &Found) -> Vec<String> {
    let candidates = found.candidates.iter();
    candidates
        .map(|candidate| {
            candidate
                .path
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn named_paths_come_first_then_environment_user_and_system() {
    let [named, listed, user, system] =
        ["named", "listed", "user", "system"].map(|name| directory(&[&library(name)]));
    let single = directory(&["single.plugin"]);
    let surroundings = Surroundings {
        plugin_path: Some(std::env::join_paths([Path::new(""), listed.path()]).unwrap()),
        user: Some(user.path().to_owned()),
        system: vec![system.path().to_owned()],
    };
    let found = SearchPath::standard(&surroundings)
        .with_dir(named.path())
        .with_file(single.path().join("single.plugin"))
        .find()
        .complete()
        .unwrap();
    assert_eq!(
        names(&found),
        ["named", "single", "listed", "user", "system"]
    );
    let origins: Vec<_> = found.candidates.iter().map(|c| c.origin).collect();
    assert_eq!(
        origins,
        [
            Origin::PluginDir,
            Origin::PluginFile,
            Origin::Environment,
            Origin::UserData,
            Origin::System
        ]
    );
}

#[test]
fn a_directory_yields_its_libraries_by_name() {
    let foreign = if DLL_EXTENSION == "dll" {
        "c.so"
    } else {
        "c.dll"
    };
    let directory = directory(&[
        &library("b"),
        &library("a"),
        foreign,
        "readme.txt",
        "plugins.toml",
        "noextension",
    ]);
    fs::create_dir(directory.path().join(library("z_directory"))).unwrap();
    let found = SearchPath::new().with_dir(directory.path()).find();
    assert_eq!(names(&found), ["a", "b"]);
    let [passed] = &found.passed_over[..] else {
        panic!("{found:?}")
    };
    assert!(passed.path.ends_with(foreign));
    assert!(passed.reason.to_string().contains("another platform"));
    assert_eq!(found.tried[0].outcome, Outcome::Candidates(2));
}

#[test]
fn the_environment_lists_files_too() {
    let directory = directory(&["any.name"]);
    let surroundings = Surroundings {
        plugin_path: Some(directory.path().join("any.name").into()),
        ..Surroundings::default()
    };
    let found = SearchPath::standard(&surroundings).find();
    assert_eq!(names(&found), ["any"]);
}

#[test]
fn a_file_reached_twice_is_one_candidate() {
    let directory = directory(&[&library("a")]);
    let file = directory.path().join(library("a"));
    let found = SearchPath::new()
        .with_file(&file)
        .with_dir(directory.path().join("."))
        .find();
    assert_eq!(names(&found), ["a"]);
    assert_eq!(found.candidates[0].origin, Origin::PluginFile);
    assert_eq!(
        found.passed_over[0].reason,
        PassedOverReason::SameFile(file)
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_broken_ones_reported() {
    use std::os::unix::fs::symlink;

    let directory = directory(&[&library("a")]);
    let at = |name: &str| directory.path().join(library(name));
    symlink(at("a"), at("b")).unwrap();
    symlink(at("missing"), at("c")).unwrap();
    let found = SearchPath::new().with_dir(directory.path()).find();
    assert_eq!(names(&found), ["a", "c"]);
    assert_eq!(
        found.passed_over[0].reason,
        PassedOverReason::SameFile(at("a"))
    );
}

#[test]
fn a_missing_default_is_no_error_and_a_missing_named_path_is() {
    let gone = PathBuf::from("/no/such/directory");
    let surroundings = Surroundings {
        plugin_path: None,
        user: Some(gone.clone()),
        system: vec![gone.clone()],
    };
    let standard = SearchPath::standard(&surroundings);
    let found = standard.find().complete().unwrap();
    assert!(found.candidates.is_empty());
    assert_eq!(found.tried[0].outcome, Outcome::Missing);

    let listed = Surroundings {
        plugin_path: Some(gone.clone().into()),
        ..Surroundings::default()
    };
    for search in [
        standard.clone().with_dir(&gone),
        standard.with_file(&gone),
        SearchPath::standard(&listed),
    ] {
        assert!(search.find().complete().is_err(), "{search:?}");
    }
}

#[test]
fn a_failure_lists_every_path_and_why() {
    let directory = directory(&[&library("a"), "file.txt"]);
    let surroundings = Surroundings {
        user: Some("/no/such/user".into()),
        ..Surroundings::default()
    };
    let failure = SearchPath::standard(&surroundings)
        .with_dir(directory.path())
        .with_dir("/no/such/named")
        .with_dir(directory.path().join("file.txt"))
        .with_file(directory.path())
        .find()
        .complete()
        .unwrap_err();
    let text = failure.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    assert!(
        lines[1].ends_with("(plugin directory): 1 library"),
        "{text}"
    );
    assert!(
        lines[2].contains("/no/such/named (plugin directory): failed: "),
        "{text}"
    );
    assert!(
        lines[3].contains("file.txt (plugin directory): failed: "),
        "{text}"
    );
    assert!(
        lines[4].ends_with("failed: expected a file, found a directory"),
        "{text}"
    );
    assert_eq!(
        lines[5],
        "  /no/such/user (user data directory): does not exist"
    );
}

#[test]
fn one_name_in_two_files_names_both() {
    let (a, b) = (Path::new("/x/a.so"), Path::new("/y/b.so"));
    check_unique_names([("a", a), ("b", b)]).unwrap();
    let error = check_unique_names([("a", a), ("c", b), ("a", b)]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("'a'") && text.contains("/x/a.so") && text.contains("/y/b.so"),
        "{text}"
    );
}

#[test]
fn the_data_directory_follows_xdg() {
    let home = || Some(PathBuf::from("/home/u"));
    let set = OsString::from("/data");
    assert_eq!(data_home(Some(&set), home()), Some("/data".into()));
    let relative = OsString::from("data");
    let fallback = Some(PathBuf::from("/home/u/.local/share"));
    assert_eq!(data_home(Some(&relative), home()), fallback);
    assert_eq!(data_home(None, home()), fallback);
    assert_eq!(data_home(None, None), None);
}
