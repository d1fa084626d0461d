//! A panic in any method of an author's becomes an error, or an event where nothing can be returned;
//! the session and the plugin go on, and nothing is printed.
//!
//! All of it runs in a child process, whose standard error must stay empty.

mod cases;
mod events;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use datafusion::{
    arrow::{
        array::{Int64Array, RecordBatch},
        datatypes::{DataType, Field, Schema},
    },
    catalog::MemTable,
    common::DataFusionError,
    logical_expr::interval_arithmetic::Interval,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, config::Config};
use plugin_tests::plugins::plugin;

use cases::{CASES, Case, Told};
use events::Events;

/// In the child's environment, the plugin's file.
const CHILD: &str = "PANICKING_PLUGIN";

#[test]
fn panics_are_contained_and_print_nothing() {
    let child = env::current_exe().unwrap();
    let output = Command::new(child)
        .args(["--exact", "main::panics::in_a_child", "--nocapture"])
        .env(CHILD, plugin("fixture-panicking"))
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stderr.is_empty(),
        "{}\n{stdout}\n{stderr}",
        output.status
    );
    assert!(stdout.contains("1 passed"), "{stdout}");
}

/// The other test's child; alone, it has nothing to do.
#[test]
fn in_a_child() {
    let Some(file) = env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let events = Events::collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        activation(&file);
        let context = context(&host(&file, ""));
        let mut wrong = Vec::new();
        for case in CASES {
            wrong.extend(check(&context, case, &events).await);
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        constraints(&context, &events);
        partial_aggregation(&host(&file, "")).await;
        payloads(&context).await;
        cancelled(&context, &events).await;
        functions_dropped(&file, &events).await;
    });
}

fn host(file: &Path, options: &str) -> PluginHost {
    load(file, options).unwrap()
}

fn load(file: &Path, options: &str) -> Result<PluginHost, datafusion_plugin_host::HostError> {
    // Panics without end are what this is about.
    let config =
        format!("[host]\nquarantine = {{ after = 0 }}\n[plugins.panicking.options]\n{options}");
    let config = Config::parse(&config).unwrap();
    PluginHost::builder()
        .plugin_file(file)
        .config(config)
        .load()
}

/// A session with the plugin's functions, and a table of two partitions.
fn context(host: &PluginHost) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(2);
    let context = SessionContext::new_with_config(config);
    host.install(&context);
    let schema = Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int64, false),
        Field::new("x", DataType::Int64, false),
    ]));
    let batch = |rows: std::ops::Range<i64>| {
        let keys = Int64Array::from_iter_values(rows.clone().map(|i| i % 3));
        let values = Int64Array::from_iter_values(rows);
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(keys), Arc::new(values)]).unwrap()
    };
    let partitions = vec![
        vec![batch(0..4), batch(4..8), batch(8..12)],
        vec![batch(12..16), batch(16..20)],
    ];
    let table = MemTable::try_new(Arc::clone(&schema), partitions).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

async fn run(context: &SessionContext, sql: &str) -> Result<usize, DataFusionError> {
    let batches = context.sql(sql).await?.collect().await?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

/// The session and the plugin are usable.
async fn healthy(context: &SessionContext, after: &str) {
    for sql in [
        "select scalar_healthy(x) from t",
        "select value from table_healthy()",
    ] {
        let rows = run(context, sql).await;
        assert!(
            rows.as_ref().is_ok_and(|rows| *rows > 0),
            "{after}: {rows:?}"
        );
    }
}

/// Whether a text names plugin, function and panic, and the panic's place as the panic itself does.
fn tells(text: &str, function: &str) -> bool {
    let place = text.split(" gives up at ").nth(1);
    let place = place.and_then(|rest| rest.split_whitespace().next());
    place.is_some_and(|place| {
        place.starts_with("tests/fixtures/panicking/src/")
            && text.contains(&format!(" at {place}:"))
            && text.contains("'panicking'")
            && text.contains(&format!("'{function}'"))
    })
}

/// What a case shows other than it should.
async fn check(context: &SessionContext, case: &Case, events: &Events) -> Option<String> {
    let Case {
        function,
        sql,
        told,
    } = case;
    events.take();
    let result = run(context, sql).await;
    let events = events.take();
    healthy(context, sql).await;
    match (told, result) {
        (Told::Error, Err(error)) => {
            let text = error.to_string();
            (!tells(&text, function)).then(|| format!("{sql}: {text}"))
        }
        (Told::Event, Ok(_)) => {
            let told = events.iter().any(|event| tells(event, function));
            (!told).then(|| format!("{sql}: {events:#?}"))
        }
        (Told::Error, Ok(_)) => Some(format!("{sql}: no error; {events:#?}")),
        (Told::Event, Err(error)) => Some(format!("{sql}: not passed over: {error}")),
    }
}

/// DataFusion 55 asks no function of SQL for tighter bounds, so the test does.
fn constraints(context: &SessionContext, events: &Events) {
    let function = "scalar_propagate_constraints";
    let udf = Arc::clone(&context.state().scalar_functions()[function]);
    let (result, input) = (
        Interval::make(Some(3_i64), None).unwrap(),
        Interval::make(Some(0_i64), Some(9)).unwrap(),
    );
    events.take();
    let tighter = udf.propagate_constraints(&result, &[&input]).unwrap();
    assert_eq!(tighter, Some(vec![input]));
    let events = events.take();
    let told = events.iter().any(|event| tells(event, function));
    assert!(told, "{events:#?}");
}

/// Rows become states one by one once a first aggregation is seen not to help.
async fn partial_aggregation(host: &PluginHost) {
    let context = context(host);
    for setting in ["rows_threshold = 1", "ratio_threshold = 0.0"] {
        let name = "datafusion.execution.skip_partial_aggregation_probe";
        run(&context, &format!("set {name}_{setting}"))
            .await
            .unwrap();
    }
    let sql = "select k, groups_convert(x) from t group by k";
    let text = run(&context, sql).await.expect_err(sql).to_string();
    assert!(tells(&text, "groups_convert"), "{text}");
    healthy(&context, sql).await;
}

/// Payloads that are no text or that panic, and panics that are passed on.
async fn payloads(context: &SessionContext) {
    let error = async |function: &str| {
        let sql = format!("select {function}(x) from t");
        let text = run(context, &sql).await.expect_err(&sql).to_string();
        healthy(context, &sql).await;
        assert!(
            text.contains(&format!("'panicking', '{function}'")),
            "{text}"
        );
        text
    };
    for function in ["scalar_number", "scalar_bomb"] {
        let text = error(function).await;
        let expected = "panic in invoke at tests/fixtures/panicking/src/scalar.rs:";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("(a payload that is no text)"), "{text}");
    }
    // Guards the location of a panic that another thread raised.
    let text = error("scalar_resumed").await;
    assert!(tells(&text, "scalar_resumed"), "{text}");
    // Guards against the location of an older panic.
    let text = error("scalar_caught_before").await;
    assert!(text.contains("at unknown location: from nowhere"), "{text}");
}

/// Calls that are given up while they are under way, and panic in being dropped.
async fn cancelled(context: &SessionContext, events: &Events) {
    for (function, sql) in [
        ("async_cancel", "select async_cancel(x) from t"),
        ("table_cancel", "select value from table_cancel()"),
    ] {
        events.take();
        let query = tokio::time::timeout(Duration::from_millis(200), run(context, sql));
        assert!(query.await.is_err());
        // Other tasks of the query are dropped on their own threads.
        let told = || events.seen().iter().any(|event| tells(event, function));
        let mut tries = 0..100;
        while !told() {
            assert!(tries.next().is_some(), "{:#?}", events.take());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        healthy(context, sql).await;
    }
}

fn activation(file: &Path) {
    let error = load(file, "panic_in_activate = true").unwrap_err();
    let text = error.to_string();
    let place = text.split(" gives up at ").nth(1).unwrap();
    assert!(
        text.contains(&format!("panic in activate at {}:", place.trim())),
        "{text}"
    );
    assert!(text.contains("'panicking'"), "{text}");
    assert!(text.contains(&file.display().to_string()), "{text}");
}

/// Functions that panic when the host lets go of them, two of one plugin.
async fn functions_dropped(file: &Path, events: &Events) {
    let host = host(file, "panic_in_drop = true");
    let context = context(&host);
    run(&context, "select scalar_drop(x), scalar_drop_too(x) from t")
        .await
        .unwrap();
    events.take();
    drop(context);
    drop(host);
    let events = events.take();
    for function in ["scalar_drop", "scalar_drop_too"] {
        let told = events.iter().any(|event| tells(event, function));
        assert!(told, "{events:#?}");
    }
    let other = self::host(file, "");
    healthy(&self::context(&other), "a reload").await;
}
