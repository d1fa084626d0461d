//! Commands whose output nobody reads to its end.

use std::{
    io::pipe,
    process::{Command, Output, Stdio},
};

use serde_json::json;

use super::super::trust::library::Library;
use super::{
    Folder, Ran, command, library, run, text,
    trust::{lock, suits_here},
};

/// Runs a command whose reader is gone before it writes.
fn unread(mut command: Command) -> Ran {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    command.stdout(writer).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // With it goes this process's writer.
    drop(command);
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    Ran::of(Output {
        status,
        stdout: Vec::new(),
        stderr,
    })
}

/// Guards scripts that look at nothing but the exit status.
#[test]
fn the_exit_status_does_not_depend_on_the_reader() {
    if !suits_here() {
        return;
    }
    let (source, folder) = (Folder::new(), Folder::new());
    let file = source.write(&library("p"), Library::default().elf());
    let to = ["--to", folder.path()];
    run(&[&["install", "--yes", text(&file)], &to[..]].concat()).clean();
    folder.write(&library("other"), Library::with("name", "other").elf());
    let foreign = Library::with("target", "x86_64-pc-windows-msvc").elf();
    let foreign = source.write("foreign", foreign);
    let packed = |name: &str, tables: &[&str]| {
        let file = source.write(name, Library::default().elf());
        let description = serde_json::from_value(json!({ "tables": tables })).unwrap();
        datafusion_plugin_host::artifact::pack(&file, &description).unwrap();
        file
    };
    let (old, new) = (packed("old", &["t"]), packed("new", &[]));
    let missing = ["--plugin-dir", "/no/such/directory"];
    for (arguments, expected) in [
        (&["verify", folder.path(), "--json"][..], 1),
        (&["verify", folder.path(), "--lock", "/no/such/lock"], 2),
        (&["diff", text(&old), text(&new)], 1),
        (&["diff", text(&old), text(&old)], 0),
        (&["list", missing[0], missing[1]], 1),
        (&["inspect", text(&foreign)], 1),
        (&["inspect", "/no/such/file"], 2),
    ] {
        assert_eq!(run(arguments).code, Some(expected), "{arguments:?}");
        let ran = unread(command(arguments));
        let silent = ran.stderr.is_empty();
        assert_eq!((ran.code, silent), (Some(expected), true), "{ran:?}");
    }
}

/// Guards that a command does what it was asked for, whoever looks on.
#[test]
fn a_change_is_made_without_a_reader() {
    if !suits_here() {
        return;
    }
    let (source, folder) = (Folder::new(), Folder::new());
    // More than is kept before it is written.
    let long: &'static str = "word ".repeat(10_000).leak();
    let mut plugin = Library::with("description", long);
    plugin.padding = 64;
    let file = source.write(&library("p"), plugin.elf());
    let install = ["install", "--yes", text(&file), "--to", folder.path()];
    let ran = unread(command(&install));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(lock(&folder).plugins()[0].name, "sample");
    let ran = unread(command(&["remove", "sample", "--from", folder.path()]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(lock(&folder).plugins().is_empty());
}

/// A query may have no end, and is not run for nobody.
#[test]
fn a_query_ends_with_its_reader() {
    let endless = "select value from generate_series(1, 9000000000000000000)";
    let arguments = ["sql", "--format", "csv", "-c", endless];
    let ran = unread(command(&arguments));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.complaints().next(), None, "{ran:?}");
}
