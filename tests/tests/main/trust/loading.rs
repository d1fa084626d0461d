//! What was checked is what is loaded.

#[cfg(target_os = "linux")]
use std::{
    collections::BTreeSet,
    env,
    io::{self, Write},
    process::Command,
};
use std::{fs, path::Path};

use datafusion::{
    arrow::{array::AsArray, datatypes::DataType},
    prelude::SessionContext,
};
use datafusion_plugin_host::{
    CheckedPlugins, PluginHost,
    trust::{Grant, LockEntry, Snapshot},
};
use plugin_tests::patch::{patched, set};

use super::{
    Folder, assert_refused, builder, bytes, compiled, install,
    signed::{Key, signed_by},
    text,
};

/// The only value of a query, as text.
async fn value(context: &SessionContext, sql: &str) -> String {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let column = datafusion::arrow::compute::cast(batches[0].column(0), &DataType::Utf8).unwrap();
    column.as_string::<i32>().value(0).to_owned()
}

/// Loads plugins whose only file is swapped after the check; a session with them.
#[track_caller]
fn load_swapped(checked: CheckedPlugins, file: &Path) -> (SessionContext, PluginHost) {
    // Into the very file, and another file under its name.
    fs::write(file, bytes("example", "0.1.0")).unwrap();
    fs::remove_file(file).unwrap();
    fs::write(file, "no library").unwrap();
    let host = checked.load().unwrap();
    (SessionContext::new(), host)
}

/// A copy of the example that no other test loads: the bytes of one digest are mapped once in a process.
fn example(folder: &Folder, version: &str) -> std::path::PathBuf {
    let edit = |records: &mut _| set(records, "version", version);
    patched(
        &compiled("datafusion-plugin-example"),
        folder.file("example"),
        edit,
    )
}

/// What `plugins()` says of where the plugin comes from.
const ORIGIN: &str = "select path || ' ' || trust || ' ' || sha256 from plugins()";

/// The lines of the process's mappings that have all of these in them.
#[cfg(target_os = "linux")]
fn mappings(parts: &[&str]) -> Vec<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let all = |line: &&str| parts.iter().all(|part| line.contains(part));
    maps.lines().filter(all).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_file_that_is_swapped_after_the_check_changes_nothing() {
    let folder = Folder::new();
    let file = compiled("datafusion-plugin-example");
    let mut entry = LockEntry::new("example", "0.1.0");
    entry.capabilities.extend(Grant::from_name("type_planner"));
    let installed = install(folder.path(), &file, entry);
    let digest = folder.lock().plugins()[0].sha256.clone();

    let checked = PluginHost::builder()
        .plugin_dir(folder.path())
        .check()
        .unwrap();
    let (context, host) = load_swapped(checked, &installed);
    let report = host.install(&context);
    assert_eq!(
        value(&context, "select example.greet('Ada')").await,
        "Hello, Ada!"
    );
    let expected = format!("{} locked {digest}", text(&installed));
    assert_eq!(value(&context, ORIGIN).await, expected);
    // What the lock grants is installed, and what it does not is not.
    assert_eq!(value(&context, "select '1.5'::money").await, "1.5000");
    let refused: Vec<_> = report
        .refused()
        .map(|(_, r)| r.capability.kind.name())
        .collect();
    assert!(refused.contains(&"relation_planner"), "{refused:?}");
    assert!(!refused.contains(&"type_planner"), "{refused:?}");

    let again = PluginHost::builder().plugin_dir(folder.path()).check();
    assert_refused(again, &["not the one that was locked"]);
    // The same bytes from elsewhere are the library that is there already.
    let other = Folder::new();
    install(other.path(), &file, LockEntry::new("example", "0.1.0"));
    let second = PluginHost::builder()
        .plugin_dir(other.path())
        .load()
        .unwrap();
    let context = SessionContext::new();
    second.install(&context);
    assert_eq!(
        value(&context, "select example.greet('Bob')").await,
        "Hello, Bob!"
    );
    #[cfg(target_os = "linux")]
    {
        let name = installed.file_name().unwrap().to_str().unwrap();
        let maps = mappings(&["/memfd:", name]);
        let inodes: BTreeSet<_> = maps
            .iter()
            .filter_map(|line| line.split_whitespace().nth(4))
            .collect();
        assert_eq!(inodes.len(), 1, "{maps:?}");
    }
}

#[tokio::test]
async fn in_mode_signed_a_swapped_file_changes_nothing_either() {
    let (folder, key) = (Folder::new(), Key::new());
    let file = example(&folder, "0.1.7");
    key.sign(&file);
    let digest = Snapshot::of(&file).unwrap().sha256().to_owned();
    let check = || {
        builder(&signed_by(&[&key]))
            .plugin_dir(folder.path())
            .check()
    };
    let (context, host) = load_swapped(check().unwrap(), &file);
    host.install(&context);
    assert_eq!(
        value(&context, "select example.greet('Ada')").await,
        "Hello, Ada!"
    );
    let expected = format!("{} signed {digest}", text(&file));
    assert_eq!(value(&context, ORIGIN).await, expected);
    fs::write(&file, bytes("example", "0.1.7")).unwrap();
    assert_refused(check(), &["the signature by key", "not of this file"]);
}

/// Says that this process is one that has no memory files, and what it is to load.
#[cfg(target_os = "linux")]
const CHILD: &str = "LOADED_WITHOUT_MEMORY_FILES";

/// Where a system allows no memory files, and on other systems than Linux, plugins are loaded from a private copy.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_private_copy_is_loaded_where_there_are_no_memory_files() {
    let name = "main::trust::loading::a_private_copy_is_loaded_where_there_are_no_memory_files";
    let Some(file) = env::var_os(CHILD) else {
        let file = compiled("datafusion-plugin-example");
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", name, "--nocapture"]);
        child.env(CHILD, file);
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{output:?}"
        );
        // Past the harness, which keeps what a test that passes prints.
        io::stderr().write_all(&output.stderr).unwrap();
        return;
    };
    let folder = Folder::new();
    let entry = LockEntry::new("example", "0.1.0");
    let installed = install(folder.path(), Path::new(&file), entry);
    let digest = folder.lock().plugins()[0].sha256.clone();
    if let Err(error) = refuse_memory_files() {
        let reason = "private copies, as system calls cannot be refused here";
        let mut told = io::stderr();
        writeln!(told, "NOT TESTED: {reason}: {error}").unwrap();
        return;
    }
    let checked = PluginHost::builder().plugin_dir(folder.path()).check();
    let (context, host) = load_swapped(checked.unwrap(), &installed);
    host.install(&context);
    assert_eq!(
        value(&context, "select example.greet('Ada')").await,
        "Hello, Ada!"
    );
    let expected = format!("{} locked {digest}", text(&installed));
    assert_eq!(value(&context, ORIGIN).await, expected);
    assert!(!mappings(&["/datafusion-plugin-", "/plugin.so"]).is_empty());
    assert!(mappings(&["/memfd:"]).is_empty());
    // Of the copy nothing is left but the mapping.
    let maps = mappings(&["/datafusion-plugin-"]);
    let gone = |line: &String| line.ends_with(" (deleted)");
    assert!(maps.iter().all(gone), "{maps:?}");
}

/// Has the system refuse memory files to this thread and those that it starts.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "no crate of the workspace does it")]
fn refuse_memory_files() -> io::Result<()> {
    use libc::{
        BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, ENOSYS, PR_SET_NO_NEW_PRIVS,
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
        SYS_memfd_create, prctl, sock_filter, sock_fprog,
    };

    let statement = |code: u32, jf: u8, k: u32| sock_filter {
        code: code as u16,
        jt: 0,
        jf,
        k,
    };
    let mut program = [
        // The number of the call is what comes first.
        statement(BPF_LD | BPF_W | BPF_ABS, 0, 0),
        statement(BPF_JMP | BPF_JEQ | BPF_K, 1, SYS_memfd_create as u32),
        statement(BPF_RET | BPF_K, 0, SECCOMP_RET_ERRNO | ENOSYS as u32),
        statement(BPF_RET | BPF_K, 0, SECCOMP_RET_ALLOW),
    ];
    let program = sock_fprog {
        len: 4,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: numbers; whoever executes another program gets no more rights from it.
    let restricted = unsafe { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: `program` is as long as it says, and copied.
    let filtered = unsafe { prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const program) };
    match (restricted, filtered) {
        (0, 0) => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
