//! Plugins are replaced while their application runs.

mod memory;
mod watch;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use datafusion::{
    arrow::{array::AsArray, datatypes::Int64Type},
    error::Result,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{PluginHost, ReloadOutcome, ReloadReport, config::Config};
use futures::StreamExt;
use plugin_tests::{
    patch::{patched, set},
    plugins::plugin,
};

const ONE: &str = "fixture-changing-one";
const TWO: &str = "fixture-changing-two";

/// A folder with the plugin's file in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn with(package: &str) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        place.put(package);
        place
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(plugin(ONE).file_name().unwrap())
    }

    /// Puts a library in the place of the file, in one step.
    fn put(&self, package: &str) {
        self.replace(|file| {
            fs::copy(plugin(package), file).unwrap();
        });
    }

    /// The same with another version in its manifest, so that its bytes are like no other's.
    fn put_version(&self, package: &str, version: &str) {
        self.replace(|file| {
            let edit = |records: &mut _| set(records, "version", version);
            patched(&plugin(package), file.to_owned(), edit);
        });
    }

    fn replace(&self, write: impl FnOnce(&Path)) {
        let aside = self.folder.path().join("aside");
        write(&aside);
        fs::rename(aside, self.file()).unwrap();
    }

    fn load(&self, config: &str) -> PluginHost {
        PluginHost::builder()
            .plugin_dir(self.folder.path())
            .grant_every_capability()
            .config(Config::parse(config).unwrap())
            .load()
            .unwrap()
    }
}

fn session(host: &PluginHost) -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    host.install(&context);
    context
}

/// The integers of the first column.
async fn numbers(context: &SessionContext, sql: &str) -> Result<Vec<i64>> {
    let batches = context.sql(sql).await?.collect().await?;
    let columns = batches.iter().map(|batch| batch.column(0));
    let columns = columns.map(|column| column.as_primitive::<Int64Type>().values().to_vec());
    Ok(columns.flatten().collect())
}

/// What tells the version, one way each.
const WAYS: [&str; 6] = [
    "select edition()",
    "select changing.edition(1)",
    "select min(version) from versions()",
    "select min(version) from changing.versions",
    "select changing.sum(changing.edition()) from generate_series(1, 1)",
    "select * from planned_version",
];

async fn is_version(context: &SessionContext, version: i64) {
    for sql in WAYS {
        assert_eq!(numbers(context, sql).await.unwrap(), [version], "{sql}");
    }
    let names = [(1, "only_one"), (2, "only_two")];
    for (of, name) in names {
        for sql in [
            format!("select {name}()"),
            format!("select changing.{name}()"),
        ] {
            let found = numbers(context, &sql).await;
            assert_eq!(found.is_ok(), of == version, "{sql}: {found:?}");
        }
        let found = numbers(context, &format!("select min(version) from {name}()")).await;
        assert_eq!(found.is_ok(), of == version, "{name}: {found:?}");
    }
}

fn replaced(report: &ReloadReport) -> bool {
    let [file] = report.files.as_slice() else {
        panic!("{report:?}")
    };
    matches!(file.outcome, ReloadOutcome::Replaced { .. })
}

#[tokio::test]
async fn new_queries_use_the_new_version_and_old_names_go() {
    let place = Place::with(ONE);
    let host = place.load("");
    let sessions = [session(&host), session(&host)];
    for context in &sessions {
        is_version(context, 1).await;
    }
    for (package, version) in [(TWO, 2), (ONE, 1), (TWO, 2)] {
        place.put(package);
        let report = host.reload().unwrap();
        assert!(replaced(&report) && report.behind.is_empty(), "{report:?}");
        assert_eq!(report.sessions, 2);
        for context in &sessions {
            is_version(context, version).await;
        }
        // A session that comes later, and installing again.
        let later = session(&host);
        is_version(&later, version).await;
        assert!(host.install(&sessions[0]).is_unchanged());
    }
}

#[tokio::test]
async fn identical_bytes_are_nothing_to_do() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    numbers(&context, "select edition()").await.unwrap();
    place.put(ONE);
    let report = host.reload().unwrap();
    assert!(report.is_unchanged(), "{report:?}");
    assert_eq!(report.files[0].outcome, ReloadOutcome::Unchanged);
    assert!(host.retained().is_empty());
    // Nothing was activated again: the counters go on.
    let items = host.metrics();
    let version = items.iter().find(|item| item.item == "edition").unwrap();
    assert_eq!(version.metrics.calls, 1);
}

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
    assert!(replaced(&host.reload().unwrap()));
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

#[tokio::test]
async fn a_version_that_fails_changes_nothing() {
    let place = Place::with(ONE);
    let host = place.load("[plugins.changing.options]\nfails = 2");
    let context = session(&host);
    type Write = fn(&Path);
    let text: Write = |file| fs::write(file, "no library").unwrap();
    let short: Write = |file| {
        let bytes = fs::read(plugin(TWO)).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    let contract: Write = |file| {
        let edit = |records: &mut _| set(records, "contract", "9.0");
        patched(&plugin(TWO), file.to_owned(), edit);
    };
    let starts_not: Write = |file| {
        fs::copy(plugin(TWO), file).unwrap();
    };
    for (write, said) in [
        (text, "text file"),
        (short, "cut short"),
        (contract, "speaks contract 9.0"),
        (starts_not, "version 2 does not start"),
    ] {
        place.replace(write);
        let report = host.reload().unwrap();
        assert!(report.is_unchanged());
        let failures: Vec<_> = report.failures().collect();
        let [failure] = failures.as_slice() else {
            panic!("{said}: {report:?}")
        };
        assert_eq!(
            (failure.plugin.as_str(), &failure.path),
            ("changing", &place.file())
        );
        let ReloadOutcome::Failed { problem } = &failure.outcome else {
            panic!("{failure:?}")
        };
        assert!(problem.contains(said), "{said}: {problem}");
        is_version(&context, 1).await;
        assert!(host.retained().is_empty());
    }
    fs::remove_file(place.file()).unwrap();
    let report = host.reload().unwrap();
    assert_eq!(report.files[0].outcome, ReloadOutcome::Missing);
    is_version(&context, 1).await;
    // Once it is right, it is taken.
    place.put_version(ONE, "0.1.9");
    assert!(replaced(&host.reload().unwrap()));
    assert_eq!(host.plugins()[0].manifest().version.to_string(), "0.1.9");
    is_version(&context, 1).await;
}

#[tokio::test]
async fn a_plugin_that_was_not_there_before() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let example = plugin("datafusion-plugin-example");
    let copy = place.folder.path().join(example.file_name().unwrap());
    fs::copy(&example, copy).unwrap();
    let report = host.reload().unwrap();
    let added = |outcome: &ReloadOutcome| matches!(outcome, ReloadOutcome::Added { .. });
    let added = report
        .files
        .iter()
        .find(|file| added(&file.outcome))
        .unwrap();
    assert_eq!(added.plugin, "example");
    assert_eq!(host.plugins().len(), 2);
    context
        .sql("select greet('Ada')")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    is_version(&context, 1).await;
}

#[tokio::test]
async fn built_ins_get_their_names_back() {
    let place = Place::with(ONE);
    let host = place.load("[plugins.changing]\nreplace_builtins = true");
    let context = session(&host);
    assert_eq!(numbers(&context, "select pi()").await.unwrap(), [1]);
    place.put(TWO);
    host.reload().unwrap();
    assert_eq!(numbers(&context, "select pi()").await.unwrap(), [2]);
    assert_eq!(
        numbers(&context, "select sum(version) from versions()")
            .await
            .unwrap(),
        [20]
    );
    // Another plugin's library under the same name has none of them.
    let plain = place.load("");
    let other = session(&plain);
    assert!(
        numbers(&other, "select cast(pi() * 100 as bigint)")
            .await
            .unwrap()
            == [314]
    );
    place.put(ONE);
    plain.reload().unwrap();
    assert!(
        numbers(&other, "select cast(pi() * 100 as bigint)")
            .await
            .unwrap()
            == [314]
    );
}

#[tokio::test]
async fn prepared_statements_are_not_lost() {
    let place = Place::with(ONE);
    let host = place.load("");
    let (with, without) = (session(&host), session(&host));
    let run = async |sql: &str| with.sql(sql).await.unwrap().collect().await.unwrap();
    run("prepare p as select edition()").await;
    place.put(TWO);
    let report = host.reload().unwrap();
    assert_eq!((report.sessions, report.behind.len()), (1, 1), "{report:?}");
    assert!(
        report.behind[0].contains("has prepared statements"),
        "{report:?}"
    );
    is_version(&without, 2).await;
    is_version(&with, 1).await;
    run("execute p").await;
    // It catches up once they are gone, though nothing else has changed.
    run("deallocate p").await;
    let report = host.reload().unwrap();
    assert!(
        report.is_unchanged() && report.behind.is_empty(),
        "{report:?}"
    );
    assert_eq!(report.sessions, 2);
    is_version(&with, 2).await;
    assert!(host.install(&with).is_unchanged());
}

#[tokio::test]
async fn quarantine_and_counters_begin_anew() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    numbers(&context, "select edition()").await.unwrap();
    place.put(TWO);
    host.reload().unwrap();
    let items = host.metrics();
    assert!(items.iter().all(|item| item.metrics.calls == 0));
    let version = items.iter().filter(|item| item.item == "edition");
    assert_eq!(version.count(), 1);
}

#[tokio::test]
async fn retained_libraries_are_listed_with_their_sizes() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let length = fs::metadata(place.file()).unwrap().len();
    for version in ["0.1.1", "0.1.2"] {
        place.put_version(ONE, version);
        assert!(replaced(&host.reload().unwrap()));
    }
    let retained = host.retained();
    let versions: Vec<_> = retained.iter().map(|old| old.version.as_str()).collect();
    assert_eq!(versions, ["0.1.0", "0.1.1"]);
    assert!(
        retained
            .iter()
            .all(|old| old.plugin == "changing" && old.bytes == length)
    );
    let bytes = "select cast(retained_bytes as bigint) from plugins()";
    let expected = i64::try_from(2 * length).unwrap();
    assert_eq!(numbers(&context, bytes).await.unwrap(), [expected]);
    // What comes back is in use again.
    place.put_version(ONE, "0.1.1");
    host.reload().unwrap();
    let retained = host.retained();
    let versions: Vec<_> = retained.iter().map(|old| old.version.as_str()).collect();
    assert_eq!(versions, ["0.1.0", "0.1.2"]);
}

/// How often plugins are replaced in the tests that do so for long.
fn reloads() -> usize {
    let wanted = env::var("PLUGIN_TESTS_RELOADS").ok();
    wanted.map_or(50, |wanted| wanted.parse().unwrap())
}

/// Queries run all the time, and each gives the answer of one version, whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reloads_under_running_queries() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let done = Arc::new(AtomicBool::new(false));
    let run = |sql: &'static str, rows: usize| {
        let (context, done) = (context.clone(), Arc::clone(&done));
        tokio::task::spawn(async move {
            let mut queries = 0;
            while !done.load(Ordering::Relaxed) {
                let found = numbers(&context, sql).await.unwrap();
                assert_eq!(found.len(), rows, "{sql}: {found:?}");
                let all_of = |version| found.iter().all(|found| *found == version);
                assert!(all_of(1) || all_of(2), "{sql}: {found:?}");
                queries += 1;
            }
            queries
        })
    };
    let running = [
        run("select edition() from generate_series(1, 5)", 5),
        run("select version from changing.versions()", 10),
        run("select version from changing.versions", 10),
        run(
            "select changing.sum(changing.edition()) / 3 from generate_series(1, 3)",
            1,
        ),
        run("select * from planned_version", 1),
        // Both are of one version, since the whole query is planned at once.
        run(
            "select edition() from versions() where edition() = version",
            10,
        ),
    ];
    for i in 0..reloads() {
        let package = if i % 2 == 0 { TWO } else { ONE };
        place.put(package);
        let report = host.reload().unwrap();
        assert!(replaced(&report), "{report:?}");
        let version = 1 + i64::from(i % 2 == 0);
        assert_eq!(
            numbers(&context, "select edition()").await.unwrap(),
            [version]
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    done.store(true, Ordering::Relaxed);
    for queries in running {
        assert!(queries.await.unwrap() > 0);
    }
    // Of two libraries in turn, each is mapped once, and the first as the file that it was.
    assert_eq!(host.retained().len(), 2);
}
