//! Reloads under running queries, each of which gives the answer of one version, whole.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use super::*;

/// Queries, how many rows they have, and how many times the version they tell.
const QUERIES: [(&str, usize, i64); 10] = [
    ("select edition() from generate_series(1, 5)", 5, 1),
    ("select version from changing.versions()", 10, 1),
    ("select version from changing.versions", 10, 1),
    ("select version from editions.shelf.versions", 10, 1),
    (
        "select changing.sum(changing.edition()) from generate_series(1, 3)",
        1,
        3,
    ),
    ("select * from planned_version", 1, 1),
    ("select edition_later() from generate_series(1, 2)", 2, 1),
    ("select 7001 as told", 1, 1),
    ("select 7002 as told", 1, 1),
    // All are of one version: SQL is planned with one state of the session. Its rules are those of the moment after, when
    // DataFusion takes the state again.
    (
        "select edition() + position('x' in 'edition') from versions() where edition() = version",
        10,
        2,
    ),
];

/// Reloads under load; `each` is called after every one of them. How long one takes, and how many queries ran.
pub(super) async fn run(reloads: usize, mut each: impl FnMut()) -> (Duration, usize) {
    let place = Place::with(ONE);
    let host = place.load("");
    let sessions = [session(&host), session(&host)];
    let (done, queries) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut running = Vec::new();
    for (i, (sql, rows, times)) in QUERIES.into_iter().enumerate() {
        let context = sessions[i % 2].clone();
        let (done, queries) = (Arc::clone(&done), Arc::clone(&queries));
        running.push(tokio::task::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let found = numbers(&context, sql).await.unwrap();
                assert_eq!(found.len(), rows, "{sql}: {found:?}");
                let all_of = |version: i64| found.iter().all(|found| *found == times * version);
                assert!(all_of(1) || all_of(2), "{sql}: {found:?}");
                queries.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let mut spent = Duration::ZERO;
    for i in 0..reloads {
        place.put([TWO, ONE][i % 2]);
        let before = (Instant::now(), queries.load(Ordering::Relaxed));
        let report = host.reload().unwrap();
        spent += before.0.elapsed();
        assert_replaced(&report);
        assert_eq!(report.sessions, 2);
        let version = [2, 1][i % 2];
        for context in &sessions {
            let told = numbers(context, "select edition()").await.unwrap();
            assert_eq!(told, [version]);
        }
        // Some queries have to end between two reloads.
        while queries.load(Ordering::Relaxed) < before.1 + 4 {
            assert!(running.iter().all(|task| !task.is_finished()));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        each();
    }
    done.store(true, Ordering::Relaxed);
    for task in running {
        task.await.unwrap();
    }
    // Of two libraries in turn, each is mapped once, and the first as the file that it was.
    assert_eq!(host.retained().len(), 2);
    let queries = queries.load(Ordering::Relaxed);
    (spent / u32::try_from(reloads).unwrap(), queries)
}
