//! Plugins that block when their library is opened, before anything of the contract is called.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use datafusion_plugin_host::{HostError, PluginHost, ReloadOutcome, config::Config};
use plugin_tests::{
    patch::{patched, set},
    plugins::plugin,
};

use super::{alone, run_alone_with};

/// The fixtures wait while the file is there that this variable names.
const GATE: &str = "FIXTURE_GATE";
const EXAMPLE: &str = "datafusion-plugin-example";

fn load(folder: &Path) -> Result<PluginHost, HostError> {
    PluginHost::builder()
        .plugin_dir(folder)
        .config(Config::parse("[host]\nlimits = { activation_ms = 3000 }").unwrap())
        .load()
}

/// What became of a plugin in a reload, which has to come back.
fn reload(host: &PluginHost, plugin: &str) -> ReloadOutcome {
    let begun = Instant::now();
    let report = host.reload().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "{report:?}");
    let mut files = report.files.into_iter();
    files.find(|file| file.plugin == plugin).unwrap().outcome
}

#[track_caller]
fn assert_no_answer(outcome: &ReloadOutcome) {
    match outcome {
        ReloadOutcome::Failed { problem } => {
            assert!(problem.contains("no answer within 3s"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

/// Loads and reloads a plugin that blocks meanwhile. `others` says that other libraries can be opened.
fn blocks(package: &str, name: &str, others: bool) {
    let gate = PathBuf::from(env::var_os(GATE).unwrap());
    let (close, open) = (
        || fs::write(&gate, "").unwrap(),
        || fs::remove_file(&gate).unwrap(),
    );
    let folder = tempfile::tempdir().unwrap();
    let library = plugin(package);
    let example = plugin(EXAMPLE);
    let file = folder.path().join(library.file_name().unwrap());
    fs::copy(&library, &file).unwrap();
    close();
    let message = load(folder.path()).unwrap_err().to_string();
    for part in ["no answer within 3s", name] {
        assert!(message.contains(part), "{part}: {message}");
    }
    if others {
        PluginHost::builder().plugin_file(&example).load().unwrap();
    }
    open();
    let host = load(folder.path()).unwrap();

    close();
    let aside = folder.path().join("aside");
    let edit = |records: &mut _| set(records, "version", "0.1.1");
    fs::rename(patched(&library, aside, edit), file).unwrap();
    for _ in 0..2 {
        assert_no_answer(&reload(&host, name));
        assert_eq!(host.plugins()[0].manifest().version.to_string(), "0.1.0");
        // It may be mapped by now.
        let retained = host.retained();
        let versions: Vec<_> = retained.iter().map(|old| old.version.as_str()).collect();
        assert_eq!(versions, ["0.1.1"]);
    }
    if others {
        let copy = folder.path().join(example.file_name().unwrap());
        fs::copy(&example, copy).unwrap();
        let added = reload(&host, "example");
        assert!(matches!(added, ReloadOutcome::Added { .. }), "{added:?}");
        assert_no_answer(&reload(&host, name));
    }
    open();
    let replaced = reload(&host, name);
    assert!(
        matches!(replaced, ReloadOutcome::Replaced { .. }),
        "{replaced:?}"
    );
}

/// Runs the test in a process of its own: nothing else can be opened there meanwhile.
fn with_a_gate(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    run_alone_with(name, &[(GATE, &folder.path().join("gate"))]);
}

/// Guards that no lock of the host's is held while a plugin makes its module.
#[test]
fn a_module_that_is_never_made_is_given_up() {
    if alone() {
        return blocks("fixture-raw", "raw", true);
    }
    with_a_gate("main::hostile::starts::a_module_that_is_never_made_is_given_up");
}

/// The system's loader opens no other library meanwhile; the host goes on all the same.
#[cfg(unix)]
#[test]
fn a_static_initialiser_that_blocks_is_given_up() {
    if alone() {
        return blocks("fixture-hostile", "hostile", false);
    }
    with_a_gate("main::hostile::starts::a_static_initialiser_that_blocks_is_given_up");
}
