//! Policies are replaced without a moment without one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion_plugin_host::{GuardedSession, Subject};

use super::*;

fn load(place: &Place, config: &str) -> PluginHost {
    place
        .builder(config)
        .grant_every_capability()
        .load()
        .unwrap()
}

async fn with_tables(context: &SessionContext) {
    for table in ["secret", "open"] {
        let create = format!("create table {table} as select 1 as id, 2 as hidden");
        context.sql(&create).await.unwrap().collect().await.unwrap();
    }
}

async fn guarded(session: &GuardedSession, sql: &str) -> std::result::Result<usize, String> {
    let told = |error: datafusion::error::DataFusionError| error.strip_backtrace();
    let batches = session
        .sql(sql)
        .await
        .map_err(told)?
        .collect()
        .await
        .map_err(told)?;
    Ok(batches.iter().map(|batch| batch.num_rows()).sum())
}

async fn plain(context: &SessionContext, sql: &str) -> std::result::Result<usize, String> {
    let told = |error: datafusion::error::DataFusionError| error.strip_backtrace();
    let batches = context
        .sql(sql)
        .await
        .map_err(told)?
        .collect()
        .await
        .map_err(told)?;
    Ok(batches.iter().map(|batch| batch.num_rows()).sum())
}

const SECRET: &str = "select id from secret";
const HIDDEN: &str = "select hidden from open";

#[tokio::test(flavor = "multi_thread")]
async fn the_new_policy_decides_with_the_facts_that_it_asks_for() {
    let place = Place::with(ONE);
    let host = load(&place, "");
    let context = SessionContext::new();
    with_tables(&context).await;
    host.install(&context);
    let session = host.guarded(&context, Subject::user("eve"));
    for (package, version) in [(ONE, 1), (TWO, 2), (ONE, 1), (TWO, 2)] {
        place.put(package);
        host.reload().unwrap();
        for found in [
            guarded(&session, SECRET).await,
            plain(&context, SECRET).await,
        ] {
            let error = found.unwrap_err();
            assert!(
                error.contains(&format!("edition {version} says no")),
                "{error}"
            );
        }
        for found in [
            guarded(&session, HIDDEN).await,
            plain(&context, HIDDEN).await,
        ] {
            match version {
                1 => assert_eq!(found.unwrap(), 1),
                _ => assert!(found.unwrap_err().contains("edition 2 says no")),
            }
        }
        let told = numbers(&context, "select edition()").await.unwrap();
        assert_eq!(told, [version]);
        assert_eq!(guarded(&session, "select id from open").await.unwrap(), 1);
    }
}

/// Statements that both versions deny, all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_no_moment_without_a_policy() {
    let place = Place::with(ONE);
    let host = load(&place, "");
    let context = SessionContext::new();
    with_tables(&context).await;
    host.install(&context);
    let (done, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let asking = (0..3).map(|i| {
        let (host, context) = (host.clone(), context.clone());
        let (done, asked) = (Arc::clone(&done), Arc::clone(&asked));
        tokio::task::spawn(async move {
            let session = host.guarded(&context, Subject::default());
            while !done.load(Ordering::Relaxed) {
                let found = match i {
                    0 => plain(&context, SECRET).await,
                    _ => guarded(&session, SECRET).await,
                };
                let error = found.expect_err("it was allowed");
                assert!(error.contains("says no"), "{error}");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    for i in 0..reloads() / 2 {
        let before = asked.load(Ordering::Relaxed);
        place.put([TWO, ONE][i % 2]);
        assert_replaced(&host.reload().unwrap());
        while asked.load(Ordering::Relaxed) < before + 3 {
            assert!(asking.iter().all(|task| !task.is_finished()));
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    done.store(true, Ordering::Relaxed);
    for task in asking {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_not_taken_away() {
    let place = Place::with(ONE);
    let host = load(&place, "[plugins.changing.options]\nlax = 2");
    let context = SessionContext::new();
    with_tables(&context).await;
    host.install(&context);
    place.put(TWO);
    let report = host.reload().unwrap();
    assert!(
        failure(&report).contains("has no policy 'guarding'"),
        "{report:?}"
    );
    assert!(
        plain(&context, SECRET)
            .await
            .unwrap_err()
            .contains("edition 1")
    );
    assert_eq!(numbers(&context, "select edition()").await.unwrap(), [1]);
    fs::remove_file(place.file()).unwrap();
    let report = host.reload().unwrap();
    assert!(failure(&report).contains("it has policies"), "{report:?}");
    assert!(
        plain(&context, SECRET)
            .await
            .unwrap_err()
            .contains("edition 1")
    );
}

/// Sessions that had no policies until then are behind them as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_comes_later() {
    let place = Place::with(ONE);
    fs::remove_file(place.file()).unwrap();
    let host = load(&place, "");
    assert!(!host.has_policies());
    let context = SessionContext::new();
    with_tables(&context).await;
    host.install(&context);
    let session = host.guarded(&context, Subject::user("eve"));
    assert_eq!(plain(&context, SECRET).await.unwrap(), 1);
    place.put(ONE);
    host.reload().unwrap();
    assert!(host.has_policies());
    for found in [
        plain(&context, SECRET).await,
        guarded(&session, SECRET).await,
    ] {
        assert!(found.unwrap_err().contains("edition 1 says no"));
    }
    // Rules that come later stand before the one that asks policies.
    let rules = context.state();
    let last = rules.analyzer().rules.last().unwrap();
    assert_eq!(last.name(), "plugin_policies");
}
