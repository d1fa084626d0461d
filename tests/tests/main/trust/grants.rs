//! What plugins may do.

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::{
    ItemKind, PluginHost, PolicyRefusal, Subject, config::Config, trust::Grant,
};
use plugin_tests::plugins::plugin;

use super::builder;

fn rules(builder: datafusion_plugin_host::PluginHostBuilder) -> PluginHost {
    builder
        .plugin_file(plugin("fixture-rule-plugin"))
        .load()
        .unwrap()
}

/// The kinds that are installed, and those that are not.
fn installed(host: &PluginHost) -> (Vec<ItemKind>, Vec<String>) {
    let context = SessionContext::new();
    let before = context.state().analyzer().rules.len();
    let report = host.install(&context);
    let mut kinds: Vec<_> = report.plugins[0]
        .items
        .iter()
        .map(|item| item.kind)
        .collect();
    kinds.sort();
    kinds.dedup();
    let analyzes = kinds.contains(&ItemKind::AnalyzerRule);
    assert_eq!(context.state().analyzer().rules.len() > before, analyzes);
    let refused = report.refused().map(|(plugin, refused)| {
        let (reason, kind) = (refused.reason.to_string(), refused.capability.kind.name());
        assert!(
            reason.contains("is not granted") && reason.contains(kind),
            "{reason}"
        );
        assert!(
            reason.contains(&format!("plugins.{plugin}.grants")),
            "{reason}"
        );
        kind.to_owned()
    });
    (kinds, refused.collect())
}

#[test]
fn rules_are_not_installed_unless_granted_by_name() {
    let none = rules(PluginHost::builder());
    let kinds = ["analyzer_rule", "optimizer_rule", "physical_optimizer_rule"];
    let all = kinds.map(str::to_owned).to_vec();
    let but = |granted: &str| -> Vec<String> {
        all.iter()
            .filter(|kind| *kind != granted)
            .cloned()
            .collect()
    };
    assert_eq!(installed(&none), (Vec::new(), all.clone()));
    let name = none.plugins()[0].name().to_owned();

    let one = builder(&format!("[plugins.{name}]\ngrants = ['analyzer_rule']"));
    let one = installed(&rules(one));
    assert_eq!(one, (vec![ItemKind::AnalyzerRule], but("analyzer_rule")));
    let other = PluginHost::builder().grant(&name, Grant::from_name("optimizer_rule"));
    let other = installed(&rules(other));
    assert_eq!(
        other,
        (vec![ItemKind::OptimizerRule], but("optimizer_rule"))
    );
    // A grant is a plugin's own.
    let strange = PluginHost::builder().grant("another", Grant::from_name("optimizer_rule"));
    assert_eq!(installed(&rules(strange)).1, all);
    let everything = installed(&rules(PluginHost::builder().grant_every_capability()));
    assert_eq!(
        everything,
        (
            vec![
                ItemKind::AnalyzerRule,
                ItemKind::OptimizerRule,
                ItemKind::PhysicalOptimizerRule
            ],
            Vec::new()
        )
    );
}

#[tokio::test]
async fn the_host_tells_what_is_not_granted() {
    let context = SessionContext::new();
    rules(PluginHost::builder()).install(&context);
    let sql = "select count(*) from plugin_capabilities()
               where not granted and reason like '%is not granted; grant it%'";
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let shown = datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap();
    assert!(shown.to_string().contains("| 3 "), "{shown}");
}

/// A policy that is not granted is not asked; where the configuration demands it, nothing runs.
#[tokio::test]
async fn a_demanded_policy_that_is_not_granted_refuses_everything() {
    let host = |config: &str| {
        let config = Config::parse(config).unwrap();
        let builder = PluginHost::builder().config(config);
        builder
            .plugin_file(plugin("fixture-policy-plugin"))
            .load()
            .unwrap()
    };
    let free = host("");
    assert!(!free.has_policies());
    let name = free.plugins()[0].name().to_owned();
    for required in [name.clone(), format!("{name}.wild")] {
        let host = host(&format!("[policies]\nrequired = ['{required}']"));
        assert!(host.has_policies());
        let context = SessionContext::new();
        let guarded = host.guarded(&context, Subject::default());
        let error = guarded.sql("select 1").await.err().unwrap();
        let refusal = PolicyRefusal::of(&error).unwrap();
        let expected = PolicyRefusal::NotGranted {
            policy: required.clone(),
        };
        assert_eq!(*refusal, expected);
        let text = refusal.to_string();
        assert!(text.contains("not granted capability 'policy'"), "{text}");
        host.install(&context);
        let plain = async { context.sql("select 1").await?.collect().await };
        let error = plain.await.unwrap_err();
        assert!(error.to_string().contains("not granted"), "{error}");
    }
}

#[test]
fn built_ins_are_replaced_by_grant() {
    let replaced = |builder: datafusion_plugin_host::PluginHostBuilder| {
        let host = builder
            .plugin_file(plugin("datafusion-plugin-spark"))
            .load()
            .unwrap();
        let report = host.install(&SessionContext::new());
        let mut items = report.plugins[0].items.iter();
        items
            .find(|item| item.name == "spark.ascii")
            .unwrap()
            .bare
            .is_granted()
    };
    assert!(!replaced(PluginHost::builder()));
    assert!(!replaced(PluginHost::builder().grant_every_capability()));
    assert!(replaced(
        PluginHost::builder().grant("spark", [Grant::ReplaceBuiltins])
    ));
    assert!(replaced(builder(
        "[plugins.spark]\ngrants = ['replace_builtins']"
    )));
    assert!(replaced(builder(
        "[plugins.spark]\nreplace_builtins = true"
    )));
}
