//! Changes of a directory that end in the middle, and changes at the same time.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus},
    thread,
    time::Duration,
};

use datafusion_plugin_host::trust::{LockEntry, Signature, TrustMode};
use plugin_tests::plugins::program;

use super::{
    Folder, builder, bytes,
    signed::{Key, signed_by},
    text,
};

fn start(directory: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(program("install-killed"));
    command.arg(directory).args(args).spawn().unwrap()
}

fn run(directory: &Path, args: &[&str]) -> ExitStatus {
    start(directory, args).wait().unwrap()
}

/// The configurations in which a directory with a lock may be used, by what vouches for its files.
fn modes(key: &Key) -> [String; 3] {
    let any = "[trust]\nmode = 'any'".to_owned();
    [String::new(), signed_by(&[key]), any]
}

/// Name and version of the plugins that a host would load, all of whose bytes are in the lock.
fn loadable(directory: &Path, config: &str) -> BTreeMap<String, String> {
    let checked = builder(config).plugin_dir(directory).check();
    let checked = checked.unwrap_or_else(|error| panic!("{config}: {error}"));
    let plugins = checked.plugins().iter().map(|plugin| {
        let basis = plugin.basis();
        assert!(
            basis.lock.is_some() || basis.mode == TrustMode::Any,
            "{plugin:?}"
        );
        let manifest = plugin.artifact().manifest();
        (manifest.name.clone(), manifest.version.clone())
    });
    plugins.collect()
}

/// The files of a directory but for the lock and the one that stays for later changes.
fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let own = ["plugins.lock", ".plugins.busy"];
    names.filter(|name| !own.contains(&name.as_str())).collect()
}

/// Kills a change behind each of its steps; `then` sees what is left. How many steps there are.
fn kill_everywhere(
    change: &[&str],
    config: &str,
    prepare: impl Fn(&Path),
    then: impl Fn(&Path, usize),
) -> usize {
    for steps in 1..20 {
        let folder = Folder::new();
        prepare(folder.path());
        let count = steps.to_string();
        let status = run(folder.path(), &[change, &[&count]].concat());
        if status.success() {
            return steps - 1;
        }
        assert_eq!(status.signal(), Some(9), "{status:?}");
        then(folder.path(), steps);
        // Whatever was left, the change can be made, and leaves nothing but what belongs there.
        assert!(run(folder.path(), change).success());
        let left = loadable(folder.path(), config);
        assert_eq!(files(folder.path()).len(), left.len());
    }
    panic!("a change of more than 20 steps");
}

#[test]
fn a_killed_install_leaves_the_old_or_the_new() {
    let (outside, key) = (Folder::new(), Key::new());
    let (old, new) = (outside.path().join("old"), outside.path().join("new"));
    fs::write(&old, bytes("sample", "1.0.0")).unwrap();
    fs::write(&new, bytes("sample", "2.0.0")).unwrap();
    let other = outside.plugin("other");
    for file in [&old, &new, &other] {
        key.sign(file);
    }
    for config in modes(&key) {
        killed_installs(&old, &new, &other, &config);
    }
}

fn killed_installs(old: &Path, new: &Path, other: &Path, config: &str) {
    let install = ["install", text(new), "sample", "2.0.0"];
    let version = |directory: &Path| loadable(directory, config).get("sample").cloned();

    // In place of another version, beside another plugin.
    let prepare = |directory: &Path| {
        for (file, name) in [(old, "sample"), (other, "other")] {
            assert!(run(directory, &["install", text(file), name, "1.0.0"]).success());
        }
    };
    let steps = kill_everywhere(&install, config, prepare, |directory, steps| {
        // The sixth step puts the new lock in force.
        let expected = if steps < 6 { "1.0.0" } else { "2.0.0" };
        assert_eq!(version(directory).as_deref(), Some(expected), "{steps}");
        assert_eq!(loadable(directory, config).len(), 2);
    });
    assert_eq!(steps, 7);

    // The first plugin of a directory, which is locked before the file is there.
    let steps = kill_everywhere(
        &install,
        config,
        |_| {},
        |directory, steps| {
            let expected = if steps < 8 { None } else { Some("2.0.0") };
            assert_eq!(version(directory).as_deref(), expected, "{steps}");
        },
    );
    assert_eq!(steps, 8);
}

#[test]
fn a_killed_remove_leaves_the_plugin_or_nothing_of_it() {
    let (outside, key) = (Folder::new(), Key::new());
    let (file, other) = (outside.plugin("sample"), outside.plugin("other"));
    for file in [&file, &other] {
        key.sign(file);
    }
    let prepare = |directory: &Path| {
        for (file, name) in [(&file, "sample"), (&other, "other")] {
            assert!(run(directory, &["install", text(file), name, "1.0.0"]).success());
        }
    };
    for config in modes(&key) {
        let change = ["remove", "sample"];
        let steps = kill_everywhere(&change, &config, prepare, |directory, steps| {
            // The second step puts the new lock in force.
            let left = loadable(directory, &config);
            assert_eq!(left.contains_key("sample"), steps < 2, "{steps}: {config}");
            assert!(left.contains_key("other"));
            // A file that is left over is cleared away with the next change of the plugin.
            let again = run(directory, &["install", text(&file), "sample", "1.0.0"]);
            assert!(again.success());
        });
        assert_eq!(steps, 4);
    }
}

/// Between listing a directory and reading its lock, or between reading the lock and a file, a change may come.
#[test]
fn a_host_that_searches_while_plugins_are_replaced_sees_one_version_of_each() {
    let (folder, outside, key) = (Folder::new(), Folder::new(), Key::new());
    let versions = ["1.0.0", "2.0.0"];
    let files = versions.map(|version| {
        let file = outside.path().join(version);
        fs::write(&file, bytes("sample", version)).unwrap();
        key.sign(&file);
        file
    });
    let install = |at: usize| {
        let (file, version) = (&files[at % 2], versions[at % 2]);
        let mut entry = LockEntry::new("sample", version);
        let signature = Signature::beside(file).unwrap().unwrap();
        entry.signature = Some(signature.text().to_owned());
        super::install(folder.path(), file, entry);
    };
    install(0);
    let modes = modes(&key);
    thread::scope(|scope| {
        let installer = scope.spawn(|| {
            for at in 1..60 {
                install(at);
                // A search that is never left in peace gives up.
                thread::sleep(Duration::from_millis(20));
            }
        });
        while !installer.is_finished() {
            for config in &modes {
                assert_eq!(loadable(folder.path(), config).len(), 1, "{config}");
            }
        }
    });
}

#[test]
fn changes_at_the_same_time_follow_each_other() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let children = names.map(|name| {
        let file = outside.plugin(name);
        start(folder.path(), &["install", text(&file), name, "1.0.0"])
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(loadable(folder.path(), "").len(), names.len());
    assert_eq!(files(folder.path()).len(), names.len());
}
