//! `plugin-host pack`

use std::{fs, process::Command};

use plugin_tests::plugins::program;

use super::{Folder, Ran, command, run, text};

#[test]
fn packing_adds_the_description_and_leaves_a_loadable_library() {
    let folder = Folder::new();
    let file = folder.copy("datafusion-plugin-example");
    let file = text(&file);
    let permissions = fs::metadata(file).unwrap().permissions();
    let before = &run(&["inspect", "--json", file]).json()[0];
    assert_eq!(before.get("description"), None);

    assert_eq!(run(&["pack", file]).clean(), "");
    assert_eq!(fs::metadata(file).unwrap().permissions(), permissions);
    let after = &run(&["inspect", "--json", file]).json()[0];
    assert_eq!(after["manifest"], before["manifest"]);
    assert_eq!(after["description"]["functions"][0]["name"], "greet");
    let sql = "select example.greet('Ada') as greeting";
    let rows = run(&["sql", "--plugin", file, "--format", "csv", "-c", sql]);
    assert_eq!(rows.clean(), "greeting\n\"Hello, Ada!\"\n");
}

#[test]
fn packing_again_changes_no_byte() {
    let folder = Folder::new();
    let file = folder.copy("datafusion-plugin-spark");
    run(&["pack", text(&file)]).clean();
    let (bytes, written) = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap());
    run(&["pack", text(&file)]).clean();
    assert!(fs::read(&file).unwrap() == bytes);
    assert_eq!(
        fs::metadata(&file).unwrap().modified().unwrap(),
        written.modified().unwrap()
    );
    assert_eq!(folder.names().len(), 1, "{:?}", folder.names());
}

#[test]
fn a_damaged_description_is_replaced() {
    let folder = Folder::new();
    let file = folder.copy("datafusion-plugin-example");
    run(&["pack", text(&file)]).clean();
    let packed = fs::read(&file).unwrap();
    fs::write(&file, &packed[..packed.len() - 10]).unwrap();
    assert_eq!(run(&["inspect", text(&file)]).code, Some(2));
    run(&["pack", text(&file)]).clean();
    assert!(fs::read(&file).unwrap() == packed);
}

#[test]
fn a_crash_of_the_plugin_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    let file = folder.copy("fixture-crashing");
    let bytes = fs::read(&file).unwrap();
    let mut command = command(&["pack", text(&file)]);
    let ran = Ran::of(
        command
            .env("FIXTURE_CRASHING_ABORTS", "1")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for part in [text(&file), "signal: 6", "loading and activating"] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    assert!(fs::read(&file).unwrap() == bytes);
    assert_eq!(folder.names().len(), 1, "{:?}", folder.names());
}

/// The limit on file sizes stands for a full disk, and for a process that is killed while it writes.
#[test]
#[cfg(unix)]
fn a_failed_write_leaves_the_file_as_it_was() {
    let folder = Folder::new();
    let file = folder.copy("datafusion-plugin-example");
    let bytes = fs::read(&file).unwrap();
    let limited = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg("sh");
        shell.arg(program("plugin-host")).arg("pack").arg(&file);
        Ran::of(shell.output().unwrap())
    };
    let ran = limited("trap '' XFSZ; ulimit -f 2000; exec \"$@\"");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("cannot be replaced"), "{ran:?}");
    assert!(ran.stderr.contains(text(&file)), "{ran:?}");
    assert!(fs::read(&file).unwrap() == bytes);
    assert_eq!(folder.names().len(), 1, "{:?}", folder.names());

    let ran = limited("ulimit -f 2000; exec \"$@\"");
    assert_eq!(ran.code, None, "{ran:?}");
    assert!(fs::read(&file).unwrap() == bytes);
}

#[test]
fn what_is_no_plugin_is_not_packed() {
    let folder = Folder::new();
    let library = folder.copy("fixture-no-plugin");
    let bytes = fs::read(&library).unwrap();
    let words = folder.write("words.so", "words");
    for path in [text(&library), text(&words), "/no/such/file"] {
        let ran = run(&["pack", path]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(path), "{ran:?}");
    }
    assert!(fs::read(&library).unwrap() == bytes);
}

/// A packed description is a promise that activation must keep.
#[test]
fn a_plugin_that_exports_something_else_than_packed_is_refused() {
    let folder = Folder::new();
    let file = folder.copy("fixture-crashing");
    run(&["pack", text(&file)]).clean();
    let config = folder.write(
        "plugins.toml",
        "[plugins.crashing]\noptions = { also = true }",
    );
    let ran = run(&[
        "sql",
        "--plugin",
        text(&file),
        "--config",
        text(&config),
        "-c",
        "select 1",
    ]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    let expected = "exported but not packed: scalar function 'also'";
    assert!(ran.stderr.contains(expected), "{ran:?}");
}
