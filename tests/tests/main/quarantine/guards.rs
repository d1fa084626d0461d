//! Policies, rules and planners of a plugin in quarantine.

use datafusion_plugin_api::sdk::Plugin;
use datafusion_plugin_host::{PolicyRefusal, Subject};
use fixture_policies::Misbehaving;

use super::*;

const ONE: &str = "[host]\nquarantine = { after = 1 }\n";

fn of(package: &str, config: &str) -> PluginHost {
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin(package))
        .grant_every_capability()
        .config(Config::parse(&format!("{ONE}{config}")).unwrap())
        .load()
        .unwrap()
}

async fn with_table() -> SessionContext {
    let context = SessionContext::new();
    let sql = "create table t as select 1 as a";
    context.sql(sql).await.unwrap().collect().await.unwrap();
    context
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_refuses_everything() {
    let config = "[plugins.misbehaving]\noptions = { mode = 'panic' }";
    let made = Plugin::new().policy("wild", Misbehaving::new("panic"));
    let linked_in = PluginHost::builder()
        .grant_every_capability()
        .config(Config::parse(ONE).unwrap())
        .linked_policies("misbehaving", made.into_instance().unwrap());
    for host in [
        of("fixture-policy-plugin", config),
        linked_in.load().unwrap(),
    ] {
        let context = with_table().await;
        let session = host.guarded(&context, Subject::user("ann"));
        let run = async |sql: &str| session.sql(sql).await?.collect().await;
        run("select 1").await.unwrap();
        run("select * from t").await.unwrap_err();
        let error = run("select 1").await.unwrap_err();
        let refusal = PolicyRefusal::of(&error).unwrap().to_string();
        for part in ["misbehaving.wild", "quarantined since", "no decision on t"] {
            assert!(refusal.contains(part), "{part}: {refusal}");
        }
        assert!(host.reset("misbehaving"));
        run("select 1").await.unwrap();
    }
}

#[tokio::test]
async fn a_rule_passes_unless_it_is_a_policy() {
    for policy in [false, true] {
        let options = format!("rules = ['ill', 'even']\npolicy = {policy}");
        let host = of(
            "fixture-rule-plugin",
            &format!("[plugins.rules.options]\n{options}"),
        );
        let context = with_table().await;
        host.install(&context);
        rows(&context, "select * from t").await.unwrap();
        failure(&context, "select a as trouble_panics from t").await;
        let answer = rows(&context, "select * from t").await;
        match policy {
            false => assert!(answer.unwrap().contains('1')),
            true => {
                let message = answer.unwrap_err().to_string();
                for part in ["quarantined since", "the rule gives up", "plugin 'rules'"] {
                    assert!(message.contains(part), "{part}: {message}");
                }
            }
        }
        assert!(host.reset("rules"));
        rows(&context, "select * from t").await.unwrap();
    }
}

/// A table of a catalog is not just missing.
#[tokio::test]
async fn a_catalog_says_why() {
    let host = of("fixture-table-plugin", "");
    let context = with_table().await;
    host.install(&context);
    let sql = "select * from library.stacks.maps";
    rows(&context, sql).await.unwrap();
    failure(&context, "select * from lying('scan panic')").await;
    let message = failure(&context, sql).await;
    for part in ["quarantined since", "plugin 'tables', 'library'"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(host.reset("tables"));
    rows(&context, sql).await.unwrap();
}

#[tokio::test]
async fn planners_answer_with_the_error() {
    let host = of("fixture-planner-plugin", "");
    let context = with_table().await;
    host.install(&context);
    rows(&context, "select * from t").await.unwrap();
    failure(&context, "select * from panicking").await;
    let message = failure(&context, "select * from t").await;
    for part in ["quarantined since", "a relation planner panics", "planners"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(host.reset("planners"));
    rows(&context, "select * from t").await.unwrap();
}
