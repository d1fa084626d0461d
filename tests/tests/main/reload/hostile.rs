//! What goes on while plugins are replaced, and ends as it began.

use std::{sync::Barrier, thread};

use super::*;

#[tokio::test]
async fn running_queries_end_on_the_version_they_began_with() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let plan = |sql| {
        let context = &context;
        async move { context.sql(sql).await.unwrap() }
    };
    let planned = plan("select edition() + version from changing.versions").await;
    let mut under_way = plan("select version from versions()")
        .await
        .execute_stream()
        .await
        .unwrap();
    let first = under_way.next().await.unwrap().unwrap();
    place.put(TWO);
    assert_replaced(&host.reload().unwrap());
    is_version(&context, 2).await;
    let mut rows = first.num_rows();
    while let Some(batch) = under_way.next().await {
        let batch = batch.unwrap();
        let versions = batch.column(0).as_primitive::<Int64Type>();
        assert!(versions.values().iter().all(|version| *version == 1));
        rows += batch.num_rows();
    }
    assert_eq!(rows, 10);
    let batches = planned.collect().await.unwrap();
    for batch in batches {
        let sums = batch.column(0).as_primitive::<Int64Type>();
        assert!(sums.values().iter().all(|sum| *sum == 2));
    }
}

/// What was captured is what it was; what is looked up by its name is new.
#[tokio::test]
async fn views_cached_plans_and_made_things_keep_what_they_captured() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let run = async |sql: &str| numbers(&context, sql).await.unwrap();
    run("create view kept as select edition() + version as told from changing.versions").await;
    run("create external table made stored as edition location 'here'").await;
    run("create function told() returns bigint language edition").await;
    let cached = context
        .sql("select edition() as told")
        .await
        .unwrap()
        .cache()
        .await
        .unwrap();
    let physical = context.sql("select version from changing.versions");
    let physical = physical
        .await
        .unwrap()
        .create_physical_plan()
        .await
        .unwrap();
    place.put(TWO);
    assert_replaced(&host.reload().unwrap());
    assert_eq!(run("select min(told) from kept").await, [2]);
    assert_eq!(run("select max(version) from made").await, [1]);
    assert_eq!(run("select told()").await, [1]);
    let batches = cached.collect().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 1);
    let batches = datafusion::physical_plan::collect(physical, context.task_ctx());
    let batches = batches.await.unwrap();
    assert!(batches.iter().all(|batch| {
        let versions = batch.column(0).as_primitive::<Int64Type>();
        versions.values().iter().all(|version| *version == 1)
    }));
    context.deregister_table("made").unwrap();
    run("drop function told").await;
    is_version(&context, 2).await;
}

/// Each reload is whole: the same file is loaded once, however many ask for it.
#[tokio::test]
async fn reloads_in_many_threads_at_once() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    for (package, version) in [(TWO, 2), (ONE, 1), (TWO, 2)] {
        place.put(package);
        let barrier = Barrier::new(4);
        let replaced = thread::scope(|scope| {
            let reload = || {
                barrier.wait();
                let report = host.reload().unwrap();
                assert_eq!(report.sessions, 1);
                usize::from(!report.is_unchanged())
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(reload)).collect();
            let counts = threads.into_iter().map(|thread| thread.join().unwrap());
            counts.sum::<usize>()
        });
        assert_eq!(replaced, 1);
        is_version(&context, version).await;
    }
}

/// A reload while a session is installed into, in another thread: the session has one version, the new one in the end.
#[tokio::test]
async fn a_reload_among_installs() {
    let place = Place::with(ONE);
    let host = place.load("");
    for (package, version) in [(TWO, 2), (ONE, 1), (TWO, 2), (ONE, 1)] {
        place.put(package);
        let sessions = thread::scope(|scope| {
            let installing = scope.spawn(|| (0..8).map(|_| session(&host)).collect::<Vec<_>>());
            host.reload().unwrap();
            installing.join().unwrap()
        });
        for context in &sessions {
            assert_eq!(
                numbers(context, "select edition()").await.unwrap(),
                [version]
            );
            let own = numbers(context, "select min(version) from changing.versions");
            assert_eq!(own.await.unwrap(), [version]);
        }
        is_version(&sessions[0], version).await;
    }
}

/// Another version of a plugin that is in quarantine is not.
#[tokio::test]
async fn quarantine_is_reset() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = compiled("fixture-faulty");
    let file = folder.path().join(faulty.file_name().unwrap());
    fs::copy(&faulty, &file).unwrap();
    let host = PluginHost::builder()
        .plugin_dir(folder.path())
        .grant_every_capability()
        .config(Config::parse("[plugins.faulty]\nquarantine = { after = 1 }").unwrap())
        .load()
        .unwrap();
    let context = session(&host);
    let call = async |what: &str| {
        let sql =
            format!("select faulty.fault(column1, '{what}') from (values (cast(1 as bigint)))");
        // Planning is refused as well.
        match context.sql(&sql).await {
            Ok(frame) => frame.collect().await,
            Err(error) => Err(error),
        }
    };
    call("panic").await.unwrap_err();
    let refused = call("no").await.unwrap_err().strip_backtrace();
    assert!(refused.contains("quarantined since"), "{refused}");
    assert!(host.plugins()[0].quarantine().is_some());
    let aside = folder.path().join("aside");
    let edit = |records: &mut _| set(records, "version", "0.1.1");
    fs::rename(patched(&faulty, aside, edit), file).unwrap();
    assert_replaced(&host.reload().unwrap());
    call("no").await.unwrap();
    assert!(host.plugins()[0].quarantine().is_none());
}
