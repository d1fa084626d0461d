//! What `plugin-host install` asks who sits at its terminal.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use super::super::trust::library::Library;
use super::{
    Folder, Ran, command, library, run,
    terminal::{CTRL_D, Terminal},
    text,
    trust::{lock, sample, suits_here},
};

/// A plugin in two versions, the later of which asks for more, and a directory for it.
struct Place {
    source: Folder,
    folder: Folder,
}

impl Place {
    fn new() -> Self {
        let (source, folder) = (Folder::new(), Folder::new());
        Self { source, folder }
    }

    fn first(&self) -> PathBuf {
        let bytes = sample("table_provider:portable", "1.0.0");
        self.source.write(&library("first"), bytes)
    }

    fn second(&self) -> PathBuf {
        let bytes = sample("type_planner:same-major", "2.0.0");
        self.source.write(&library("second"), bytes)
    }

    /// Installs it at a terminal, where each question is answered in turn.
    fn install(&self, file: &Path, answers: &[(&str, &str)]) -> (Option<i32>, String) {
        let arguments = ["install", text(file), "--to", self.folder.path()];
        let mut terminal = Terminal::run(command(&arguments));
        for (question, keys) in answers {
            terminal.wait_for(&format!("{question} [y/N] "));
            terminal.enter(keys);
        }
        terminal.end()
    }

    /// What is in the directory.
    fn bytes(&self) -> BTreeMap<String, Vec<u8>> {
        let names = self.folder.names().into_iter();
        let read = |name: &String| fs::read(Path::new(self.folder.path()).join(name)).unwrap();
        names.map(|name| (name.clone(), read(&name))).collect()
    }

    fn granted(&self) -> Vec<String> {
        let lock = lock(&self.folder);
        let granted = lock.plugins()[0].capabilities.iter();
        let beyond = granted.filter(|grant| !grant.is_default());
        beyond.map(|grant| grant.name().to_owned()).collect()
    }
}

const INSTALL_FIRST: &str = "Install sample 1.0.0?";
const INSTALL_SECOND: &str = "Install sample 2.0.0?";
const GRANT: &str = "Grant type_planner to sample, too?";

#[test]
fn yes_installs() {
    if !suits_here() {
        return;
    }
    for yes in ["y\n", "Y\n", "yes\n", " y \n"] {
        let place = Place::new();
        let (code, shown) = place.install(&place.first(), &[(INSTALL_FIRST, yes)]);
        assert_eq!(code, Some(0), "{yes:?}: {shown}");
        assert!(shown.contains("installed sample 1.0.0"), "{shown}");
        assert_eq!(lock(&place.folder).plugins()[0].version, "1.0.0");
        assert_eq!(run(&["verify", place.folder.path()]).code, Some(0));
    }
}

/// Whatever is no yes leaves the directory as it was: empty, or with an earlier version.
#[test]
fn anything_else_changes_nothing() {
    if !suits_here() {
        return;
    }
    for earlier in [false, true] {
        let place = Place::new();
        let (file, question) = match earlier {
            false => (place.first(), INSTALL_FIRST),
            true => {
                let first = place.first();
                let to = ["--to", place.folder.path()];
                run(&[&["install", "--yes", text(&first)], &to[..]].concat()).clean();
                (place.second(), INSTALL_SECOND)
            }
        };
        let before = place.bytes();
        assert_eq!(before.is_empty(), !earlier);
        for no in ["n\n", "\n", "no\n", "yes please\n", "ye\n", CTRL_D] {
            let (code, shown) = place.install(&file, &[(question, no)]);
            assert_eq!(code, Some(1), "{no:?}: {shown}");
            assert!(shown.contains("nothing is installed"), "{no:?}: {shown}");
            assert!(
                place.bytes() == before,
                "{no:?}: {:?}",
                place.folder.names()
            );
        }
    }
}

/// A terminal that is closed has agreed to nothing.
#[test]
fn a_terminal_that_goes_away_is_no_yes() {
    if !suits_here() {
        return;
    }
    let place = Place::new();
    let first = place.first();
    let arguments = ["install", text(&first), "--to", place.folder.path()];
    let mut terminal = Terminal::run(command(&arguments));
    terminal.wait_for(&format!("{INSTALL_FIRST} [y/N] "));
    let code = terminal.close();
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert!(
        place.folder.names().is_empty(),
        "{:?}",
        place.folder.names()
    );
}

/// What an earlier version is not granted is a question of its own, and no answer to it is none.
#[test]
fn more_grants_are_asked_for_apart() {
    if !suits_here() {
        return;
    }
    for (keys, granted) in [
        ("y\n", &["type_planner"][..]),
        ("n\n", &[][..]),
        ("\n", &[][..]),
        (CTRL_D, &[][..]),
    ] {
        let place = Place::new();
        let first = place.first();
        place.install(&first, &[(INSTALL_FIRST, "y\n")]);
        assert!(place.granted().is_empty());
        let answers = [(INSTALL_SECOND, "y\n"), (GRANT, keys)];
        let (code, shown) = place.install(&place.second(), &answers);
        assert_eq!(code, Some(0), "{keys:?}: {shown}");
        assert_eq!(lock(&place.folder).plugins()[0].version, "2.0.0");
        assert_eq!(place.granted(), granted, "{keys:?}");
        let told = "not granted to sample: type_planner";
        assert_eq!(shown.contains(told), granted.is_empty(), "{shown}");
    }
    // Of a new plugin, it is one question.
    let place = Place::new();
    let question = "Install sample 2.0.0 and grant type_planner?";
    let (code, shown) = place.install(&place.second(), &[(question, "y\n")]);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(place.granted(), ["type_planner"]);
}

/// One of several that is declined, and none of them is installed.
#[test]
fn all_are_agreed_to_or_none_is_installed() {
    if !suits_here() {
        return;
    }
    let place = Place::new();
    let (source, folder) = (&place.source, place.folder.path());
    let named = |name: &'static str| {
        let bytes = Library::with("name", name).elf();
        source.write(&library(name), bytes)
    };
    let (one, two) = (named("one"), named("two"));
    let arguments = ["install", text(&one), text(&two), "--to", folder];
    let mut terminal = Terminal::run(command(&arguments));
    for (question, keys) in [("Install one 1.2.3?", "y\n"), ("Install two 1.2.3?", "n\n")] {
        terminal.wait_for(&format!("{question} [y/N] "));
        terminal.enter(keys);
    }
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        place.folder.names().is_empty(),
        "{:?}",
        place.folder.names()
    );
}

/// An answer that is piped in is nobody's: who reviews sits at a terminal, or says so with `--yes`.
#[test]
fn an_answer_from_elsewhere_is_not_taken() {
    if !suits_here() {
        return;
    }
    let place = Place::new();
    let first = place.first();
    let arguments = ["install", text(&first), "--to", place.folder.path()];
    let mut command = command(&arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended before it could read.
    let _ = child.stdin.take().unwrap().write_all(b"y\n");
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = "nobody to ask, as the input is no terminal; review the above and give --yes";
    assert!(ran.stderr.contains(said), "{ran:?}");
    assert!(!ran.stdout.contains("[y/N]"), "{ran:?}");
    assert!(
        place.folder.names().is_empty(),
        "{:?}",
        place.folder.names()
    );
}
