//! The policy of plugins/example, linked in and loaded.

use datafusion_plugin_api::sdk::Plugin;
use datafusion_plugin_example::Limits;
use datafusion_plugin_host::{GuardedSession, PluginHost, PolicyRefusal, Subject, config::Config};
use plugin_tests::plugins::plugin;

use super::{
    linked_in,
    world::{World, run, shown},
};

/// The same limits linked in and from a plugin's options.
fn hosts(limits: Limits, options: &str) -> [PluginHost; 2] {
    let made = || Plugin::new().policy("limits", limits);
    let config = format!("[plugins.example.options]\n{options}");
    let loaded = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("datafusion-plugin-example"))
        .config(Config::parse(&config).unwrap());
    [
        linked_in(made, "example", Config::default()),
        loaded.load().unwrap(),
    ]
}

fn limited() -> [PluginHost; 2] {
    let limits = Limits {
        max_rows: [("events".to_owned(), 3), ("vault".to_owned(), 0)].into(),
        fixed_settings: vec![
            "datafusion.execution.time_zone".to_owned(),
            "datafusion.catalog.*".to_owned(),
        ],
    };
    hosts(
        limits,
        "max_rows = { events = 3, vault = 0 }
         fixed_settings = ['datafusion.execution.time_zone', 'datafusion.catalog.*']",
    )
}

async fn session(host: &PluginHost) -> GuardedSession {
    let world = World::new().await;
    host.guarded(&world.owner, Subject::user("ann"))
}

async fn answer(session: &GuardedSession, sql: &str) -> String {
    match run(session, sql).await {
        Ok(batches) => shown(&batches),
        Err(error) => panic!("{sql}: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_table_has_so_many_rows() {
    let mut answers = Vec::new();
    for host in limited() {
        let session = session(&host).await;
        let mut found = String::new();
        for (sql, count) in [
            ("select count(*) as n from events", 3),
            ("select count(*) as n from vault_view", 0),
            (
                "select count(*) as n from events a join events b on a.id = b.id",
                3,
            ),
            ("select count(*) as n from open", 2),
        ] {
            let rows = answer(&session, sql).await;
            assert!(rows.contains(&format!("| {count} ")), "{sql}: {rows}");
            found += &rows;
        }
        answers.push(found);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fixed_settings_stay() {
    for host in limited() {
        let session = session(&host).await;
        for (sql, key) in [
            (
                "set datafusion.execution.time_zone = '+02:00'",
                "datafusion.execution.time_zone",
            ),
            (
                "reset datafusion.execution.time_zone",
                "datafusion.execution.time_zone",
            ),
            (
                "set datafusion.catalog.information_schema = false",
                "datafusion.catalog.information_schema",
            ),
        ] {
            let error = run(&session, sql).await.unwrap_err();
            let refusal = PolicyRefusal::of(&error).unwrap();
            let message = refusal.to_string();
            for part in ["example.limits", key, "stays as it is"] {
                assert!(message.contains(part), "{part}: {message}");
            }
        }
        answer(&session, "set datafusion.execution.batch_size = 77").await;
        answer(&session, "select 1").await;
    }
}

/// Without options, the example's policy lets everything pass.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_limited_without_options() {
    for host in hosts(Limits::default(), "") {
        let session = session(&host).await;
        for (sql, rows) in [
            ("select count(*) as n from events", "| 5 "),
            ("set datafusion.catalog.information_schema = true", ""),
            ("create table made as select * from events", ""),
            ("select count(*) as n from made", "| 5 "),
        ] {
            let found = answer(&session, sql).await;
            assert!(found.contains(rows), "{sql}: {found}");
        }
    }
}

#[test]
fn mistakes_in_the_options_are_named() {
    for (options, part) in [
        ("max_row = { events = 3 }", "unknown field `max_row`"),
        ("max_rows = { events = -3 }", "-3"),
        ("fixed_settings = 'all'", "expected a sequence"),
    ] {
        let config = format!("[plugins.example.options]\n{options}");
        let host = PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("datafusion-plugin-example"))
            .config(Config::parse(&config).unwrap());
        let error = host.load().unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("example"), "{error}");
    }
}
