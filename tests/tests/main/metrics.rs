//! What is counted of a plugin's items, and where it shows.

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write},
    sync::{Arc, Mutex},
};

use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        util::pretty::pretty_format_batches,
    },
    datasource::MemTable,
    error::Result,
    execution::{memory_pool::GreedyMemoryPool, runtime_env::RuntimeEnvBuilder},
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{MetricsSnapshot, PluginHost, config::Config};
use plugin_tests::plugins::plugin;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
};

fn host() -> PluginHost {
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-faulty"))
        .grant_every_capability()
        .config(Config::parse("[host]\nquarantine = { after = 0 }").unwrap())
        .load()
        .unwrap()
}

/// A session with a table `t(x)` of three batches, of 1, 2 and 3 rows.
fn session(host: &PluginHost) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1);
    let context = SessionContext::new_with_config(config);
    host.install(&context);
    let batch = |rows: i64| {
        let values = Arc::new(Int64Array::from_iter_values(0..rows));
        RecordBatch::try_from_iter([("x", values as _)]).unwrap()
    };
    let batches = vec![batch(1), batch(2), batch(3)];
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

async fn rows(context: &SessionContext, sql: &str) -> Result<String> {
    let batches = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

fn measured(host: &PluginHost, item: &str, kind: &str) -> MetricsSnapshot {
    let items = host.metrics().into_iter();
    let mut found = items.filter(|found| found.item == item && found.kind.to_string() == kind);
    found.next().unwrap().metrics
}

#[tokio::test]
async fn calls_batches_rows_and_what_failed() {
    let host = host();
    let context = session(&host);
    rows(&context, "select faulty.fault(x, 'no') from t")
        .await
        .unwrap();
    let counted = measured(&host, "fault", "scalar");
    assert_eq!((counted.calls, counted.batches, counted.rows), (3, 3, 6));
    assert!(counted.nanoseconds > 0);
    assert_eq!((counted.errors, counted.refused), (0, 0));

    for (what, errors, panics, violations) in [
        ("error", 1, 0, 0),
        ("panic", 2, 1, 0),
        ("type", 3, 1, 1),
        ("rows", 4, 1, 2),
    ] {
        let sql = format!("select faulty.fault(x, '{what}') from t");
        rows(&context, &sql).await.unwrap_err();
        let counted = measured(&host, "fault", "scalar");
        assert_eq!(
            (counted.errors, counted.panics, counted.violations),
            (errors, panics, violations),
            "{what}"
        );
    }
    // Each of the four ended with its first batch.
    let counted = measured(&host, "fault", "scalar");
    assert_eq!((counted.calls, counted.rows), (7, 10));
    let sql = "select calls, batches, rows, errors, panics, violations, refused \
               from plugin_metrics() where item = 'fault' and kind = 'scalar'";
    let table = rows(&context, sql).await.unwrap();
    assert!(
        table.contains("| 7     | 7       | 10   | 4      | 1      | 2          | 0       |"),
        "{table}"
    );
}

#[tokio::test]
async fn scans_count_polls_and_batches() {
    let host = host();
    let context = session(&host);
    rows(&context, "select * from faulty.ten").await.unwrap();
    let counted = measured(&host, "ten", "table provider");
    assert_eq!((counted.batches, counted.rows), (10, 100));
    assert!(counted.calls > counted.batches, "{counted:?}");

    let plan = "explain analyze select * from faulty.fault('panic')";
    rows(&context, plan).await.unwrap_err();
    let counted = measured(&host, "fault", "table");
    assert_eq!((counted.batches, counted.panics), (2, 1));
}

/// Under a limit of time polls are made elsewhere: what they take there is what counts, and a batch is one call.
#[tokio::test]
async fn limited_scans_count_their_own_time() {
    let config = "[plugins.faulty]\nlimits = { stream_ms = 20000 }";
    let host = PluginHost::builder()
        .plugin_file(plugin("fixture-faulty"))
        .config(Config::parse(config).unwrap())
        .load()
        .unwrap();
    let context = session(&host);
    // Ten batches, 60 ms of work before each.
    let plan = "explain analyze select * from faulty.fault('work')";
    let text = rows(&context, plan).await.unwrap();
    let counted = measured(&host, "fault", "table");
    // The end is one more.
    assert_eq!(
        (counted.calls, counted.batches, counted.rows),
        (11, 10, 100)
    );
    assert!(counted.nanoseconds >= 600_000_000, "{counted:?}");
    let scan = text.lines().find(|line| line.contains("PluginScanExec"));
    let scan = scan.unwrap_or_else(|| panic!("{text}"));
    assert!(scan.contains("plugin_calls=11"), "{scan}");
    let time = scan.split("plugin_time=").nth(1).unwrap();
    let time = time.split([',', ']']).next().unwrap();
    let milliseconds = match time.strip_suffix("ms") {
        Some(number) => number.parse::<f64>().unwrap(),
        None => 1000.0 * time.strip_suffix('s').unwrap().parse::<f64>().unwrap(),
    };
    assert!(milliseconds >= 600.0, "{scan}");
}

#[tokio::test]
async fn explain_analyze_shows_what_crossed() {
    let host = host();
    let context = session(&host);
    let text = rows(&context, "explain analyze select * from faulty.ten")
        .await
        .unwrap();
    let scan = text.lines().find(|line| line.contains("PluginScanExec"));
    let scan = scan.unwrap_or_else(|| panic!("{text}"));
    for part in [
        "plugin_calls=",
        "plugin_batches=10",
        "plugin_rows=100",
        "plugin_errors=0",
        "plugin_panics=0",
        "plugin_time=",
        "plugin_reserved_peak=0",
    ] {
        assert!(scan.contains(part), "{part}: {scan}");
    }
}

/// Of a write, too: what crosses back is its one row, the number of rows that were written.
#[tokio::test]
async fn explain_analyze_shows_what_crossed_of_an_insert() {
    for limits in ["", "stream_ms = 60000"] {
        let config = format!("[plugins.blocking]\nlimits = {{ {limits} }}");
        let host = PluginHost::builder()
            .plugin_file(plugin("fixture-blocking"))
            .config(Config::parse(&config).unwrap())
            .load()
            .unwrap();
        let context = session(&host);
        let sql = "explain analyze insert into blocking.writes select x from t";
        let text = rows(&context, sql).await.unwrap();
        let insert = text.lines().find(|line| line.contains("PluginInsertExec"));
        let insert = insert.unwrap_or_else(|| panic!("{text}"));
        for part in [
            "plugin_calls=",
            "plugin_batches=1",
            "plugin_rows=1",
            "plugin_errors=0",
            "plugin_panics=0",
            "plugin_time=",
            "plugin_reserved_peak=0",
        ] {
            assert!(insert.contains(part), "{limits}: {part}: {insert}");
        }
        let counted = measured(&host, "writes", "table provider");
        assert_eq!((counted.batches, counted.rows), (1, 1), "{limits}");
        let found = rows(&context, "insert into blocking.writes select x from t");
        assert!(found.await.unwrap().contains("| 6 "), "{limits}");
    }
}

#[tokio::test]
async fn reserved_bytes_come_and_go() {
    let host = host();
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(100 << 20)))
        .build_arc()
        .unwrap();
    let context = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
    host.install(&context);
    let sql = "explain analyze select * from faulty.fault('hoard')";
    let text = rows(&context, sql).await.unwrap();
    let counted = measured(&host, "fault", "table");
    assert_eq!(
        (counted.reserved_bytes, counted.reserved_bytes_peak),
        (0, 10 << 20)
    );
    assert!(text.contains("plugin_reserved_peak="), "{text}");
    assert!(!text.contains("plugin_reserved_peak=0"), "{text}");

    let sql = "select faulty.sum(value) from generate_series(1, 1000) group by value % 100";
    rows(&context, sql).await.unwrap();
    let counted = measured(&host, "sum", "aggregate");
    assert_eq!(counted.reserved_bytes, 0);
    // A state of 8 bytes for each group.
    assert!(counted.reserved_bytes_peak >= 100 * 8, "{counted:?}");
}

/// Every sample is of a family that was announced, and says what the table says.
#[tokio::test]
async fn text_for_prometheus() {
    let host = host();
    let context = session(&host);
    rows(&context, "select faulty.fault(x, 'no') from t")
        .await
        .unwrap();
    rows(&context, "select faulty.fault(x, 'panic') from t")
        .await
        .unwrap_err();
    let text = host.prometheus();
    let mut samples = BTreeMap::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap();
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(&format!("{family}{{")), "{line}");
            let value: f64 = value.parse().unwrap();
            assert!(samples.insert(name, value).is_none(), "{line}");
        }
    }
    let of = |name: &str| {
        let labels = r#"{plugin="faulty",item="fault",kind="scalar"}"#;
        samples[format!("datafusion_plugin_{name}{labels}").as_str()]
    };
    let counted = measured(&host, "fault", "scalar");
    assert_eq!(of("calls_total"), counted.calls as f64);
    assert_eq!(of("rows_total"), 7.0);
    assert_eq!(of("panics_total"), 1.0);
    assert_eq!(of("seconds_total"), counted.nanoseconds as f64 / 1e9);
    assert_eq!(
        samples[r#"datafusion_plugin_quarantined{plugin="faulty"}"#],
        0.0
    );
}

/// The events of a thread, as text.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(format!("{} ", event.metadata().level()));
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
}

#[test]
fn events_of_calls_and_of_counters() {
    let host = host();
    let events = Events::default();
    let subscriber = Registry::default().with(events.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let context = session(&host);
            rows(&context, "select faulty.fault(x, 'no') from t")
                .await
                .unwrap();
            rows(&context, "select faulty.fault(x, 'rows') from t")
                .await
                .unwrap_err();
        });
        host.trace_metrics();
    });
    let events = events.0.lock().unwrap();
    let of = |level: &str, parts: &[&str]| {
        let of = events.iter().filter(|event| event.starts_with(level));
        of.filter(|event| parts.iter().all(|part| event.contains(part)))
            .count()
    };
    for batch in ["rows=1 ", "rows=2 ", "rows=3 "] {
        let expected = if batch == "rows=1 " { 2 } else { 1 };
        let parts = ["called", "plugin=\"faulty\"", "item=\"fault\"", batch];
        assert_eq!(of("TRACE", &parts), expected, "{batch}: {events:#?}");
    }
    assert_eq!(
        of("WARN", &["violation", "returned 2 rows"]),
        1,
        "{events:#?}"
    );
    let counters = ["metrics", "item=\"fault\"", "calls=4 ", "violations=1 "];
    assert_eq!(of("INFO", &counters), 1, "{events:#?}");
}
