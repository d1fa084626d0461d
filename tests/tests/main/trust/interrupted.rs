//! Changes of a directory that end in the middle, and changes at the same time.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus},
};

use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::program;

use super::{Folder, bytes, text};

fn start(directory: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(program("install-killed"));
    command.arg(directory).args(args).spawn().unwrap()
}

fn run(directory: &Path, args: &[&str]) -> ExitStatus {
    start(directory, args).wait().unwrap()
}

/// Name and version of the plugins that a host would load, all of whose bytes are in the lock.
fn loadable(directory: &Path) -> BTreeMap<String, String> {
    let builder = PluginHost::builder().plugin_dir(directory);
    let checked = builder.check().unwrap_or_else(|error| panic!("{error}"));
    let plugins = checked.plugins().iter().map(|plugin| {
        assert!(plugin.basis().lock.is_some(), "{plugin:?}");
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
fn kill_everywhere(change: &[&str], prepare: impl Fn(&Path), then: impl Fn(&Path, usize)) -> usize {
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
        assert_eq!(files(folder.path()).len(), loadable(folder.path()).len());
    }
    panic!("a change of more than 20 steps");
}

#[test]
fn a_killed_install_leaves_the_old_or_the_new() {
    let outside = Folder::new();
    let (old, new) = (outside.path().join("old"), outside.path().join("new"));
    fs::write(&old, bytes("sample", "1.0.0")).unwrap();
    fs::write(&new, bytes("sample", "2.0.0")).unwrap();
    let other = outside.plugin("other");
    let install = ["install", text(&new), "sample", "2.0.0"];
    let version = |directory: &Path| loadable(directory).get("sample").cloned();

    // In place of another version, beside another plugin.
    let prepare = |directory: &Path| {
        for (file, name) in [(&old, "sample"), (&other, "other")] {
            assert!(run(directory, &["install", text(file), name, "1.0.0"]).success());
        }
    };
    let steps = kill_everywhere(&install, prepare, |directory, steps| {
        // The sixth step puts the new lock in force.
        let expected = if steps < 6 { "1.0.0" } else { "2.0.0" };
        assert_eq!(version(directory).as_deref(), Some(expected), "{steps}");
        assert_eq!(loadable(directory).len(), 2);
    });
    assert_eq!(steps, 7);

    // The first plugin of a directory, which is locked before the file is there.
    let steps = kill_everywhere(
        &install,
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
    let outside = Folder::new();
    let file = outside.plugin("sample");
    let prepare = |directory: &Path| {
        for name in ["sample", "other"] {
            let file = if name == "sample" {
                file.clone()
            } else {
                outside.plugin("other")
            };
            assert!(run(directory, &["install", text(&file), name, "1.0.0"]).success());
        }
    };
    let steps = kill_everywhere(&["remove", "sample"], prepare, |directory, steps| {
        // The second step puts the new lock in force.
        assert_eq!(
            loadable(directory).contains_key("sample"),
            steps < 2,
            "{steps}"
        );
        assert!(loadable(directory).contains_key("other"));
        // A file that is left over is cleared away with the next change of the plugin.
        let again = run(directory, &["install", text(&file), "sample", "1.0.0"]);
        assert!(again.success());
    });
    assert_eq!(steps, 4);
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
    assert_eq!(loadable(folder.path()).len(), names.len());
    assert_eq!(files(folder.path()).len(), names.len());
}
