//! Changes of a directory that end in the middle, and changes at the same time.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
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

/// A directory of plugins, and its lock, which may lie elsewhere.
struct Place {
    folder: Folder,
    locks: Option<Folder>,
}

impl Place {
    fn new(elsewhere: bool) -> Self {
        Self {
            folder: Folder::new(),
            locks: elsewhere.then(Folder::new),
        }
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(program("install-killed"));
        command.arg(self.folder.path());
        if let Some(lock) = self.lock() {
            command.arg("--lock").arg(lock);
        }
        command.args(args).spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> ExitStatus {
        self.start(args).wait().unwrap()
    }

    /// The lock, where it lies elsewhere.
    fn lock(&self) -> Option<PathBuf> {
        let locks = self.locks.as_ref()?;
        Some(locks.path().join("reviewed.lock"))
    }

    /// Name and version of the plugins that a host would load, all of whose bytes are in the lock.
    fn loadable(&self, config: &str) -> BTreeMap<String, String> {
        let config = match self.lock() {
            Some(lock) => format!("{config}\nlock = '{}'", text(&lock)),
            None => config.to_owned(),
        };
        let checked = builder(&config).plugin_dir(self.folder.path()).check();
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

    /// The files but for the lock and the ones that stay for later changes.
    fn files(&self) -> Vec<String> {
        let folders = [Some(&self.folder), self.locks.as_ref()];
        let entries = folders
            .into_iter()
            .flatten()
            .flat_map(|folder| fs::read_dir(folder.path()).unwrap());
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let lock = match self.locks {
            Some(_) => "reviewed.lock",
            None => "plugins.lock",
        };
        let own = [lock, ".plugins.busy"];
        names.filter(|name| !own.contains(&name.as_str())).collect()
    }
}

/// The configurations in which a directory with a lock may be used, by what vouches for its files.
fn modes(key: &Key) -> [String; 3] {
    let other = |mode: &str| format!("[trust]\n{mode}");
    [other(""), signed_by(&[key]), other("mode = 'any'")]
}

/// Kills a change behind each of its steps; `then` sees what is left. How many steps there are.
fn kill_everywhere(
    change: &[&str],
    config: &str,
    elsewhere: bool,
    prepare: impl Fn(&Place),
    then: impl Fn(&Place, usize),
) -> usize {
    for steps in 1..20 {
        let place = Place::new(elsewhere);
        prepare(&place);
        let count = steps.to_string();
        let status = place.run(&[change, &[&count]].concat());
        if status.success() {
            return steps - 1;
        }
        assert_eq!(status.signal(), Some(9), "{status:?}");
        then(&place, steps);
        // Whatever was left, the change can be made, and leaves nothing but what belongs there.
        assert!(place.run(change).success());
        let left = place.loadable(config);
        assert_eq!(place.files().len(), left.len(), "{:?}", place.files());
    }
    panic!("a change of more than 20 steps");
}

#[test]
fn a_killed_install_leaves_the_old_or_the_new() {
    killed_installs(false);
}

/// Files and lock are then in two directories, each of which nobody else changes meanwhile.
#[test]
fn a_killed_install_with_the_lock_elsewhere() {
    killed_installs(true);
}

fn killed_installs(elsewhere: bool) {
    let (outside, key) = (Folder::new(), Key::new());
    let (old, new) = (outside.path().join("old"), outside.path().join("new"));
    fs::write(&old, bytes("sample", "1.0.0")).unwrap();
    fs::write(&new, bytes("sample", "2.0.0")).unwrap();
    let other = outside.plugin("other");
    for file in [&old, &new, &other] {
        key.sign(file);
    }
    let install = ["install", text(&new), "sample", "2.0.0"];
    for config in modes(&key) {
        let version = |place: &Place| place.loadable(&config).get("sample").cloned();

        // In place of another version, beside another plugin.
        let prepare = |place: &Place| {
            for (file, name) in [(&old, "sample"), (&other, "other")] {
                let installed = place.run(&["install", text(file), name, "1.0.0"]);
                assert!(installed.success());
            }
        };
        let steps = kill_everywhere(&install, &config, elsewhere, prepare, |place, steps| {
            // The sixth step puts the new lock in force.
            let expected = if steps < 6 { "1.0.0" } else { "2.0.0" };
            assert_eq!(version(place).as_deref(), Some(expected), "{steps}");
            assert_eq!(place.loadable(&config).len(), 2);
        });
        assert_eq!(steps, 7);

        // The first plugin of a directory, which is locked before the file is there.
        let nothing = |_: &Place| {};
        let steps = kill_everywhere(&install, &config, elsewhere, nothing, |place, steps| {
            let expected = if steps < 8 { None } else { Some("2.0.0") };
            assert_eq!(version(place).as_deref(), expected, "{steps}");
        });
        assert_eq!(steps, 8);
    }
}

#[test]
fn a_killed_remove_leaves_the_plugin_or_nothing_of_it() {
    killed_removes(false);
}

#[test]
fn a_killed_remove_with_the_lock_elsewhere() {
    killed_removes(true);
}

fn killed_removes(elsewhere: bool) {
    let (outside, key) = (Folder::new(), Key::new());
    let (file, other) = (outside.plugin("sample"), outside.plugin("other"));
    for file in [&file, &other] {
        key.sign(file);
    }
    let prepare = |place: &Place| {
        for (file, name) in [(&file, "sample"), (&other, "other")] {
            let installed = place.run(&["install", text(file), name, "1.0.0"]);
            assert!(installed.success());
        }
    };
    for config in modes(&key) {
        let change = ["remove", "sample"];
        let steps = kill_everywhere(&change, &config, elsewhere, prepare, |place, steps| {
            // The second step puts the new lock in force.
            let left = place.loadable(&config);
            assert_eq!(left.contains_key("sample"), steps < 2, "{steps}: {config}");
            assert!(left.contains_key("other"));
            // A file that is left over is cleared away with the next change of the plugin.
            let again = place.run(&["install", text(&file), "sample", "1.0.0"]);
            assert!(again.success());
        });
        assert_eq!(steps, 4);
    }
}

/// Between listing a directory and reading its lock, or between reading the lock and a file, a change may come.
#[test]
fn a_host_that_searches_while_plugins_are_replaced_sees_one_version_of_each() {
    let (place, outside, key) = (Place::new(false), Folder::new(), Key::new());
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
        super::install(place.folder.path(), file, entry);
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
                assert_eq!(place.loadable(config).len(), 1, "{config}");
            }
        }
    });
}

#[test]
fn changes_at_the_same_time_follow_each_other() {
    for elsewhere in [false, true] {
        let (place, outside) = (Place::new(elsewhere), Folder::new());
        changes_at_the_same_time(&place, &outside);
    }
}

fn changes_at_the_same_time(place: &Place, outside: &Folder) {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let children = names.map(|name| {
        let file = outside.plugin(name);
        place.start(&["install", text(&file), name, "1.0.0"])
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(place.loadable("[trust]").len(), names.len());
    assert_eq!(place.files().len(), names.len());
}
