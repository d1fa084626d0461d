//! What blocks while it is asked or written to is given up at its limit, whatever its kind.

use std::fs;

use datafusion_plugin_host::{PolicyRefusal, Subject};
use plugin_tests::patch::{patched, set};

use super::*;

fn host(package: &str, config: &str) -> PluginHost {
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin(package))
        .config(Config::parse(config).unwrap())
        .load()
        .unwrap()
}

fn blocking(limits: &str) -> (PluginHost, SessionContext) {
    let config = format!("[plugins.blocking]\nlimits = {{ {limits} }}");
    let host = host("fixture-blocking", &config);
    let context = SessionContext::new();
    host.install(&context);
    (host, context)
}

/// The error of a statement, which comes soon after the limit and is counted as the item's.
async fn given_up(host: &PluginHost, context: &SessionContext, item: &str, sql: &str) {
    let begun = Instant::now();
    let answer = rows(context, sql).await;
    let took = begun.elapsed();
    let error = answer.map(|rows| panic!("{sql}: {rows}")).unwrap_err();
    let error = error.strip_backtrace();
    assert!(took < Duration::from_secs(2), "{sql}: {took:?}: {error}");
    let item_in_error = format!("'{item}'");
    for part in [
        "no answer within 200ms",
        "plugin 'blocking'",
        &item_in_error,
    ] {
        assert!(error.contains(part), "{sql}: {part}: {error}");
    }
    let items = host.metrics().into_iter();
    let its = items.filter(|found| found.item == item);
    let errors: u64 = its.map(|found| found.metrics.errors).sum();
    assert!(errors > 0, "{sql}");
}

const WELL: &str =
    "select * from outer_x a, x b, (select 'a' || 'b' as c) d, blocking_catalog.s.writes";

#[tokio::test]
async fn planners_rules_and_catalogs_that_block() {
    for (item, sql) in [
        ("relations", "select * from relation_blocks"),
        ("expressions", "select 'a' || 'expression_blocks'"),
        ("types", "select cast(null as type_blocks)"),
        ("analyzer_blocks", "select 1 as analyzer_blocks"),
        ("optimizer_blocks", "select 1 as optimizer_blocks"),
        ("physical_blocks", "select 1 as physical_blocks"),
        (
            "blocking_catalog",
            "select * from blocking_catalog.schema_blocks.t",
        ),
        (
            "blocking_catalog",
            "select * from blocking_catalog.s.table_blocks",
        ),
        (
            "write_plan_blocks",
            "insert into blocking.write_plan_blocks values (1)",
        ),
        (
            "write_plan_waits",
            "insert into blocking.write_plan_waits values (1)",
        ),
    ] {
        let (host, context) = blocking("planning_ms = 200");
        rows(&context, "create view x as select 1 as one")
            .await
            .unwrap();
        rows(&context, WELL).await.unwrap();
        given_up(&host, &context, item, sql).await;
        // Session and plugin stay usable, while the call that was given up still blocks.
        rows(&context, WELL).await.unwrap();
    }
}

/// A write has the limit of streams.
#[tokio::test(flavor = "current_thread")]
async fn a_write_that_blocks_or_waits_fails_its_statement_alone() {
    let (host, context) = blocking("stream_ms = 200");
    for table in ["write_blocks", "write_waits"] {
        let sql = format!("insert into blocking.{table} values (1), (2)");
        let others = async {
            for _ in 0..5 {
                let found = rows(&context, "insert into blocking.writes values (1), (2)").await;
                assert!(found.unwrap().contains("| 2 "));
            }
        };
        let blocked = given_up(&host, &context, table, &sql);
        beside(async { tokio::join!(blocked, others) }).await;
    }
}

/// `policy_ms` of a plugin goes before `policies.time_limit_ms`, whichever is shorter.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_has_the_limit_of_its_plugin() {
    let run = async |own: u32, all: u32| {
        let config = format!(
            "[plugins.misbehaving]\noptions = {{ mode = 'sleep' }}\nlimits = {{ policy_ms = {own} }}\n\
             [policies]\ntime_limit_ms = {all}"
        );
        let host = host("fixture-policy-plugin", &config);
        let owner = SessionContext::new();
        rows(&owner, "create table t as select 1 as a")
            .await
            .unwrap();
        let guarded = host.guarded(&owner, Subject::user("ann"));
        let begun = Instant::now();
        let answer = async { guarded.sql("select a from t").await?.collect().await };
        let answer = answer.await;
        (answer, begun.elapsed())
    };
    let (answer, took) = run(200, 60_000).await;
    let error = answer.unwrap_err();
    let Some(PolicyRefusal::TooSlow { policy, limit }) = PolicyRefusal::of(&error) else {
        panic!("{error}");
    };
    assert_eq!(policy, "misbehaving.wild");
    assert_eq!(*limit, Duration::from_millis(200));
    assert!(took < Duration::from_secs(2), "{took:?}");
    // It decides after three seconds.
    let (answer, took) = run(60_000, 200).await;
    answer.unwrap();
    assert!(took >= Duration::from_secs(3), "{took:?}");
}

/// The runtime is the library's, and there is one: each number needs a library of its own.
#[tokio::test]
async fn a_runtime_has_as_many_threads_as_it_is_granted() {
    for (version, config, threads) in [
        ("0.1.2", "[plugins.blocking.limits]\nruntime_threads = 3", 3),
        ("0.1.3", "[host]\nruntime_threads = 2", 2),
        (
            "0.1.4",
            "[host]\nruntime_threads = 5\n[plugins.blocking.limits]\nruntime_threads = 1",
            1,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let library = plugin("fixture-blocking");
        let copy = folder.path().join(library.file_name().unwrap());
        let copy = patched(&library, copy, |records| set(records, "version", version));
        let host = PluginHost::builder()
            .plugin_file(copy)
            .config(Config::parse(config).unwrap())
            .load()
            .unwrap();
        let context = SessionContext::new();
        host.install(&context);
        let found = rows(&context, "select blocking.runtime_threads(1)").await;
        let found = found.unwrap();
        assert!(
            found.contains(&format!("| {threads} ")),
            "{config}: {found}"
        );
        drop(fs::remove_dir_all(folder));
    }
}
