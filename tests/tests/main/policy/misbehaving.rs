//! A policy that panics, errs, blocks, talks nonsense or is not there: nothing runs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use datafusion::prelude::SessionContext;
use datafusion_plugin_api::sdk::Plugin;
use datafusion_plugin_host::{GuardedSession, PluginHost, PolicyRefusal, Subject, config::Config};
use fixture_policies::Misbehaving;
use plugin_tests::plugins::plugin;

use super::{linked_in, session::rows, world::run};

/// The fixture's policy in a mode, linked in and loaded.
fn hosts(mode: &str) -> [PluginHost; 2] {
    // Only who is slow is to be given up soon, however loaded the machine is.
    let limit = match mode {
        "sleep" | "allow" => 300,
        _ => 60_000,
    };
    let text = format!(
        "[plugins.misbehaving]\noptions = {{ mode = '{mode}' }}\n[policies]\ntime_limit_ms = {limit}"
    );
    let config = || Config::parse(&text).unwrap();
    let made = || Plugin::new().policy("wild", Misbehaving::new(mode));
    let loaded = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-policy-plugin"))
        .config(config())
        .load()
        .unwrap();
    [linked_in(made, "misbehaving", config()), loaded]
}

async fn owner() -> SessionContext {
    let owner = SessionContext::new();
    for sql in [
        "create table t (a int, b varchar) as values (1, 'x'), (2, 'y')",
        "create table free (a int) as values (1)",
    ] {
        owner.sql(sql).await.unwrap().collect().await.unwrap();
    }
    owner
}

fn session(host: &PluginHost, owner: &SessionContext, user: &str) -> GuardedSession {
    host.guarded(owner, Subject::user(user))
}

/// Ways to touch the table; the last would change it.
const WAYS: [&str; 5] = [
    "select * from t",
    "explain select count(*) from t",
    "create view v as select * from t",
    "prepare p as select a from t",
    "create table copied as select * from t",
];

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_refuses_the_statement() {
    for (mode, said) in [
        ("panic", "no decision on t"),
        ("error", "cannot decide"),
        ("sleep", "no decision within 300ms"),
        ("unknown_table", "the statement has no such table"),
        ("filter_column", "nope"),
        ("filter_sql", "a = = 1"),
        ("filter_two", "a = 1; select 1"),
        ("filter_type", "expected Boolean"),
        ("filter_subquery", "looks beyond the row"),
        ("filter_aggregate", "looks beyond the row"),
        ("filter_function", "no_such_function"),
        ("mask_column", "no column 'nope'"),
        ("mask_sql", "'x"),
        ("mask_type", "expected Utf8"),
        ("mask_reference", "nope"),
        ("mask_window", "looks beyond the row"),
    ] {
        for host in hosts(mode) {
            let owner = owner().await;
            let session = session(&host, &owner, "ann");
            for sql in WAYS {
                // What is only kept is decided on in full when it runs; a decision that cannot be
                // made refuses even that.
                let keeps = sql.starts_with("prepare")
                    && (mode.starts_with("filter") || mode.starts_with("mask"));
                let answer = run(&session, sql).await;
                let error = match (answer, keeps) {
                    (Err(error), false) => error,
                    (Ok(_), true) => run(&session, "execute p").await.unwrap_err(),
                    (other, _) => panic!("{mode}, {sql}: {other:?}"),
                };
                let refusal = PolicyRefusal::of(&error);
                let text = refusal.unwrap_or_else(|| panic!("{error}")).to_string();
                assert!(text.contains("misbehaving.wild"), "{mode}, {sql}: {text}");
                assert!(text.contains(said), "{mode}, {sql}: {text}");
                let prepared_again = session.sql("deallocate p").await;
                drop(prepared_again);
            }
            assert!(!owner.table_exist("copied").unwrap(), "{mode}");
            assert!(!owner.table_exist("v").unwrap(), "{mode}");
            // Plugin and session stay usable.
            let free = run(&session, "select a from free").await.unwrap();
            assert_eq!(rows(&free), "1", "{mode}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_names_its_line() {
    for host in hosts("panic") {
        let owner = owner().await;
        let error = run(&session(&host, &owner, "ann"), "select * from t").await;
        let text = error.unwrap_err().to_string();
        assert!(text.contains("panic"), "{text}");
        // The hook that keeps the line is the plugin's own.
        if host.plugins().len() == 1 {
            assert!(text.contains("policies/src/lib.rs:"), "{text}");
        }
    }
}

/// Guards that a blocked policy takes neither the executor nor other people's statements with it.
#[tokio::test(flavor = "current_thread")]
async fn a_blocked_policy_blocks_nobody_else() {
    for host in hosts("allow") {
        let owner = owner().await;
        let (slow, quick) = (
            session(&host, &owner, "slow"),
            session(&host, &owner, "ann"),
        );
        for _ in 0..3 {
            let begun = Instant::now();
            let error = run(&slow, "select a from t").await.unwrap_err();
            assert!(
                begun.elapsed() < Duration::from_secs(2),
                "{:?}",
                begun.elapsed()
            );
            assert!(
                matches!(
                    PolicyRefusal::of(&error),
                    Some(PolicyRefusal::TooSlow { .. })
                ),
                "{error}"
            );
            let found = run(&quick, "select a from t where a = 1").await.unwrap();
            assert_eq!(rows(&found), "1");
        }
    }
}

/// Guards that policies that are all stuck refuse, and are asked again once they are back.
#[tokio::test(flavor = "multi_thread")]
async fn stuck_threads_come_back() {
    let [host, _] = hosts("allow");
    let owner = owner().await;
    let slow = Arc::new(session(&host, &owner, "slow"));
    let many = (0..12).map(|_| {
        let slow = Arc::clone(&slow);
        tokio::task::spawn(async move { run(&slow, "select 1").await.is_err() })
    });
    for refused in futures::future::join_all(many).await {
        assert!(refused.unwrap());
    }
    let quick = session(&host, &owner, "ann");
    let error = run(&quick, "select a from t").await.unwrap_err();
    assert!(matches!(
        PolicyRefusal::of(&error),
        Some(PolicyRefusal::TooSlow { .. })
    ));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(
        rows(&run(&quick, "select a from t where a = 2").await.unwrap()),
        "2"
    );
}

#[tokio::test]
async fn a_required_policy_that_is_not_there_refuses_everything() {
    for (required, loaded) in [
        ("policy", false),
        ("misbehaving.tame", true),
        ("policy", true),
    ] {
        let config = format!("[policies]\nrequired = ['{required}']");
        let mut builder = PluginHost::builder()
            .grant_every_capability()
            .config(Config::parse(&config).unwrap());
        if loaded {
            builder = builder.plugin_file(plugin("fixture-policy-plugin"));
        }
        let host = builder.load().unwrap();
        assert!(host.has_policies());
        let owner = owner().await;
        let guarded = session(&host, &owner, "ann");
        for sql in [
            "select 1",
            "set datafusion.execution.batch_size = 1",
            "create table x as select 1",
        ] {
            let error = run(&guarded, sql).await.unwrap_err();
            let text = PolicyRefusal::of(&error).unwrap().to_string();
            assert!(
                text.contains(required) && text.contains("not loaded"),
                "{text}"
            );
        }
        assert!(!owner.table_exist("x").unwrap());
        host.install(&owner);
        let plain = async { owner.sql("select a from t").await?.collect().await };
        let error = plain.await.unwrap_err();
        assert!(error.to_string().contains("not loaded"), "{error}");
    }
    let config = Config::parse("[policies]\nrequired = ['misbehaving.wild']").unwrap();
    let there = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-policy-plugin"))
        .config(config)
        .load()
        .unwrap();
    let owner = owner().await;
    run(&session(&there, &owner, "ann"), "select 1")
        .await
        .unwrap();
}
