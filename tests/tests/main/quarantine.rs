//! A plugin that panics or breaks the contract too often is not called any more; others are.

mod guards;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        util::pretty::pretty_format_batches,
    },
    datasource::MemTable,
    error::Result,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, config::Config};
use futures::StreamExt;
use plugin_tests::plugins::plugin;

fn host(config: &str) -> PluginHost {
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-faulty"))
        .plugin_file(plugin("datafusion-plugin-example"))
        .grant_every_capability()
        .config(Config::parse(config).unwrap())
        .load()
        .unwrap()
}

/// A session with a table `t(x)` of the numbers below 3.
fn session(host: &PluginHost) -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    host.install(&context);
    let values = Arc::new(Int64Array::from_iter_values(0..3));
    let batch = RecordBatch::try_from_iter([("x", values as _)]).unwrap();
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

async fn rows(context: &SessionContext, sql: &str) -> Result<String> {
    let batches = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

async fn failure(context: &SessionContext, sql: &str) -> String {
    match rows(context, sql).await {
        Ok(rows) => panic!("{sql}:\n{rows}"),
        Err(error) => error.strip_backtrace(),
    }
}

async fn fault(context: &SessionContext, what: &str) -> String {
    failure(context, &format!("select faulty.fault(x, '{what}') from t")).await
}

/// One of each kind that the plugin exports.
const KINDS: [&str; 7] = [
    "select faulty.fault(x, 'no') from t",
    "select faulty.planned_slowly(x) from t",
    "select faulty.later(x) from t",
    "select faulty.sum(x) from t",
    "select faulty.row_number() over (order by x) from t",
    "select * from faulty.fault()",
    "select * from faulty.ten",
];

async fn all_answer(context: &SessionContext) {
    for sql in KINDS {
        rows(context, sql).await.unwrap();
    }
}

#[tokio::test]
async fn items_of_every_kind_say_why_and_since_when() {
    let host = host("[plugins.faulty]\nquarantine = { after = 3 }");
    let context = session(&host);
    all_answer(&context).await;
    for (fault_number, what) in ["panic", "type", "rows"].into_iter().enumerate() {
        assert!(host.plugins()[0].quarantine().is_none(), "{fault_number}");
        let message = fault(&context, what).await;
        assert!(!message.contains("quarantine"), "{message}");
    }
    let quarantine = host.plugins()[0].quarantine().unwrap();
    let ago = SystemTime::now().duration_since(quarantine.since).unwrap();
    assert!(ago < Duration::from_secs(60), "{ago:?}");
    for sql in KINDS {
        let message = failure(&context, sql).await;
        for part in [
            "the plugin is quarantined since 20",
            "3 panics and violations of the contract within 60s, the last in 'fault'",
            "returned 4 rows, expected 3",
            "plugin 'faulty'",
        ] {
            assert!(message.contains(part), "{sql}: {part}: {message}");
        }
    }
    // The other plugin and the session's own go on.
    let others = "select greet('Ada'), abs(-1), (select sum(value) from series(1, 4))";
    let found = rows(&context, others).await.unwrap();
    assert!(
        found.contains("Hello, Ada!") && found.contains('6'),
        "{found}"
    );

    assert!(host.reset("faulty"));
    assert!(!host.reset("faulty") && !host.reset("example") && !host.reset("nobody"));
    all_answer(&context).await;
    // Counting begins anew.
    fault(&context, "panic").await;
    fault(&context, "panic").await;
    all_answer(&context).await;
    fault(&context, "panic").await;
    assert!(host.plugins()[0].quarantine().is_some());
}

#[tokio::test]
async fn it_shows_in_sql_and_in_metrics() {
    let host = host("[host]\nquarantine = { after = 1 }");
    let context = session(&host);
    let sql = "select name, state, reason, since is null from plugins() order by name";
    let before = rows(&context, sql).await.unwrap();
    assert_eq!(before.matches("active").count(), 2, "{before}");
    fault(&context, "panic").await;
    for _ in 0..2 {
        failure(&context, "select faulty.sum(x) from t").await;
    }
    let after = rows(&context, sql).await.unwrap();
    let line = |plugin| after.lines().find(|line| line.contains(plugin)).unwrap();
    for part in ["quarantined", "1 panics", "told to", "false"] {
        assert!(line("faulty").contains(part), "{part}: {after}");
    }
    for part in ["active", "true"] {
        assert!(line("example").contains(part), "{part}: {after}");
    }
    let metrics = host.metrics();
    let of = |item| {
        metrics
            .iter()
            .find(|found| found.item == item)
            .unwrap()
            .metrics
    };
    let sum = of("sum");
    assert_eq!((sum.calls, sum.panics, sum.errors), (0, 0, 0));
    assert!(sum.refused >= 2, "{sum:?}");
    let text = host.prometheus();
    assert!(text.contains("datafusion_plugin_quarantined{plugin=\"faulty\"} 1"));
    assert!(text.contains("datafusion_plugin_quarantined{plugin=\"example\"} 0"));
}

#[tokio::test]
async fn errors_are_no_faults() {
    let host = host("[host]\nquarantine = { after = 2 }");
    let context = session(&host);
    for _ in 0..20 {
        fault(&context, "error").await;
    }
    fault(&context, "panic").await;
    all_answer(&context).await;
}

#[tokio::test]
async fn the_default_is_ten_within_a_minute() {
    let host = host("");
    let context = session(&host);
    for _ in 0..9 {
        fault(&context, "panic").await;
    }
    all_answer(&context).await;
    fault(&context, "panic").await;
    assert!(
        fault(&context, "no")
            .await
            .contains("10 panics and violations")
    );
}

#[tokio::test]
async fn old_faults_do_not_count() {
    let host = host("[plugins.faulty]\nquarantine = { after = 2, within_ms = 50 }");
    let context = session(&host);
    for _ in 0..4 {
        fault(&context, "panic").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    all_answer(&context).await;
}

/// Guards that a scan that is under way ends too, with an error and not as if it were complete.
#[tokio::test]
async fn a_stream_under_way_ends_with_an_error() {
    let host = host("[host]\nquarantine = { after = 1 }");
    let context = session(&host);
    let scan = context.sql("select * from faulty.fault('slow')").await;
    let mut stream = scan.unwrap().execute_stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    fault(&context, "panic").await;
    let mut last = stream.next().await.unwrap();
    while last.is_ok() {
        last = stream.next().await.unwrap();
    }
    let message = last.unwrap_err().to_string();
    assert!(message.contains("quarantined since"), "{message}");
    assert!(stream.next().await.is_none());
}

/// The same with a reservation and an aggregation under way, from many threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_begins_among_running_queries() {
    let host = host("[host]\nquarantine = { after = 5 }");
    let context = session(&host);
    let run = |sql: String| {
        let context = context.clone();
        tokio::task::spawn(async move {
            rows(&context, &sql)
                .await
                .map_err(|error| error.to_string())
        })
    };
    let queries = (0..40).map(|i| match i % 4 {
        0 => run("select faulty.fault(x, 'panic') from t".to_owned()),
        1 => run("select * from faulty.fault('slow')".to_owned()),
        2 => run("select faulty.sum(value) from faulty.ten".to_owned()),
        _ => run("select sum(value) from series(1, 4)".to_owned()),
    });
    for (i, query) in queries.collect::<Vec<_>>().into_iter().enumerate() {
        match (i % 4, query.await.unwrap()) {
            (0, Err(message)) => {
                let known = message.contains("told to") || message.contains("quarantine");
                assert!(known, "{message}");
            }
            (1 | 2, Ok(_)) => {}
            (1 | 2, Err(message)) => assert!(message.contains("quarantine"), "{message}"),
            (3, Ok(found)) => assert!(found.contains('6'), "{found}"),
            (_, other) => panic!("{i}: {other:?}"),
        }
    }
    assert!(host.reset("faulty"));
    all_answer(&context).await;
}
