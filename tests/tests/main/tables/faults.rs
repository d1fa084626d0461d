//! Panics, errors and lies of a table are contained, and name plugin and table.

use datafusion::{
    error::DataFusionError,
    execution::{memory_pool::GreedyMemoryPool, runtime_env::RuntimeEnvBuilder},
};
use futures::StreamExt;

use super::*;

#[tokio::test]
async fn what_goes_wrong_is_an_error_that_says_what() {
    let context = loaded();
    for (about, messages) in [
        ("scan error", &["no scan today"][..]),
        ("scan panic", &["lying about the scan", "lying.rs"]),
        ("execute panic", &["lying about the start", "lying.rs"]),
        ("stream error", &["no more today"]),
        ("stream panic", &["lying about the rest", "lying.rs"]),
        ("type", &["'score'", "Int64", "Float64"]),
        ("nulls", &["'id'", "nulls"]),
        ("columns", &["1 columns", "promised 2"]),
    ] {
        let error = answer(&context, &format!("select * from lying('{about}')")).await;
        assert!(error.starts_with("error"), "{about}: {error}");
        for message in messages {
            assert!(error.contains(message), "{about}: {error}");
        }
        assert!(
            error.contains("tables") && error.contains("lying"),
            "{about}: {error}"
        );
        // The session and the plugin go on.
        let rows = answer(&context, "select count(*) from lying('nothing')").await;
        assert!(rows.contains('6'), "{rows}");
    }
}

#[tokio::test]
async fn errors_keep_their_kind() {
    let context = loaded();
    for about in ["scan error", "stream error"] {
        let sql = format!("select * from lying('{about}')");
        let frame = context.sql(&sql).await.unwrap();
        let error = frame.collect().await.unwrap_err();
        let kind = matches!(error.find_root(), DataFusionError::Execution(_));
        assert!(kind, "{about}: {error:?}");
    }
}

#[tokio::test]
async fn answers_about_filters_are_checked() {
    let context = loaded();
    for (about, message) in [
        ("pushdown panic", "lying about filters"),
        ("pushdown count", "answered 0 of 1 filters"),
    ] {
        let sql = format!("select * from lying('{about}') where id > 1");
        let error = answer(&context, &sql).await;
        assert!(error.contains(message), "{about}: {error}");
    }
}

#[tokio::test]
async fn a_panic_while_a_stream_is_dropped_is_contained() {
    let context = loaded();
    let rows = answer(&context, "select count(*) from lying('drop')").await;
    assert!(
        rows.contains('6') || rows.contains("lying about the end"),
        "{rows}"
    );
    let sql = "select * from lying('drop')";
    let mut stream = context
        .sql(sql)
        .await
        .unwrap()
        .execute_stream()
        .await
        .unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    let rows = answer(&context, "select count(*) from lying('nothing')").await;
    assert!(rows.contains('6'), "{rows}");
}

#[tokio::test]
async fn memory_of_a_scan_counts_against_the_hosts_pool() {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(20_000)))
        .build_arc()
        .unwrap();
    for context in [
        linked_in_with(config(), Arc::clone(&runtime)),
        loaded_with(config(), Arc::clone(&runtime)),
    ] {
        let frame = context
            .sql("select * from shelf(100000, 'exact')")
            .await
            .unwrap();
        let error = frame.collect().await.unwrap_err();
        let kind = matches!(error.find_root(), DataFusionError::ResourcesExhausted(_));
        assert!(kind, "{error:?}");
        assert!(error.to_string().contains("shelf"), "{error}");
        assert_eq!(context.runtime_env().memory_pool.reserved(), 0);
        let rows = answer(
            &context,
            "select count(*), sum(id) from shelf(100, 'inexact')",
        )
        .await;
        assert!(rows.contains("4950"), "{rows}");
        assert_eq!(context.runtime_env().memory_pool.reserved(), 0);
    }
}

#[tokio::test]
async fn dropping_a_query_half_way_frees_its_memory() {
    let context = loaded();
    let pool = Arc::clone(&context.runtime_env().memory_pool);
    let sql = "select * from shelf(100000, 'exact')";
    let frame = context.sql(sql).await.unwrap();
    let mut streams = frame.execute_stream_partitioned().await.unwrap();
    for stream in &mut streams {
        assert!(stream.next().await.unwrap().is_ok());
    }
    assert!(pool.reserved() > 1_000_000, "{}", pool.reserved());
    drop(streams);
    assert_eq!(pool.reserved(), 0);
}
