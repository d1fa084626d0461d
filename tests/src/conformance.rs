//! What every plugin must hold to, whatever it exports.
//!
//! [`check`] takes a compiled plugin, and its functions linked in where there are such.

mod answers;

use std::{fs, path::Path, process::Command, sync::Arc};

use datafusion::{
    execution::FunctionRegistry,
    logical_expr::{AggregateUDF, Documentation, ScalarUDF, WindowUDF},
    prelude::SessionContext,
};
use datafusion_plugin_host::{
    PluginHost,
    artifact::{Artifact, description::Description},
    config::Config,
};
use serde_json::Value;

use crate::plugins::program;

/// A plugin's functions as its crate has them.
#[derive(Debug, Default)]
pub struct LinkedIn {
    /// Scalar functions, the async ones included.
    pub scalar: Vec<Arc<ScalarUDF>>,
    /// Aggregate functions.
    pub aggregate: Vec<Arc<AggregateUDF>>,
    /// Window functions.
    pub window: Vec<Arc<WindowUDF>>,
}

/// Makes sure of all that a plugin must hold to:
///
/// - two activations export the same;
/// - what is packed is what activation yields, and the packed file loads;
/// - every function answers to its qualified name in SQL, and so does every alias;
/// - a second install changes nothing;
/// - `plugin-host check` finds nothing but `findings`, each given by a part of its text;
/// - with `linked_in`: the same functions, with the same names, aliases, volatility and
///   documentation, and the same answers to the calls of `plugin-host check`.
///
/// # Panics
/// At the first of these that does not hold.
pub async fn check(plugin: &Path, linked_in: Option<&LinkedIn>, findings: &[&str]) {
    let host = load(plugin);
    let description = described(&host);
    assert!(description.count() > 0, "{}", plugin.display());
    assert_eq!(described(&load(plugin)), description, "activated again");
    packed_is_activated(plugin, &description);
    answers_to_qualified_names(&host, &description).await;
    second_install_changes_nothing(&host);
    let report = checked(plugin, findings);
    if let Some(linked_in) = linked_in {
        exports_are_those_linked_in(&description, linked_in);
        answers::same(&host, linked_in, &report).await;
    }
}

fn load(plugin: &Path) -> PluginHost {
    // What is compared with functions linked in must not lose its names to built-in ones.
    let name = Artifact::read(plugin).unwrap().manifest().name.clone();
    let config = format!("[plugins.{name}]\nreplace_builtins = true");
    let builder = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin);
    let builder = builder.config(Config::parse(&config).unwrap());
    builder.load().unwrap()
}

fn described(host: &PluginHost) -> Description {
    host.plugins()[0].description()
}

fn packed_is_activated(plugin: &Path, description: &Description) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(plugin.file_name().unwrap());
    fs::copy(plugin, &copy).unwrap();
    let mut pack = Command::new(program("plugin-host"));
    let output = pack.arg("pack").arg(&copy).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let artifact = Artifact::read(&copy).unwrap();
    assert_eq!(artifact.description(), Some(description), "packed");
    assert_eq!(
        &described(&load(&copy)),
        description,
        "packed and activated"
    );
}

async fn answers_to_qualified_names(host: &PluginHost, description: &Description) {
    let ctx = SessionContext::new();
    let report = host.install(&ctx);
    assert_eq!(report.qualified_only().count(), 0, "{report:?}");
    let plugins = host.plugins();
    let plugin = plugins[0].name();
    // DataFusion takes a compound function name as it is written, with quotes if there are any.
    // A call without arguments is wrong for most, but only an unknown name is unknown.
    let known = async |sql: String| match ctx.sql(&sql).await {
        Ok(_) => true,
        Err(error) => {
            let message = error.strip_backtrace();
            !(message.contains("Invalid function") || message.contains("not found"))
        }
    };
    assert!(!known(format!("SELECT {plugin}.no_such_function()")).await);
    assert!(!known(format!("SELECT * FROM {plugin}.no_such_function()")).await);
    for function in &description.functions {
        for name in std::iter::once(&function.name).chain(&function.aliases) {
            for name in [format!("{plugin}.{name}"), format!("\"{name}\"")] {
                let over = if function.kind == "window" {
                    " OVER ()"
                } else {
                    ""
                };
                let sql = format!("SELECT {name}(){over}");
                assert!(
                    known(sql.clone()).await,
                    "{sql}: {:?}",
                    ctx.sql(&sql).await.err()
                );
            }
        }
    }
    for function in &description.table_functions {
        let sql = format!("SELECT * FROM {plugin}.{}()", function.name);
        assert!(
            known(sql.clone()).await,
            "{sql}: {:?}",
            ctx.sql(&sql).await.err()
        );
    }
}

fn second_install_changes_nothing(host: &PluginHost) {
    let ctx = SessionContext::new();
    let names = || {
        let state = ctx.state();
        let functions = [state.udfs(), state.udafs(), state.udwfs()];
        let mut tables: Vec<_> = state.table_functions().keys().cloned().collect();
        tables.sort();
        (functions, tables, state.relation_planners().len())
    };
    let without = names();
    let installed = !host.install(&ctx).is_unchanged();
    let description = described(host);
    // Policies guard a session, and are under no name in it.
    assert_eq!(installed, description.count() > description.policies.len());
    let once = names();
    assert_ne!(once, without);
    assert!(host.install(&ctx).is_unchanged());
    assert_eq!(names(), once);
}

/// What `plugin-host check` says, which must be no more and no less than `expected`.
fn checked(plugin: &Path, expected: &[&str]) -> Value {
    let mut check = Command::new(program("plugin-host"));
    let check = check.args(["check", "--json"]).arg(plugin);
    let output = check.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let findings = report["findings"].as_array().unwrap();
    let text = |finding: &Value| finding.as_str().unwrap().to_owned();
    let findings: Vec<String> = findings.iter().map(text).collect();
    for finding in &findings {
        let known = expected.iter().any(|part| finding.contains(part));
        assert!(known, "not expected: {finding}");
    }
    for part in expected {
        let found = findings.iter().any(|finding| finding.contains(part));
        assert!(found, "'{part}' is found no more: {findings:#?}");
    }
    report
}

fn exports_are_those_linked_in(description: &Description, linked_in: &LinkedIn) {
    type Facts = Vec<(String, Vec<String>, String, Option<String>)>;
    let linked =
        |name: &str, aliases: &[String], volatility, documentation: Option<&Documentation>| {
            (
                name.to_owned(),
                aliases.to_vec(),
                format!("{volatility:?}").to_lowercase(),
                documentation.map(|documentation| documentation.description.clone()),
            )
        };
    let loaded = |kinds: &[&str]| -> Facts {
        let entries = description.functions.iter();
        let entries = entries.filter(|entry| kinds.contains(&entry.kind.as_str()));
        let mut facts: Facts = entries
            .map(|entry| {
                // DataFusion's own `AsyncScalarUDF` loses the documentation; a plugin keeps it.
                let documentation = entry.documentation.as_ref();
                let documentation = documentation.filter(|_| entry.kind != "async_scalar");
                (
                    entry.name.clone(),
                    entry.aliases.clone(),
                    entry.volatility.clone(),
                    documentation.map(|documentation| documentation.description.clone()),
                )
            })
            .collect();
        facts.sort();
        facts
    };
    let sorted = |mut facts: Facts| {
        facts.sort();
        facts
    };
    let facts = linked_in.scalar.iter().map(|f| {
        linked(
            f.name(),
            f.aliases(),
            f.signature().volatility,
            f.documentation(),
        )
    });
    assert_eq!(loaded(&["scalar", "async_scalar"]), sorted(facts.collect()));
    let facts = linked_in.aggregate.iter().map(|f| {
        linked(
            f.name(),
            f.aliases(),
            f.signature().volatility,
            f.documentation(),
        )
    });
    assert_eq!(loaded(&["aggregate"]), sorted(facts.collect()));
    let facts = linked_in.window.iter().map(|f| {
        linked(
            f.name(),
            f.aliases(),
            f.signature().volatility,
            f.documentation(),
        )
    });
    assert_eq!(loaded(&["window"]), sorted(facts.collect()));
}
