//! Who answers to which name.

use std::fs;

use datafusion::{arrow::util::pretty::pretty_format_batches, prelude::SessionContext};
use datafusion_plugin_host::{BareName, PluginHost, config::Config};
use plugin_tests::{
    patch::{patched, set},
    plugins::plugin,
};
use tempfile::TempDir;

/// Copies of the example plugin, each with a name of its own, in one directory.
fn copies(names: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in names {
        let path = folder
            .path()
            .join(format!("{name}{}", std::env::consts::DLL_SUFFIX));
        let example = plugin("datafusion-plugin-example");
        patched(&example, path, |records| set(records, "name", name));
    }
    folder
}

async fn answer(context: &SessionContext, sql: &str) -> Result<String, String> {
    let frame = context.sql(sql).await.map_err(|error| error.to_string())?;
    let batches = frame.collect().await.map_err(|error| error.to_string())?;
    let table = pretty_format_batches(&batches).unwrap().to_string();
    Ok(table
        .lines()
        .nth(3)
        .unwrap_or_default()
        .trim_matches(['|', ' '])
        .to_owned())
}

#[tokio::test]
async fn two_plugins_of_a_directory_answer_with_their_own_functions() {
    let folder = TempDir::new().unwrap();
    for package in ["datafusion-plugin-example", "datafusion-plugin-spark"] {
        let library = plugin(package);
        fs::copy(&library, folder.path().join(library.file_name().unwrap())).unwrap();
    }
    let host = PluginHost::builder()
        .plugin_dir(folder.path())
        .load()
        .unwrap();
    let context = SessionContext::new();
    host.install(&context);
    assert_eq!(
        answer(&context, "select example.greet('Ada')")
            .await
            .unwrap(),
        "Hello, Ada!"
    );
    assert_eq!(
        answer(&context, "select spark.hex(255)").await.unwrap(),
        "FF"
    );
    // What one plugin has, the other has not.
    assert!(answer(&context, "select spark.greet('Ada')").await.is_err());
}

#[tokio::test]
async fn ten_plugins_of_a_directory_answer_each_for_itself() {
    let names: Vec<String> = (0..10).map(|i| format!("plugin_{i}")).collect();
    let folder = copies(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let host = PluginHost::builder()
        .plugin_dir(folder.path())
        .load()
        .unwrap();
    assert_eq!(host.plugins().len(), 10);
    let context = SessionContext::new();
    host.install(&context);
    for (i, name) in names.iter().enumerate() {
        let sql =
            format!("select {name}.greet('{i}'), (select sum(value) from {name}.series(0, {i}))");
        let expected = format!("Hello, {i}!");
        assert!(
            answer(&context, &sql).await.unwrap().starts_with(&expected),
            "{sql}"
        );
    }
    // Each counts its own calls: ten libraries, not one ten times.
    let sql = "select count(*) from plugin_metrics() where item = 'greet' and calls = 1";
    assert_eq!(answer(&context, sql).await.unwrap(), "10");
}

#[tokio::test]
async fn of_two_plugins_with_one_bare_name_neither_gets_it() {
    let folder = copies(&["one", "two"]);
    let host = PluginHost::builder()
        .plugin_dir(folder.path())
        .load()
        .unwrap();
    let context = SessionContext::new();
    let report = host.install(&context);
    for plugin in &report.plugins {
        for item in &plugin.items {
            assert!(
                matches!(&item.bare, BareName::Contested { with } if with.len() == 1),
                "{item:?}"
            );
        }
    }
    assert!(answer(&context, "select greet('Ada')").await.is_err());
    assert_eq!(
        answer(&context, "select two.greet('Ada')").await.unwrap(),
        "Hello, Ada!"
    );
    // DataFusion encodes functions by name, so the name is the qualified one.
    assert_eq!(
        context.state().scalar_functions()["two.greet"].name(),
        "two.greet"
    );
}

#[tokio::test]
async fn the_preferred_plugin_gets_a_contested_name() {
    let folder = copies(&["one", "two"]);
    let config = Config::parse("[names.prefer]\ngreet = \"two\"").unwrap();
    let host = PluginHost::builder()
        .plugin_dir(folder.path())
        .config(config)
        .load()
        .unwrap();
    let context = SessionContext::new();
    let report = host.install(&context);
    let bare = |plugin: usize| {
        let items = &report.plugins[plugin].items;
        items
            .iter()
            .find(|item| item.name.ends_with(".greet"))
            .unwrap()
            .bare
            .clone()
    };
    assert_eq!(
        bare(0),
        BareName::PreferredFrom {
            plugin: "two".to_owned()
        }
    );
    assert_eq!(bare(1), BareName::Granted);
    assert_eq!(
        answer(&context, "select greet('Ada')").await.unwrap(),
        "Hello, Ada!"
    );
}

/// Spark's `ascii` is DataFusion's too.
#[tokio::test]
async fn a_built_in_keeps_its_name_unless_it_may_be_replaced() {
    let install = |config: &str| {
        let host = PluginHost::builder()
            .plugin_file(plugin("datafusion-plugin-spark"))
            .config(Config::parse(config).unwrap())
            .load()
            .unwrap();
        let context = SessionContext::new();
        let report = host.install(&context);
        let items = &report.plugins[0].items;
        let ascii = items
            .iter()
            .find(|item| item.name == "spark.ascii")
            .unwrap()
            .bare
            .clone();
        (context, ascii)
    };
    let built_in = SessionContext::new().state().scalar_functions()["ascii"].clone();
    let (kept, bare) = install("");
    assert_eq!(bare, BareName::Taken);
    assert_eq!(kept.state().scalar_functions()["ascii"], built_in);
    assert_eq!(
        answer(&kept, "select spark.ascii('A')").await.unwrap(),
        "65"
    );
    let (replaced, bare) = install("[plugins.spark]\nreplace_builtins = true");
    assert_eq!(bare, BareName::Replaced);
    assert_ne!(replaced.state().scalar_functions()["ascii"], built_in);
    assert_eq!(answer(&replaced, "select ascii('A')").await.unwrap(), "65");
}
