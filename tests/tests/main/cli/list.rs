//! `plugin-host list`

use std::{fs, path::Path};

use plugin_tests::plugins::plugin;

use super::{Folder, Ran, command, library, text};

#[test]
fn plugins_are_listed_in_the_order_of_the_search() {
    let (named, environment, home) = (Folder::new(), Folder::new(), Folder::new());
    let spark = named.copy("datafusion-plugin-spark");
    environment.copy("fixture-no-plugin");
    environment.copy("fixture-crashing");
    environment.write(
        if cfg!(windows) {
            "other.so"
        } else {
            "other.dll"
        },
        "",
    );
    let user = Path::new(home.path()).join("datafusion/plugins");
    fs::create_dir_all(&user).unwrap();
    let example = plugin("datafusion-plugin-example");
    fs::copy(&example, user.join(example.file_name().unwrap())).unwrap();

    let mut list = command(&["list", "--json", "--plugin-dir", named.path()]);
    list.env("DATAFUSION_PLUGIN_PATH", environment.path());
    list.env("XDG_DATA_HOME", home.path());
    let ran = Ran::of(list.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let listing = ran.json();
    let strings = |of: &str, key: &str| -> Vec<String> {
        let entries = listing[of].as_array().unwrap().iter();
        entries
            .map(|entry| entry[key].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(strings("plugins", "name"), ["spark", "crashing", "example"]);
    assert_eq!(
        strings("plugins", "origin"),
        [
            "plugin directory",
            "DATAFUSION_PLUGIN_PATH",
            "user data directory"
        ]
    );
    assert_eq!(strings("plugins", "path")[0], text(&spark));
    let reasons = strings("passed_over", "reason");
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(
        reasons
            .iter()
            .any(|reason| reason.contains("another platform")),
        "{reasons:?}"
    );
    assert!(
        reasons.iter().any(|reason| reason.contains("no plugin")),
        "{reasons:?}"
    );

    // What is listed is what is loaded, in the same order.
    let mut sql = command(&["sql", "--plugin-dir", named.path(), "--format", "csv"]);
    sql.args(["-c", "select name from plugins()"]);
    sql.env("DATAFUSION_PLUGIN_PATH", environment.path());
    sql.env("XDG_DATA_HOME", home.path());
    let rows = Ran::of(sql.output().unwrap()).clean();
    assert_eq!(rows, "name\nspark\ncrashing\nexample\n");
}

#[test]
fn a_plugin_that_is_there_twice_is_named_with_both_files() {
    let (one, other) = (Folder::new(), Folder::new());
    let first = one.copy("datafusion-plugin-example");
    let second = other.write(&library("copy"), fs::read(&first).unwrap());
    let dirs = ["--plugin-dir", one.path(), "--plugin-dir", other.path()];
    let list = Ran::of(command(&["list"]).args(dirs).output().unwrap());
    let sql = Ran::of(
        command(&["sql", "-c", "select 1"])
            .args(dirs)
            .output()
            .unwrap(),
    );
    assert_eq!(
        (list.code, sql.code),
        (Some(1), Some(1)),
        "{list:?} {sql:?}"
    );
    for said in [&list.stdout, &sql.stderr] {
        assert!(
            said.contains(text(&first)) && said.contains(text(&second)),
            "{said}"
        );
    }
}

/// Guards that a name that is written wrongly can be found.
#[test]
fn what_the_configuration_names_and_nobody_finds_is_told_of() {
    let folder = Folder::new();
    folder.copy("fixture-crashing");
    folder.copy("datafusion-plugin-example");
    let names = "[plugins.exmaple]\n[plugins.crashing]\n[plugins.example]\nenabled = false";
    let config = folder.write("plugins.toml", names);
    let by = ["--plugin-dir", folder.path(), "--config", text(&config)];
    let listed = Ran::of(command(&["list", "--json"]).args(by).output().unwrap());
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert_eq!(
        listed.json()["not_found"],
        serde_json::json!(["exmaple"]),
        "{listed:?}"
    );
    let shown = Ran::of(command(&["list"]).args(by).output().unwrap()).stdout;
    let line = "not found:\n  [plugins.exmaple] is without effect\n";
    assert!(shown.contains(line), "{shown}");
}
