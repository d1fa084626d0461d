//! What an in-process plugin can do and no host contain: `plugin-host check` does it elsewhere and says what came of it.

use std::{fs, sync::mpsc, thread, time::Duration};

use plugin_tests::plugins::plugin;
use serde_json::Value;

use crate::main::{
    cli::{Folder, Ran, command, run, text},
    trust::compiled,
};

fn check(deed: &str, more: &[&str]) -> Ran {
    let file = plugin("fixture-hostile");
    let arguments = [&["check", "--json", file.to_str().unwrap()], more].concat();
    let mut command = command(&arguments);
    Ran::of(command.env("FIXTURE_HOSTILE_DEED", deed).output().unwrap())
}

fn findings(ran: &Ran) -> Vec<String> {
    let report: Value = ran.json();
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| finding.as_str().unwrap().to_owned())
        .collect()
}

/// The check itself ends with 1, names signal, step and function, and goes on behind it.
#[test]
fn crashes_name_the_signal_and_the_function() {
    for (deed, signals, said) in [
        ("abort", &["SIGABRT"][..], ""),
        ("segfault", &["SIGSEGV", "SIGBUS"], ""),
        ("stack_overflow", &["SIGABRT", "SIGSEGV"], ""),
        ("double_panic", &["SIGABRT"], ""),
        ("thread_local_panic", &["SIGABRT"], ""),
        ("out_of_memory", &["SIGABRT"], "memory allocation of"),
    ] {
        let ran = check(deed, &[]);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (Some(1), ""),
            "{deed}: {ran:?}"
        );
        let findings = findings(&ran);
        assert_eq!(findings.len(), 1, "{deed}: {findings:#?}");
        let finding = &findings[0];
        assert!(
            signals.iter().any(|signal| finding.contains(signal)),
            "{deed}: {finding}"
        );
        for part in ["during: calling hostile.deed(Int64) on ", said] {
            assert!(finding.contains(part), "{deed}: {finding}");
        }
        let functions = &ran.json()["functions"];
        assert_eq!(
            functions.as_array().unwrap().len(),
            2,
            "{deed}: {functions}"
        );
    }
}

#[test]
fn a_function_that_does_not_return_is_ended() {
    // Time enough to load the plugin on a machine that is busy.
    let ran = check("forever", &["--time-limit", "15"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let findings = findings(&ran);
    for part in ["was silent for 15 s", "during: calling hostile.deed(Int64)"] {
        assert!(findings[0].contains(part), "{findings:?}");
    }
}

#[test]
fn an_activation_that_does_not_return_is_ended() {
    let file = plugin("fixture-hostile");
    for subcommand in ["check", "pack"] {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join(file.file_name().unwrap());
        std::fs::copy(&file, &copy).unwrap();
        let arguments = [subcommand, "--time-limit", "1", copy.to_str().unwrap()];
        let mut command = command(&arguments);
        let ran = Ran::of(command.env("FIXTURE_HOSTILE_SLEEPS", "1").output().unwrap());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let told = format!("{}{}", ran.stdout, ran.stderr);
        for part in ["was silent for 1 s", "during: loading and activating"] {
            assert!(told.contains(part), "{subcommand}: {told}");
        }
    }
}

/// A plugin that claims, in the command's own words, that it was checked, and ends its process well.
#[test]
fn a_forged_end_is_none() {
    let file = plugin("fixture-hostile");
    for subcommand in ["check", "pack"] {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join(file.file_name().unwrap());
        std::fs::copy(&file, &copy).unwrap();
        let mut command = command(&[subcommand, copy.to_str().unwrap()]);
        let ran = Ran::of(command.env("FIXTURE_HOSTILE_FORGES", "1").output().unwrap());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let told = format!("{}{}", ran.stdout, ran.stderr);
        let expected = "ended without its whole answer during: loading and activating";
        assert!(told.contains(expected), "{subcommand}: {told}");
    }
}

/// What the plugin prints is not taken for the command's own output.
#[test]
fn what_a_plugin_prints_is_not_in_the_report() {
    let ran = check("print", &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(!ran.stdout.contains("the plugin was here"), "{ran:?}");
    assert!(findings(&ran).is_empty());
}

/// Nothing of a plugin runs where it is only looked at, moved or signed: not even what runs when its library is opened.
#[test]
fn inspecting_runs_nothing() {
    let (folder, keys, target) = (Folder::new(), Folder::new(), Folder::new());
    let fixture = compiled("fixture-hostile");
    let file = folder.write(
        fixture.file_name().unwrap().to_str().unwrap(),
        fs::read(&fixture).unwrap(),
    );
    run(&["pack", text(&file)]).clean();
    let (secret, public) = (format!("{}/s", keys.path()), format!("{}/p", keys.path()));
    let made = ["--secret-key", &secret, "--public-key", &public];
    run(&[&["keygen", "--no-password"], &made[..]].concat()).clean();

    // Whoever opens the library waits until this is gone, and whoever activates the plugin for ever.
    let gate = keys.write("gate", "");
    let gated = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("FIXTURE_GATE", &gate);
        command.env("FIXTURE_HOSTILE_SLEEPS", "1");
        let (told, ran) = mpsc::channel();
        thread::spawn(move || told.send(command.output().unwrap()));
        // What runs too long ends when the folder with the gate is removed.
        let ran = ran.recv_timeout(Duration::from_secs(300));
        Ran::of(ran.unwrap_or_else(|_| panic!("{arguments:?} runs something of the plugin")))
    };
    for arguments in [
        &["inspect", text(&file)][..],
        &["list", "--plugin-dir", folder.path()],
        &["diff", text(&file), text(&file)],
        &["sign", text(&file), "--secret-key", &secret],
        &["install", "--yes", text(&file), "--to", target.path()],
        &["verify", target.path()],
        &["remove", "hostile", "--from", target.path()],
    ] {
        let ran = gated(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        let about = ran.stdout.contains("hostile") || arguments[0] == "diff";
        assert!(about, "{arguments:?}: {ran:?}");
    }
    // Opening it would have been noticed.
    let checked = gated(&["check", "--time-limit", "1", text(&file)]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let silent = "was silent for 1 s during: loading and activating";
    assert!(checked.stdout.contains(silent), "{checked:?}");
}
