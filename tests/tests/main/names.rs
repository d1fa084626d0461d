//! Who answers to which name.

use std::fs;

use datafusion::{
    arrow::util::pretty::pretty_format_batches, execution::SessionStateBuilder,
    prelude::SessionContext,
};
use datafusion_plugin_host::{BareName, PluginHost, config::Config};
use datafusion_proto::bytes::{logical_plan_from_bytes, logical_plan_to_bytes};
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
        // Tables have no bare name.
        let named = plugin.items.iter();
        for item in named.filter(|item| item.bare != BareName::Unused) {
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

/// Everything that a session's functions answer to.
fn names(context: &SessionContext) -> Vec<(String, String)> {
    let state = context.state();
    let mut names = Vec::new();
    let mut add = |name: &String, own: &str| names.push((name.clone(), own.to_owned()));
    for (name, udf) in state.scalar_functions() {
        add(name, udf.name());
    }
    for (name, udf) in state.aggregate_functions() {
        add(name, udf.name());
    }
    for (name, udf) in state.window_functions() {
        add(name, udf.name());
    }
    for (name, function) in state.table_functions() {
        add(name, function.name());
    }
    names.sort();
    names
}

fn load(folder: &TempDir, files: &[&str], config: &str) -> PluginHost {
    let mut builder = PluginHost::builder().config(Config::parse(config).unwrap());
    for file in files {
        let file = format!("{file}{}", std::env::consts::DLL_SUFFIX);
        builder = builder.plugin_file(folder.path().join(file));
    }
    builder.load().unwrap()
}

const QUALIFIED: [(&str, &str); 5] = [
    ("select one.greet('Ada')", "Hello, Ada!"),
    ("select one.slow_square(3.0)", "9.0"),
    (
        "select one.geometric_mean(column1) from (values (2.0), (8.0)) t",
        "4.0",
    ),
    (
        "select one.run_length(column1) over () from (values (1)) t",
        "1",
    ),
    ("select sum(value) from one.series(1, 4)", "6"),
];

#[tokio::test]
async fn every_kind_answers_to_its_qualified_name() {
    let folder = copies(&["one", "two"]);
    // With its bare name, and without.
    for files in [&["one"][..], &["one", "two"]] {
        let context = SessionContext::new();
        load(&folder, files, "").install(&context);
        for (sql, expected) in QUALIFIED {
            assert_eq!(answer(&context, sql).await.unwrap(), expected, "{sql}");
            let bare = answer(&context, &sql.replace("one.", "")).await;
            assert_eq!(bare.is_ok(), files.len() == 1, "{sql}: {bare:?}");
        }
    }
}

#[test]
fn the_order_of_plugins_does_not_decide_names() {
    let folder = copies(&["one", "two"]);
    for config in ["", "[names.prefer]\ngreet = \"two\"\nseries = \"one\""] {
        let orders = [["one", "two"], ["two", "one"]].map(|files| {
            let host = load(&folder, &files, config);
            let context = SessionContext::new();
            host.install(&context);
            let before = names(&context);
            // Again, by another way: nothing changes.
            assert!(host.install(&context).is_unchanged());
            assert_eq!(names(&context), before);
            let builder = SessionStateBuilder::new_with_default_features();
            let (builder, _) = host.install_into(builder);
            let built = SessionContext::new_with_state(builder.build());
            assert_eq!(names(&built), before);
            before
        });
        assert_eq!(orders[0], orders[1], "{config}");
        let owner = |name: &str| {
            let mut found = orders[0].iter().filter(|(found, _)| found == name);
            found.next().map(|(_, own)| own.clone())
        };
        let expected = (!config.is_empty()).then(|| "greet".to_owned());
        assert_eq!(owner("greet"), expected);
        assert_eq!(owner("one.greet").as_deref(), Some("one.greet"));
    }
}

/// Two installs of one plugin by different hosts: the session keeps the one that it had.
#[test]
fn what_a_session_has_keeps_its_name() {
    let folder = copies(&["one"]);
    let context = SessionContext::new();
    load(&folder, &["one"], "").install(&context);
    let first = context.state().scalar_functions()["greet"].clone();
    let report = load(&folder, &["one"], "").install(&context);
    let items = &report.plugins[0].items;
    let kept = |bare: &BareName| matches!(bare, BareName::Taken | BareName::Unused);
    assert!(items.iter().all(|item| kept(&item.bare)), "{items:?}");
    assert_eq!(context.state().scalar_functions()["greet"], first);
}

#[tokio::test]
async fn aliases_follow_the_rules_of_names() {
    let twins = plugin("fixture-twin-plugin");
    let folder = TempDir::new().unwrap();
    for name in ["one", "two"] {
        let path = folder
            .path()
            .join(format!("{name}{}", std::env::consts::DLL_SUFFIX));
        patched(&twins, path, |records| set(records, "name", name));
    }
    let sql = |name: &str| format!("select {name}(3, 1)");
    let all = [
        "named",
        "difference",
        "one.named",
        "one.difference",
        "one.minus_of",
    ];

    let alone = SessionContext::new();
    load(&folder, &["one"], "").install(&alone);
    for name in all {
        assert_eq!(answer(&alone, &sql(name)).await.unwrap(), "2", "{name}");
    }

    let contested = SessionContext::new();
    let config = "[names.prefer]\ndifference = \"two\"";
    let report = load(&folder, &["one", "two"], config).install(&contested);
    for name in &all[1..] {
        assert_eq!(answer(&contested, &sql(name)).await.unwrap(), "2", "{name}");
    }
    assert!(answer(&contested, &sql("named")).await.is_err());
    let aliases: Vec<_> = report
        .plugins
        .iter()
        .map(|plugin| {
            let mut items = plugin.items.iter();
            let named = items.find(|item| item.name.ends_with(".named")).unwrap();
            named.aliases.join(", ")
        })
        .collect();
    assert_eq!(aliases, ["", "difference"]);
}

/// DataFusion encodes functions by name: that of a function with no bare name must be one that the
/// session knows.
#[tokio::test]
async fn plans_with_qualified_functions_can_be_encoded() {
    let folder = copies(&["one", "two"]);
    let context = SessionContext::new();
    load(&folder, &["one", "two"], "").install(&context);
    for sql in [
        "select two.greet(column1) g from (values ('Ada')) t",
        "select two.geometric_mean(column1) g from (values (4.0)) t",
        "select two.run_length(column1) over () g from (values (4.0)) t",
    ] {
        let plan = context.sql(sql).await.unwrap().into_optimized_plan();
        let plan = plan.unwrap();
        let bytes = logical_plan_to_bytes(&plan).unwrap();
        let decoded = logical_plan_from_bytes(&bytes, &context.task_ctx()).unwrap();
        assert_eq!(
            decoded.display_indent().to_string(),
            plan.display_indent().to_string()
        );
        assert!(decoded.to_string().contains("two."), "{decoded}");
        let frame = context.execute_logical_plan(decoded).await.unwrap();
        frame.collect().await.unwrap();
    }
}

/// Guards that errors bear the name of the manifest, which is what the host knows the plugin by.
#[tokio::test]
async fn an_error_names_the_plugin_as_its_manifest_does() {
    let folder = TempDir::new().unwrap();
    let path = folder
        .path()
        .join(format!("one{}", std::env::consts::DLL_SUFFIX));
    patched(&plugin("fixture-failing"), path, |records| {
        set(records, "name", "renamed");
    });
    let context = SessionContext::new();
    load(&folder, &["one"], "").install(&context);
    let error = answer(&context, "select fail('plan')").await.unwrap_err();
    assert!(error.contains("(plugin 'renamed', 'fail')"), "{error}");
}
