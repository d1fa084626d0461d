//! What a plugin may take, and what becomes of a query whose plugin takes more.

mod blocking;
mod nested;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    error::{DataFusionError, Result},
    execution::{
        memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool},
        runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{HostError, PluginHost, config::Config};
use futures::StreamExt;
use plugin_tests::plugins::plugin;

fn load(limits: &str) -> Result<PluginHost, HostError> {
    PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-faulty"))
        .grant_every_capability()
        .config(Config::parse(limits).unwrap())
        .load()
}

fn session(limits: &str) -> (PluginHost, SessionContext) {
    let host = load(&format!("[plugins.faulty]\nlimits = {{ {limits} }}")).unwrap();
    let config = SessionConfig::new().with_target_partitions(2);
    let context = SessionContext::new_with_config(config);
    host.install(&context);
    (host, context)
}

async fn rows(context: &SessionContext, sql: &str) -> Result<String> {
    let batches = context.sql(sql).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

/// The error, which has to come soon after the limit.
async fn too_slow(context: &SessionContext, sql: &str) -> String {
    let begun = Instant::now();
    let error = rows(context, sql).await.unwrap_err().strip_backtrace();
    assert!(begun.elapsed() < Duration::from_secs(2), "{sql}: {error}");
    for part in ["no answer within 200ms", "plugin 'faulty'"] {
        assert!(error.contains(part), "{sql}: {part}: {error}");
    }
    error
}

/// Beats while `work` runs on the same thread, which nothing may block.
async fn beside<T>(work: impl Future<Output = T>) -> T {
    let mut longest = Duration::ZERO;
    let beats = async {
        loop {
            let begun = Instant::now();
            tokio::time::sleep(Duration::from_millis(5)).await;
            longest = longest.max(begun.elapsed());
        }
    };
    let done = tokio::select! {
        done = work => done,
        () = beats => unreachable!(),
    };
    // Three seconds is what is blocked for; planning and a busy machine take some.
    assert!(longest < Duration::from_millis(1500), "{longest:?}");
    done
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_that_blocks_or_waits_fails_its_query_alone() {
    let (_host, context) = session("stream_ms = 200");
    for what in ["block", "wait"] {
        let sql = format!("select * from faulty.fault('{what}')");
        let others = async {
            for _ in 0..5 {
                let found = rows(&context, "select sum(value) from faulty.ten").await;
                assert!(found.unwrap().contains("450"));
            }
        };
        let (message, ()) = beside(async { tokio::join!(too_slow(&context, &sql), others) }).await;
        assert!(message.contains("'fault'"), "{message}");
    }
}

/// A stream that is left before its end is dropped where its polls are made.
#[tokio::test(flavor = "current_thread")]
async fn a_stream_whose_drop_blocks() {
    for (limits, blocks) in [("stream_ms = 20000", false), ("", true)] {
        let (_host, context) = session(limits);
        let sql = "select * from faulty.fault('drop_blocks')";
        let mut stream = context
            .sql(sql)
            .await
            .unwrap()
            .execute_stream()
            .await
            .unwrap();
        stream.next().await.unwrap().unwrap();
        let begun = Instant::now();
        drop(stream);
        // Without a limit, it is dropped in place.
        let limit = Duration::from_millis(1500);
        assert_eq!(begun.elapsed() > limit, blocks, "{:?}", begun.elapsed());
    }
}

/// What planning has made is dropped where planning is made, or streams are polled.
#[tokio::test(flavor = "current_thread")]
async fn a_scan_or_table_whose_drop_blocks() {
    for (limits, blocks) in [
        ("planning_ms = 20000", false),
        ("stream_ms = 20000", false),
        ("", true),
    ] {
        let (_host, context) = session(limits);
        for what in ["scan_drop_blocks", "table_drop_blocks"] {
            let begun = Instant::now();
            let sql = format!("select count(*) from faulty.fault('{what}')");
            assert!(rows(&context, &sql).await.unwrap().contains("| 100 "));
            // Without a limit, it is dropped in place.
            let blocked = begun.elapsed() > Duration::from_millis(1500);
            assert_eq!(blocked, blocks, "{what}: {limits}: {:?}", begun.elapsed());
        }
    }
}

/// `EXPLAIN ANALYZE` goes without the metrics that a plan does not tell in time; others have theirs.
#[tokio::test(flavor = "current_thread")]
async fn a_scan_that_does_not_tell_its_metrics() {
    let (host, context) = session("planning_ms = 200");
    let analyze = |what: &str| {
        let sql = format!("explain analyze select * from faulty.fault('{what}')");
        let context = context.clone();
        async move { rows(&context, &sql).await.unwrap() }
    };
    let errors = || {
        let items = host.metrics().into_iter();
        let of_scans = items.filter(|item| item.item == "fault");
        of_scans.map(|item| item.metrics.errors).sum::<u64>()
    };
    let told = analyze("measured").await;
    assert!(told.contains("executions=1"), "{told}");
    assert_eq!(errors(), 0);
    let begun = Instant::now();
    let others = async {
        for _ in 0..5 {
            let found = rows(&context, "select sum(value) from faulty.ten").await;
            assert!(found.unwrap().contains("450"));
        }
    };
    let (untold, ()) = beside(async { tokio::join!(analyze("metrics_block"), others) }).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{untold}");
    // The host's own counters are there all the same.
    assert!(untold.contains("plugin_rows=100"), "{untold}");
    assert!(!untold.contains("executions="), "{untold}");
    assert!(errors() > 0);
}

/// Each batch has its own limit: a stream as a whole may take longer.
#[tokio::test(flavor = "current_thread")]
async fn a_stream_that_goes_on_is_read_to_its_end() {
    let (_host, context) = session("stream_ms = 400");
    for what in ["", "slow", "work", "panic"] {
        let sql = format!("select count(*), sum(value) from faulty.fault('{what}')");
        let found = rows(&context, &sql).await;
        if what == "panic" {
            let message = found.unwrap_err().to_string();
            assert!(message.contains("panic in poll_next"), "{message}");
        } else {
            let found = found.unwrap();
            assert!(
                found.contains("| 100 ") && found.contains("| 450 "),
                "{what}: {found}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_limited_streams_at_once() {
    let (_host, context) = session("stream_ms = 5000");
    let queries = (0..60).map(|i| {
        let context = context.clone();
        let what = ["", "slow", "work"][i % 3];
        let sql = format!("select count(*) from faulty.fault('{what}')");
        tokio::task::spawn(async move { rows(&context, &sql).await })
    });
    for query in queries.collect::<Vec<_>>() {
        assert!(query.await.unwrap().unwrap().contains("| 100 "));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn planning_that_blocks_or_waits() {
    let (_host, context) = session("planning_ms = 200");
    for what in ["plan_blocks", "plan_waits"] {
        let sql = format!("select * from faulty.fault('{what}')");
        beside(too_slow(&context, &sql)).await;
    }
    too_slow(
        &context,
        "select faulty.planned_slowly(arrow_cast(1, 'Int32'))",
    )
    .await;
    for sql in [
        "select faulty.planned_slowly(1)",
        "select faulty.sum(value), count(*) from faulty.ten where value > 2",
        "select faulty.row_number() over (order by value) from faulty.fault('slow')",
        "select faulty.later(1)",
    ] {
        rows(&context, sql).await.unwrap();
    }
}

/// What a factory has made is asked about within the limit, too.
#[tokio::test(flavor = "current_thread")]
async fn a_made_function_that_does_not_tell_of_itself() {
    let host = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-planner-plugin"))
        .config(Config::parse("[host]\nlimits = { planning_ms = 300 }").unwrap())
        .load()
        .unwrap();
    let context = SessionContext::new();
    host.install(&context);
    let sql = |language| format!("create function made() returns bigint language {language}");
    let begun = Instant::now();
    let error = beside(rows(&context, &sql("slowly_told"))).await;
    let message = error.unwrap_err().strip_backtrace();
    assert!(begun.elapsed() < Duration::from_secs(2), "{message}");
    for part in ["no answer within 300ms", "plugin 'planners'"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    rows(&context, &sql("cancelled")).await.unwrap();
    rows(&context, "select made()").await.unwrap();
}

/// A factory that blocks while it makes a function: its statement fails, and others go on beside it.
#[tokio::test(flavor = "current_thread")]
async fn a_factory_that_blocks() {
    let host = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(plugin("fixture-planner-plugin"))
        .config(Config::parse("[host]\nlimits = { planning_ms = 300 }").unwrap())
        .load()
        .unwrap();
    let context = SessionContext::new();
    host.install(&context);
    let sql = |name: &str, language: &str| {
        format!("create function {name}() returns bigint language {language}")
    };
    for language in ["blocking", "idle"] {
        let begun = Instant::now();
        let blocked = sql("blocked", language);
        let others = async {
            for number in 0..5 {
                let name = format!("made{number}");
                rows(&context, &sql(&name, "cancelled")).await.unwrap();
                rows(&context, &format!("select {name}()")).await.unwrap();
            }
        };
        let both = async { tokio::join!(rows(&context, &blocked), others) };
        let (error, ()) = beside(both).await;
        let message = error.unwrap_err().strip_backtrace();
        assert!(begun.elapsed() < Duration::from_secs(2), "{message}");
        for part in ["no answer within 300ms", "plugin 'planners'", "'faulty'"] {
            assert!(message.contains(part), "{language}: {part}: {message}");
        }
        assert!(rows(&context, "select blocked()").await.is_err());
    }
}

/// The arguments of an async function are bound within the limit of planning, or else that of its calls.
#[tokio::test(flavor = "current_thread")]
async fn an_async_function_whose_binding_blocks() {
    for limit in ["limits = { planning_ms = 200 }", "async_timeout_ms = 200"] {
        let host = PluginHost::builder()
            .grant_every_capability()
            .plugin_file(plugin("fixture-raw"))
            .config(Config::parse(&format!("[plugins.raw]\n{limit}")).unwrap())
            .load()
            .unwrap();
        let context = SessionContext::new();
        host.install(&context);
        let works = "select raw.binds_slowly(x) from (values (5), (6)) v(x)";
        let others = async {
            for _ in 0..5 {
                let found = rows(&context, works).await.unwrap();
                assert!(found.contains("| 1 "), "{found}");
            }
        };
        let begun = Instant::now();
        let blocks = rows(&context, "select raw.binds_slowly(5)");
        let (error, ()) = beside(async { tokio::join!(blocks, others) }).await;
        let message = error.unwrap_err().strip_backtrace();
        assert!(begun.elapsed() < Duration::from_secs(2), "{message}");
        for part in ["no answer within 200ms", "plugin 'raw'", "'binds_slowly'"] {
            assert!(message.contains(part), "{limit}: {part}: {message}");
        }
    }
}

/// A thread that an async function blocks is none of the executor's, with a limit.
#[tokio::test(flavor = "current_thread")]
async fn an_async_function_that_blocks() {
    let host = load("[plugins.faulty]\nasync_timeout_ms = 200").unwrap();
    let context = SessionContext::new();
    host.install(&context);
    let begun = Instant::now();
    let blocks = "select faulty.later(arrow_cast(1, 'Int32'))";
    let error = beside(rows(&context, blocks)).await.unwrap_err();
    let message = error.strip_backtrace();
    assert!(begun.elapsed() < Duration::from_secs(2), "{message}");
    for part in ["no result within 200ms", "plugin 'faulty', 'later'"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let found = rows(&context, "select faulty.later(7)").await.unwrap();
    assert!(found.contains("| 7 "), "{found}");
}

#[tokio::test]
async fn without_limits_nothing_is_cut_short() {
    let (_host, context) = session("");
    let sql = "select count(*) from faulty.fault('block')";
    assert!(rows(&context, sql).await.unwrap().contains("| 100 "));
}

#[test]
fn activation() {
    let config = |limit: u32| {
        format!(
            "[plugins.faulty]\noptions = {{ activation_ms = 3000 }}\n\
             [host]\nlimits = {{ activation_ms = {limit} }}"
        )
    };
    let begun = Instant::now();
    let message = load(&config(500)).unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(2), "{message}");
    for part in [
        "plugin 'faulty'",
        "no answer within 500ms",
        "fixture_faulty",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    load(&config(60_000)).unwrap();
}

#[tokio::test]
async fn memory_of_all_scans_together() {
    let (host, context) = session("memory_bytes = 15728640");
    let hoard = "select count(*) from faulty.fault('hoard')";
    rows(&context, hoard).await.unwrap();
    let both = format!("{hoard} union all {hoard}");
    let error = rows(&context, &both).await.unwrap_err();
    assert!(
        matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
        "{error}"
    );
    let message = error.to_string();
    assert!(message.contains("its limit of 15728640"), "{message}");
    // Everything was given back.
    rows(&context, hoard).await.unwrap();
    let items = host.metrics();
    assert!(items.iter().all(|item| item.metrics.reserved_bytes == 0));
}

/// What cannot be refused ends the query that took it.
#[tokio::test]
async fn memory_that_is_taken_without_asking() {
    for (limits, what, said, violations) in [
        (
            "memory_bytes = 15728640",
            "overdraw",
            "its limit of 15728640",
            0,
        ),
        ("memory_bytes = 15728640", "absurd", "than a process has", 1),
        ("", "absurd", "than a process has", 1),
    ] {
        let host = load(&format!("[plugins.faulty]\nlimits = {{ {limits} }}")).unwrap();
        let pool = Arc::new(GreedyMemoryPool::new(100 << 20));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::clone(&pool) as _);
        let runtime = runtime.build_arc().unwrap();
        let context = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
        host.install(&context);
        let own = MemoryConsumer::new("own").register(&(Arc::clone(&pool) as _));
        own.grow(1 << 20);
        let sql = format!("select count(*) from faulty.fault('{what}')");
        let message = rows(&context, &sql).await.unwrap_err().to_string();
        for part in [said, "plugin 'faulty'", "'fault'"] {
            assert!(message.contains(part), "{what}: {part}: {message}");
        }
        // Neither the session's pool nor the counters have gone astray.
        assert_eq!(pool.reserved(), 1 << 20, "{what}");
        let items = host.metrics();
        assert!(items.iter().all(|item| item.metrics.reserved_bytes == 0));
        let counted: u64 = items.iter().map(|item| item.metrics.violations).sum();
        assert_eq!(counted, violations, "{what}");
        let hoard = "select count(*) from faulty.fault('hoard')";
        rows(&context, hoard).await.unwrap();
    }
}

/// A reservation that cannot be refused is counted, as long as it is within the limit.
#[tokio::test]
async fn memory_that_is_taken_within_the_limit() {
    let (host, context) = session("memory_bytes = 31457280");
    let sql = "select count(*) from faulty.fault('overdraw')";
    assert!(rows(&context, sql).await.unwrap().contains("| 100 "));
    let items = host.metrics();
    let peak = items.iter().map(|item| item.metrics.reserved_bytes_peak);
    assert_eq!(peak.max(), Some(20 << 20));
}

/// Guards that what the session's pool refuses is not counted of the plugin's own limit.
#[tokio::test]
async fn memory_of_the_session_goes_first() {
    let host = load("[plugins.faulty]\nlimits = { memory_bytes = 15728640 }").unwrap();
    let session = |bytes| {
        let pool = Arc::new(GreedyMemoryPool::new(bytes));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool);
        let runtime = runtime.build_arc().unwrap();
        let context = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
        host.install(&context);
        context
    };
    let (small, large) = (session(5 << 20), session(100 << 20));
    let hoard = "select count(*) from faulty.fault('hoard')";
    for _ in 0..3 {
        let message = rows(&small, hoard).await.unwrap_err().to_string();
        assert!(!message.contains("its limit of"), "{message}");
        rows(&large, hoard).await.unwrap();
    }
}
