//! Where plugins may lie.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use datafusion_plugin_host::PluginHost;

use super::{Folder, assert_refused, builder, names, text};

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
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = Folder::new();
    let file = folder.plugin("sample");
    let check = || PluginHost::builder().plugin_file(&file).check();
    chmod(folder.path(), 0o770);
    let owner = fs::metadata(folder.path()).unwrap();
    let private = owner.uid() == owner.gid() && owner.uid() != 0;
    if !private {
        assert_refused(check(), &["expected mode 750, found 770"]);
    }
    // Only root may give files away.
    if chown(folder.path(), Some(4711), Some(4711)).is_ok() {
        assert_eq!(names(check()), ["sample"]);
        chown(folder.path(), Some(4711), Some(4712)).unwrap();
        assert_refused(check(), &["expected mode 750, found 770"]);
    }
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

/// What vouches for a file does not make up for where it lies, nor the other way round.
#[test]
fn a_locked_file_lies_where_it_should_too() {
    let folder = Folder::new();
    folder.install("sample");
    chmod(folder.path(), 0o777);
    let check = PluginHost::builder().plugin_dir(folder.path()).check();
    assert_refused(check, &["other users can write to"]);
}
