//! Where plugins may lie.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink},
    path::Path,
};

use datafusion_plugin_host::{PluginHost, config::Config, trust::LockEntry};

use super::super::cli::run;
use super::{Folder, assert_refused, builder, install, names, text};

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The permissions are looked at, as whoever runs the tests may write anywhere.
#[test]
fn where_others_can_write() {
    let folder = Folder::new();
    let inner = folder.path().join("plugins");
    fs::create_dir(&inner).unwrap();
    let file = inner.join(super::super::cli::library("p"));
    fs::write(&file, super::bytes("sample", "1.0.0")).unwrap();
    let check = || PluginHost::builder().plugin_dir(&inner).check();
    chmod(&file, 0o644);
    chmod(&inner, 0o755);
    assert_eq!(names(check()), ["sample"]);
    for (path, before, mode, expected) in [
        (inner.as_path(), 0o755, 0o777, "found 777"),
        // Who may write to a directory of everybody's may put new files there.
        (inner.as_path(), 0o755, 0o1777, "found 1777"),
        (file.as_path(), 0o644, 0o666, "expected mode 644, found 666"),
        // Whoever may write above can put another directory in its place.
        (folder.path(), 0o700, 0o777, "expected mode 775, found 777"),
    ] {
        chmod(path, mode);
        let real = fs::canonicalize(path).unwrap();
        assert_refused(
            check(),
            &[
                "other users can write to",
                text(&real),
                expected,
                "allow_writable_directories",
            ],
        );
        let named = PluginHost::builder().plugin_file(&file).check();
        assert_refused(named, &["other users can write to", expected]);
        let allowed = builder("[trust]\nallow_writable_directories = true");
        assert_eq!(names(allowed.plugin_dir(&inner).check()), ["sample"]);
        chmod(path, before);
    }
    // A sticky directory above lets nobody rename what is not theirs.
    chmod(folder.path(), 0o1777);
    assert_eq!(names(check()), ["sample"]);
}

/// A group of several people is others; the group of the user alone, as most systems have it, is not.
#[test]
fn where_a_group_can_write() {
    let folder = Folder::new();
    let file = folder.plugin("sample");
    let check = || PluginHost::builder().plugin_file(&file).check();
    chmod(folder.path(), 0o770);
    let owner = fs::metadata(folder.path()).unwrap();
    let private = owner.uid() == owner.gid() && owner.uid() != 0;
    match private {
        true => assert_eq!(names(check()), ["sample"]),
        false => assert_refused(check(), &["expected mode 750, found 770"]),
    }
}

const SOMEBODY: u32 = 4711;

/// Whether this process may give files away, as root may.
fn may_give_away(path: &Path) -> bool {
    let before = fs::metadata(path).unwrap();
    let given = chown(path, Some(SOMEBODY), None);
    if let Err(error) = &given {
        // Past the harness, which keeps what a test that passes prints.
        let mut told = io::stderr();
        let reason = "owners of places, as only root may give files away";
        writeln!(told, "NOT TESTED: {reason}: {error}").unwrap();
    }
    chown(path, Some(before.uid()), None).unwrap();
    given.is_ok()
}

/// Whoever owns a place changes it as they like, whatever its permissions are at the moment.
#[test]
fn what_belongs_to_somebody_else() {
    let folder = Folder::new();
    let above = fs::canonicalize(folder.path()).unwrap().join("above");
    let inner = above.join("plugins");
    fs::create_dir_all(&inner).unwrap();
    let source = folder.plugin("sample");
    let file = install(&inner, &source, LockEntry::new("sample", "1.0.0"));
    if !may_give_away(&above) {
        return;
    }
    let way = folder.path().join("way");
    symlink(&inner, &way).unwrap();
    let check = || PluginHost::builder().plugin_dir(&way).check();
    let lock = inner.join("plugins.lock");
    for path in [&file, &lock, &inner, &above, &way] {
        assert_eq!(names(check()), ["sample"]);
        let before = fs::symlink_metadata(path).unwrap();
        lchown(path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        let name = text(path.strip_prefix(folder.path()).unwrap_or(path));
        assert_refused(
            check(),
            &[
                name,
                "belongs to user 4711",
                "or root",
                "allow_writable_directories",
            ],
        );
        let allowed = builder("[trust]\nallow_writable_directories = true");
        assert_eq!(names(allowed.plugin_dir(&way).check()), ["sample"]);
        lchown(path, Some(before.uid()), Some(before.gid())).unwrap();
    }
    // In a sticky directory, others rename what is theirs, and its owner everything.
    chmod(&above, 0o1777);
    assert_eq!(names(check()), ["sample"]);
    chown(&above, Some(SOMEBODY), None).unwrap();
    assert_refused(check(), &[text(&above), "belongs to user 4711"]);
}

/// Who can write to a lock adds grants to it, and drops plugins.
#[test]
fn a_lock_that_others_can_write_to() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    folder.install("sample");
    let good = fs::read_to_string(folder.lock_file()).unwrap();
    let config = |trust: &str| builder(&format!("[trust]\n{trust}")).plugin_dir(folder.path());
    for lock in [good.as_str(), "version = 1\n"] {
        fs::write(folder.lock_file(), lock).unwrap();
        chmod(&folder.lock_file(), 0o666);
        let real = fs::canonicalize(folder.lock_file()).unwrap();
        for mode in ["", "mode = 'any'"] {
            assert_refused(
                config(mode).check(),
                &["other users can write to", text(&real), "found 666"],
            );
        }
    }
    fs::write(folder.lock_file(), &good).unwrap();
    let allowed = config("allow_writable_directories = true");
    assert_eq!(names(allowed.check()), ["sample"]);

    let lock = elsewhere.path().join("reviewed.lock");
    fs::write(&lock, &good).unwrap();
    chmod(&lock, 0o644);
    let reviewed = format!("lock = '{}'", text(&lock));
    assert_eq!(names(config(&reviewed).check()), ["sample"]);
    // Nor may it be exchanged.
    chmod(elsewhere.path(), 0o777);
    assert_refused(
        config(&reviewed).check(),
        &["other users can write to", text(elsewhere.path())],
    );
}

#[test]
fn a_relative_path_is_refused_unless_allowed() {
    let folder = Folder::new();
    folder.plugin("sample");
    // From wherever the test runs up to the root, and down again.
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count());
    let relative = format!("{up}{}", text(folder.path()).trim_start_matches('/'));
    let refused = PluginHost::builder().plugin_dir(&relative).check();
    assert_refused(
        refused,
        &[
            "expected an absolute path",
            &relative,
            "allow_relative_paths",
        ],
    );
    let allowed = builder("[trust]\nallow_relative_paths = true");
    assert_eq!(names(allowed.plugin_dir(&relative).check()), ["sample"]);
}

#[test]
fn a_link_that_leaves_its_directory_is_refused_unless_allowed() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let outside = elsewhere.plugin("outside");
    let link = folder.file("link");
    symlink(&outside, &link).unwrap();
    let inside = folder.plugin("inside");
    let check = || PluginHost::builder().plugin_dir(folder.path()).check();
    let (expected, found) = (folder.path().canonicalize(), outside.canonicalize());
    assert_refused(
        check(),
        &[
            "a link out of its directory",
            text(&expected.unwrap()),
            text(&found.unwrap()),
            "allow_outside_links",
        ],
    );
    let allow = "[trust]\nallow_outside_links = true";
    let allowed = || builder(allow).plugin_dir(folder.path()).check();
    let mut both = names(allowed());
    both.sort();
    assert_eq!(both, ["inside", "outside"]);
    // Where it leads is looked at like any other place.
    chmod(elsewhere.path(), 0o777);
    assert_refused(
        allowed(),
        &["other users can write to", text(elsewhere.path())],
    );

    chmod(elsewhere.path(), 0o755);

    // Within the directory, and to the directory, links are welcome.
    fs::remove_file(&link).unwrap();
    fs::rename(&inside, folder.path().join("real")).unwrap();
    symlink("real", &link).unwrap();
    let way = elsewhere.path().join("way");
    symlink(folder.path(), &way).unwrap();
    for directory in [folder.path(), &way] {
        let check = PluginHost::builder().plugin_dir(directory).check();
        assert_eq!(names(check), ["inside"]);
    }
    // A link that others can exchange is none to follow.
    chmod(elsewhere.path(), 0o777);
    let check = PluginHost::builder().plugin_dir(&way).check();
    assert_refused(check, &["other users can write to", text(elsewhere.path())]);
}

/// Whoever can exchange a directory on the way to where a link leads exchanges the file.
#[test]
fn what_lies_above_where_a_link_leads() {
    let (folder, elsewhere, outside) = (Folder::new(), Folder::new(), Folder::new());
    let open = fs::canonicalize(elsewhere.path()).unwrap().join("open");
    let inner = open.join("inner");
    fs::create_dir_all(&inner).unwrap();
    let (target, hop) = (inner.join("target"), inner.join("hop"));
    let file = outside.plugin("sample");
    fs::copy(&file, &target).unwrap();
    symlink(&file, &hop).unwrap();
    let link = folder.file("link");
    let allow = "[trust]\nallow_outside_links = true";
    let check = || builder(allow).plugin_dir(folder.path()).check();
    // To a file there, and to a link there that leads on.
    for to in [&target, &hop] {
        symlink(to, &link).unwrap();
        chmod(&open, 0o755);
        chmod(&inner, 0o755);
        assert_eq!(names(check()), ["sample"]);
        for place in [&open, &inner] {
            chmod(place, 0o777);
            assert_refused(
                check(),
                &["other users can write to", text(place), "found 777"],
            );
            chmod(place, 0o755);
        }
        // Where files are exchanged, no sticky directory helps.
        chmod(&inner, 0o1777);
        assert_refused(check(), &[text(&inner), "found 1777"]);
        fs::remove_file(&link).unwrap();
    }
}

/// What vouches for a file does not make up for where it lies, nor the other way round.
#[test]
fn a_locked_file_lies_where_it_should_too() {
    let folder = Folder::new();
    folder.install("sample");
    chmod(folder.path(), 0o777);
    let check = PluginHost::builder().plugin_dir(folder.path()).check();
    assert_refused(check, &["other users can write to"]);
}

/// Who can write to the configuration names keys and modes, and grants.
#[test]
fn a_configuration_that_others_can_write_to() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let file = inner.join("plugins.toml");
    // What the file says of itself does not count.
    let config = "[trust]\nallow_writable_directories = true";
    fs::write(&file, config).unwrap();
    chmod(&file, 0o644);
    chmod(&inner, 0o755);
    let way = elsewhere.path().join("way");
    symlink(&file, &way).unwrap();
    let expected = Config::parse(config).unwrap();
    let both = [&file, &way];
    let read = |path: &Path| Config::read(path).map_err(|error| error.to_string());
    for path in both {
        assert_eq!(read(path), Ok(expected.clone()));
    }
    for (place, before, mode) in [
        (&file, 0o644, 0o666),
        (&inner, 0o755, 0o777),
        (&folder.path().to_owned(), 0o700, 0o777),
    ] {
        chmod(place, mode);
        let real = fs::canonicalize(place).unwrap();
        for path in both {
            let message = read(path).unwrap_err();
            for part in [
                text(path),
                "other users can write to",
                text(&real),
                "--allow-writable-config",
            ] {
                assert!(message.contains(part), "{part}: {message}");
            }
            assert!(!message.contains("allow_writable_directories"), "{message}");
            let unchecked = Config::read_unchecked(path);
            assert_eq!(unchecked.unwrap(), expected);
        }
        let by = ["--plugin-dir", text(&inner), "--config", text(&file)];
        let list = [&["list"], &by[..]].concat();
        let refused = run(&list);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            refused.stderr.contains("other users can write to"),
            "{refused:?}"
        );
        run(&[&list[..], &["--allow-writable-config"]].concat()).clean();
        for command in [
            &["remove", "sample", "--from", text(&inner)][..],
            &["verify", text(&inner)],
            &["install", "--yes", text(&file), "--to", text(&inner)],
        ] {
            let ran = run(&[command, &by[2..]].concat());
            assert!(ran.stderr.contains("other users can write to"), "{ran:?}");
        }
        chmod(place, before);
    }
    assert_eq!(read(&file), Ok(expected));
    if may_give_away(&file) {
        chown(&file, Some(SOMEBODY), None).unwrap();
        let message = read(&file).unwrap_err();
        assert!(message.contains("belongs to user 4711"), "{message}");
    }
}
