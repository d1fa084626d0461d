//! Files that are not loaded: each says why, with what was expected and found, and nothing is installed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::{
    HostError, PluginHost,
    artifact::{Artifact, description::Description, pack},
    config::Config,
};
use plugin_tests::{
    patch::{patched, set},
    plugins::plugin,
};
use tempfile::TempDir;

fn example() -> PathBuf {
    plugin("datafusion-plugin-example")
}

fn library(folder: &TempDir, name: &str) -> PathBuf {
    folder
        .path()
        .join(format!("{name}{}", std::env::consts::DLL_SUFFIX))
}

/// The message of a load that must fail, which names the file.
fn refusal(path: &Path) -> String {
    let message = PluginHost::builder()
        .plugin_file(path)
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(path.file_name().unwrap().to_str().unwrap()),
        "{message}"
    );
    message
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing: {message}");
    }
}

#[test]
fn manifests_that_do_not_suit_the_host() {
    let folder = TempDir::new().unwrap();
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "contract",
            "2.0",
            &["speaks contract 2.0", "expected 1.x", "rebuild the plugin"],
        ),
        (
            "contract",
            "1.9",
            &[
                "speaks contract 1.9",
                "expected at most 1.0",
                "update the host",
            ],
        ),
        (
            "target",
            "riscv64-none",
            &["built for riscv64-none", "expected "],
        ),
        (
            "panic",
            "abort",
            &[
                "panic = \"abort\"",
                "expected \"unwind\"",
                "allow_panic_abort",
            ],
        ),
    ];
    for (number, (key, value, parts)) in cases.iter().enumerate() {
        let copy = library(&folder, &format!("case_{number}"));
        let copy = patched(&example(), copy, |records| set(records, key, value));
        assert_says(&refusal(&copy), parts);
    }
}

#[test]
fn a_plugin_that_aborts_on_panic_loads_where_it_is_allowed() {
    let folder = TempDir::new().unwrap();
    let copy = patched(&example(), library(&folder, "aborts"), |records| {
        set(records, "panic", "abort");
    });
    let config = Config::parse("[plugins.example]\nallow_panic_abort = true").unwrap();
    let host = PluginHost::builder()
        .plugin_file(copy)
        .config(config)
        .load()
        .unwrap();
    assert_eq!(host.plugins().len(), 1);
}

/// Of a plugin of another DataFusion major only the same-major capabilities are refused, by their names.
#[test]
fn another_datafusion_major_refuses_what_needs_it() {
    let folder = TempDir::new().unwrap();
    let spark = plugin("datafusion-plugin-spark");
    let copy = patched(&spark, library(&folder, "spark"), |records| {
        set(records, "datafusion", "54.0.0");
    });
    let host = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(copy)
        .load()
        .unwrap();
    let plugins = host.plugins();
    let [simplify, planner] = plugins[0].refused() else {
        panic!("two capabilities are refused");
    };
    for (refused, kind) in [
        (simplify, "scalar_function_simplify"),
        (planner, "expr_planner"),
    ] {
        let reason = refused.reason.to_string();
        assert_says(&reason, &[kind, "54.0.0", "expected 55"]);
    }
    let context = SessionContext::new();
    host.install(&context);
    assert!(context.state().scalar_functions().contains_key("spark.hex"));
}

#[test]
fn files_that_are_no_plugins() {
    let folder = TempDir::new().unwrap();
    let bytes = fs::read(example()).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = library(&folder, name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert_says(
        &refusal(&write("empty", b"")),
        &["expected a plugin library", "an empty file"],
    );
    assert_says(
        &refusal(&write("text", b"hello\n")),
        &["expected a plugin library", "a text file"],
    );
    assert_says(
        &refusal(&write("half", &bytes[..bytes.len() / 2])),
        &["cut short or damaged"],
    );
    let none = refusal(&plugin("fixture-no-plugin"));
    assert_says(&none, &["no plugin", "expected section", "found none"]);
}

#[test]
fn paths_that_cannot_be_read() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing");
    let error = PluginHost::builder()
        .plugin_dir(&missing)
        .load()
        .unwrap_err();
    assert!(matches!(error, HostError::Search(_)), "{error}");
    assert_says(
        &error.to_string(),
        &["missing", "No such file or directory"],
    );
    // Permissions do not stop root, who runs the tests in containers: a file in the way does.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = PluginHost::builder()
        .plugin_dir(file.join("below"))
        .load()
        .unwrap_err();
    assert_says(&error.to_string(), &["below", "Not a directory"]);
}

#[test]
fn a_manifest_that_disagrees_with_the_exports() {
    let folder = TempDir::new().unwrap();
    let planners = plugin("fixture-planner-plugin");
    for (file, capability, export) in [
        (example(), "window_function:portable", "run_length"),
        (planners, "function_factory:same-major", "macros"),
    ] {
        let kind = capability.split(':').next().unwrap();
        let copy = library(&folder, &format!("without_{kind}"));
        let undeclared = patched(&file, copy, |records| {
            records.retain(|(_, value)| value != capability);
        });
        assert_says(
            &refusal(&undeclared),
            &[
                &format!("exports '{export}'"),
                &format!("does not declare capability '{kind}'"),
            ],
        );
    }
    let spark = plugin("datafusion-plugin-spark");
    for capability in ["table_function:portable", "function_factory:same-major"] {
        let kind = capability.split(':').next().unwrap();
        let copy = library(&folder, &format!("with_{kind}"));
        let phantom = patched(&spark, copy, |records| {
            records.push(("capability".to_owned(), capability.to_owned()));
        });
        assert_says(
            &refusal(&phantom),
            &[
                &format!("declares capability '{kind}'"),
                "exports nothing of it",
            ],
        );
    }
}

#[test]
fn a_packed_description_that_disagrees_with_the_exports() {
    let folder = TempDir::new().unwrap();
    let copy = library(&folder, "packed");
    fs::copy(example(), &copy).unwrap();
    let host = PluginHost::builder().plugin_file(&copy).load().unwrap();
    let mut description: Description = host.plugins()[0].description();
    description.functions[0].name = "farewell".to_owned();
    let other = library(&folder, "other");
    fs::copy(&copy, &other).unwrap();
    pack(&other, &description).unwrap();
    assert!(Artifact::read(&other).unwrap().description().is_some());
    assert_says(
        &refusal(&other),
        &["packed description", "farewell", "pack it again"],
    );
}

/// One plugin of several that cannot be loaded: the good one is not used either.
#[test]
fn one_bad_plugin_of_a_directory_fails_the_load() {
    let folder = TempDir::new().unwrap();
    fs::copy(example(), library(&folder, "good")).unwrap();
    patched(&example(), library(&folder, "bad"), |records| {
        set(records, "contract", "2.0");
        set(records, "name", "example_2");
    });
    let error = PluginHost::builder()
        .plugin_dir(folder.path())
        .load()
        .unwrap_err();
    assert_says(
        &error.to_string(),
        &["1 of 2 plugins", "bad", "contract 2.0"],
    );
}

#[test]
fn the_same_plugin_twice_names_both_files() {
    let folder = TempDir::new().unwrap();
    for name in ["first", "second"] {
        fs::copy(example(), library(&folder, name)).unwrap();
    }
    let error = PluginHost::builder()
        .plugin_dir(folder.path())
        .load()
        .unwrap_err();
    assert!(matches!(error, HostError::DuplicateName(_)), "{error}");
    assert_says(&error.to_string(), &["'example'", "first", "second"]);
}

/// The capability that is refused is not used either: the function's `simplify` would panic.
#[tokio::test]
async fn a_refused_capability_is_not_called() {
    let folder = TempDir::new().unwrap();
    let panicking = plugin("fixture-panicking");
    let sql = "select scalar_simplify(column1) from (values (1)) t";
    let copy = patched(&panicking, library(&folder, "other_major"), |records| {
        set(records, "datafusion", "54.2.0");
    });
    for (file, answers) in [(panicking, false), (copy, true)] {
        let host = PluginHost::builder().plugin_file(file).load().unwrap();
        let context = SessionContext::new();
        host.install(&context);
        let result = context.sql(sql).await.unwrap().collect().await;
        assert_eq!(result.is_ok(), answers, "{result:?}");
    }
}

#[test]
fn a_plugin_of_which_nothing_is_left_is_refused() {
    let folder = TempDir::new().unwrap();
    let copy = patched(
        &plugin("fixture-panicking"),
        library(&folder, "left"),
        |records| {
            set(records, "datafusion", "54.2.0");
            records.retain(|(key, value)| key != "capability" || value.ends_with(":same-major"));
        },
    );
    assert_says(
        &refusal(&copy),
        &["found none", "scalar_function_simplify refused"],
    );
}

/// A kind of a later contract is reported by its name, and the others are used.
#[test]
fn an_unknown_capability_is_refused_alone() {
    let folder = TempDir::new().unwrap();
    let copy = patched(&example(), library(&folder, "later"), |records| {
        records.push(("capability".to_owned(), "oracle:portable".to_owned()));
    });
    let host = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(copy)
        .load()
        .unwrap();
    let plugins = host.plugins();
    let [refused] = plugins[0].refused() else {
        panic!("one capability is refused");
    };
    let reason = refused.reason.to_string();
    assert_says(&reason, &["capability 'oracle'", "contract 1.0"]);
    host.install(&SessionContext::new());
}

/// The file is for another machine than its manifest says.
#[test]
#[cfg(target_os = "linux")]
fn a_library_of_another_machine() {
    let folder = TempDir::new().unwrap();
    let mut bytes = fs::read(example()).unwrap();
    // `e_machine` of the ELF header: RISC-V.
    bytes[18..20].copy_from_slice(&243_u16.to_le_bytes());
    let copy = library(&folder, "machine");
    fs::write(&copy, bytes).unwrap();
    let expected = format!("expected ELF for {}", std::env::consts::ARCH);
    assert_says(&refusal(&copy), &["the file is ELF for riscv64", &expected]);
}

/// A library at whose end bytes are missing is no shorter plugin: its tables lie there.
#[test]
fn a_truncated_library() {
    let folder = TempDir::new().unwrap();
    let bytes = fs::read(example()).unwrap();
    for (number, len) in [40, 64, 4096, bytes.len() - 1].into_iter().enumerate() {
        let copy = library(&folder, &format!("cut_{number}"));
        fs::write(&copy, &bytes[..len]).unwrap();
        assert_says(&refusal(&copy), &["cut short or damaged", &len.to_string()]);
    }
}

#[test]
fn a_plugin_that_refuses_its_options() {
    let config = Config::parse("[plugins.panicking.options]\nnonsense = 1").unwrap();
    let builder = PluginHost::builder().plugin_file(plugin("fixture-panicking"));
    let error = builder.config(config).load().unwrap_err().to_string();
    assert_says(
        &error,
        &["plugin 'panicking'", "activation failed", "nonsense"],
    );
}

/// Libraries that plugins depend on may lie beside them; files that only look like libraries may not.
#[test]
fn what_else_lies_in_a_directory() {
    let folder = TempDir::new().unwrap();
    fs::copy(example(), library(&folder, "a_plugin")).unwrap();
    fs::copy(plugin("fixture-no-plugin"), library(&folder, "helper")).unwrap();
    fs::write(folder.path().join("README.txt"), "no library").unwrap();
    let load = || PluginHost::builder().plugin_dir(folder.path()).load();
    let host = load().unwrap();
    assert_eq!(host.plugins().len(), 1);
    let passed_over = host.passed_over();
    let [passed] = &*passed_over else {
        panic!("{passed_over:?}");
    };
    assert_eq!(passed.path, library(&folder, "helper"));
    assert_says(&passed.reason, &["no plugin", "expected section"]);

    fs::write(library(&folder, "text"), "hello\n").unwrap();
    fs::write(library(&folder, "void"), "").unwrap();
    assert_says(
        &load().unwrap_err().to_string(),
        &["2 of 3 plugins", "a text file", "an empty file"],
    );
}

/// Root may read everything, so this shows nothing there; the test of paths has its own way.
#[test]
#[cfg(unix)]
fn a_directory_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        return;
    }
    let error = PluginHost::builder().plugin_dir(&closed).load();
    assert_says(
        &error.unwrap_err().to_string(),
        &["closed", "Permission denied"],
    );
}
