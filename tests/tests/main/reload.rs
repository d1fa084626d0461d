//! Plugins are replaced while their application runs.

mod drops;
mod failures;
mod hostile;
mod load;
mod memory;
mod names;
mod policies;
mod sessions;
mod trust;
mod watch;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use datafusion::{
    arrow::{array::AsArray, datatypes::Int64Type},
    error::Result,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{
    PluginHost, PluginHostBuilder, ReloadOutcome, ReloadReport, config::Config, trust::Grant,
};
use futures::StreamExt;
use plugin_tests::{
    patch::{patched, set},
    plugins::plugin,
};

use super::trust::compiled;

const ONE: &str = "fixture-changing-one";
const TWO: &str = "fixture-changing-two";

/// A library without what debuggers need.
fn library(package: &str) -> &'static Path {
    static LIBRARIES: LazyLock<[PathBuf; 2]> = LazyLock::new(|| [ONE, TWO].map(compiled));
    &LIBRARIES[usize::from(package == TWO)]
}

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

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join(plugin(ONE).file_name().unwrap())
    }

    /// Puts a library in the place of the file, in one step.
    fn put(&self, package: &str) {
        self.replace(|file| {
            fs::copy(library(package), file).unwrap();
        });
    }

    /// The same with another version in its manifest, so that its bytes are like no other's.
    fn put_version(&self, package: &str, version: &str) {
        self.replace(|file| {
            let edit = |records: &mut _| set(records, "version", version);
            patched(library(package), file.to_owned(), edit);
        });
    }

    fn replace(&self, write: impl FnOnce(&Path)) {
        let aside = self.path().join("aside");
        write(&aside);
        fs::rename(aside, self.file()).unwrap();
    }

    /// Grants everything but policies, which decide on all statements.
    fn load(&self, config: &str) -> PluginHost {
        self.builder(config).load().unwrap()
    }

    fn builder(&self, config: &str) -> PluginHostBuilder {
        PluginHost::builder()
            .plugin_dir(self.path())
            .grant(
                "changing",
                GRANTS.iter().filter_map(|name| Grant::from_name(name)),
            )
            .config(Config::parse(config).unwrap())
    }
}

const GRANTS: [&str; 8] = [
    "catalog_provider",
    "relation_planner",
    "expr_planner",
    "type_planner",
    "analyzer_rule",
    "optimizer_rule",
    "physical_optimizer_rule",
    "function_factory",
];

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
const WAYS: [&str; 15] = [
    "select edition()",
    "select changing.edition(1)",
    "select edition_later()",
    "select changing.edition_later()",
    "select edition_over(column1) over () from (values (7))",
    "select changing.sum(changing.edition()) from generate_series(1, 1)",
    "select min(version) from versions()",
    "select min(version) from changing.versions",
    "select min(version) from editions.shelf.versions",
    "select * from planned_version",
    "select position('x' in 'edition')",
    // `Int8` and `Int16`.
    "select cast(length(arrow_typeof(cast(1 as edition))) as bigint) - 3",
    "select 7001 as analyzed",
    "select 7002 as optimized",
    "select count(*) from (values (1)) where position('x' in 'edition') = edition()",
];

async fn is_version(context: &SessionContext, version: i64) {
    for sql in WAYS {
        let expected = if sql.contains("count(*)") { 1 } else { version };
        assert_eq!(numbers(context, sql).await.unwrap(), [expected], "{sql}");
    }
    let limited = "select column1 as limited from (values (5), (6), (7))";
    let limited = numbers(context, limited).await.unwrap();
    assert_eq!(limited.len(), usize::try_from(version).unwrap());
    let run = async |sql: &str| numbers(context, sql).await.unwrap();
    run("create external table edition_made stored as edition location 'here'").await;
    assert_eq!(
        run("select min(version) from edition_made").await,
        [version]
    );
    context.deregister_table("edition_made").unwrap();
    run("create function told() returns bigint language edition").await;
    assert_eq!(run("select told()").await, [version]);
    run("drop function told").await;
    for (of, name) in [(1, "only_one"), (2, "only_two")] {
        for sql in [
            format!("select {name}()"),
            format!("select changing.{name}()"),
            format!("select min(version) from {name}()"),
            format!("select min(version) from changing.{name}"),
            format!("select min(version) from {name}.shelf.versions"),
        ] {
            match numbers(context, &sql).await {
                Ok(found) => assert_eq!((of, found), (version, vec![version]), "{sql}"),
                Err(error) => {
                    assert_ne!(of, version, "{sql}: {error}");
                    let error = error.strip_backtrace();
                    // DataFusion's own error of a name that nobody has.
                    let unknown = ["Invalid function", "not found", "failed to resolve"];
                    assert!(unknown.iter().any(|part| error.contains(part)), "{error}");
                }
            }
        }
    }
}

#[track_caller]
fn outcome(report: &ReloadReport) -> &ReloadOutcome {
    let [file] = report.files.as_slice() else {
        panic!("{report:?}")
    };
    &file.outcome
}

#[track_caller]
fn assert_replaced(report: &ReloadReport) {
    let outcome = outcome(report);
    assert!(
        matches!(outcome, ReloadOutcome::Replaced { .. }),
        "{report:?}"
    );
    assert!(report.behind.is_empty(), "{report:?}");
}

/// Why the only file was not taken.
#[track_caller]
fn failure(report: &ReloadReport) -> &str {
    match outcome(report) {
        ReloadOutcome::Failed { problem } => problem,
        other => panic!("{other:?}"),
    }
}

/// How often plugins are replaced in the tests that do so for long.
fn reloads() -> usize {
    let wanted = env::var("PLUGIN_TESTS_RELOADS").ok();
    wanted.map_or(12, |wanted| wanted.parse().unwrap())
}

#[tokio::test]
async fn identical_bytes_are_nothing_to_do() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    numbers(&context, "select edition()").await.unwrap();
    for rewritten in [false, true] {
        if rewritten {
            place.put(ONE);
        }
        let report = host.reload().unwrap();
        assert!(report.is_unchanged(), "{report:?}");
        assert_eq!(*outcome(&report), ReloadOutcome::Unchanged);
        assert!(host.retained().is_empty());
    }
    // Nothing was activated again: the counters go on.
    let items = host.metrics();
    let version = items.iter().find(|item| item.item == "edition").unwrap();
    assert_eq!(version.metrics.calls, 1);
}

/// Guards that a host gets the file as it is, although another one of its name is mapped.
#[tokio::test]
async fn a_second_host_after_the_file_was_replaced() {
    let place = Place::with(ONE);
    let first = place.load("");
    let old = session(&first);
    for (package, version) in [(TWO, 2), (TWO, 2), (ONE, 1)] {
        place.put(package);
        let second = place.load("");
        let context = session(&second);
        is_version(&context, version).await;
        assert_eq!(numbers(&old, "select edition()").await.unwrap(), [1]);
        assert!(second.reload().unwrap().is_unchanged());
    }
    let last = place.load("");
    place.put(TWO);
    assert_replaced(&last.reload().unwrap());
    is_version(&session(&last), 2).await;
}

#[tokio::test]
async fn a_plugin_that_comes_and_goes() {
    let place = Place::with(ONE);
    let host = place.load("");
    let context = session(&host);
    let example = plugin("datafusion-plugin-example");
    let copy = place.path().join(example.file_name().unwrap());
    for _ in 0..2 {
        fs::copy(&example, &copy).unwrap();
        let report = host.reload().unwrap();
        let added = |outcome: &ReloadOutcome| matches!(outcome, ReloadOutcome::Added { .. });
        let mut files = report.files.iter();
        let added = files.find(|file| added(&file.outcome)).unwrap();
        assert_eq!((added.plugin.as_str(), &added.path), ("example", &copy));
        assert_eq!(host.plugins().len(), 2);
        let greet = async || context.sql("select greet('Ada')").await;
        greet().await.unwrap().collect().await.unwrap();
        is_version(&context, 1).await;

        let planned = greet().await.unwrap();
        fs::remove_file(&copy).unwrap();
        let report = host.reload().unwrap();
        let removed = |outcome: &ReloadOutcome| matches!(outcome, ReloadOutcome::Removed { .. });
        assert!(report.files.iter().any(|file| removed(&file.outcome)));
        let gone = greet().await.unwrap_err().strip_backtrace();
        assert!(gone.contains("Invalid function 'greet'"), "{gone}");
        planned.collect().await.unwrap();
        is_version(&context, 1).await;
        assert_eq!(host.plugins().len(), 1);
        let retained = host.retained();
        assert!(retained.iter().all(|old| old.plugin == "example") && !retained.is_empty());
    }
    // The last of all.
    fs::remove_file(place.file()).unwrap();
    host.reload().unwrap();
    assert!(host.plugins().is_empty());
    for sql in WAYS {
        // These mean something without the plugin too.
        if !sql.contains("700") && sql != "select position('x' in 'edition')" {
            let found = numbers(&context, sql).await;
            assert!(found.is_err(), "{sql}: {found:?}");
        }
    }
}

#[tokio::test]
async fn built_ins_get_their_names_back() {
    let place = Place::with(ONE);
    let host = place.load("[plugins.changing]\nreplace_builtins = true");
    let context = session(&host);
    for (package, version) in [(TWO, 2), (ONE, 1)] {
        place.put(package);
        host.reload().unwrap();
        assert_eq!(numbers(&context, "select pi()").await.unwrap(), [version]);
        let sum = numbers(&context, "select sum(version) from versions()");
        assert_eq!(sum.await.unwrap(), [10 * version]);
    }
    fs::remove_file(place.file()).unwrap();
    host.reload().unwrap();
    let pi = "select cast(pi() * 100 as bigint)";
    assert_eq!(numbers(&context, pi).await.unwrap(), [314]);
    let sum = "select sum(column1) from (values (3), (4))";
    assert_eq!(numbers(&context, sum).await.unwrap(), [7]);
}

#[tokio::test]
async fn counters_begin_anew() {
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
        assert_replaced(&host.reload().unwrap());
    }
    let versions = || {
        let retained = host.retained().into_iter();
        retained.map(|old| old.version).collect::<Vec<_>>()
    };
    assert_eq!(versions(), ["0.1.0", "0.1.1"]);
    let whole = |old: &datafusion_plugin_host::RetainedLibrary| {
        old.plugin == "changing" && old.bytes == length && old.path == place.file()
    };
    assert!(host.retained().iter().all(whole));
    let bytes = "select cast(retained_bytes as bigint) from plugins()";
    let expected = i64::try_from(2 * length).unwrap();
    assert_eq!(numbers(&context, bytes).await.unwrap(), [expected]);
    let sample = format!("datafusion_plugin_retained_bytes{{plugin=\"changing\"}} {expected}\n");
    assert!(host.prometheus().contains(&sample));
    // Backwards: what comes back is in use again.
    place.put_version(ONE, "0.1.1");
    let report = host.reload().unwrap();
    let expected = ReloadOutcome::Replaced {
        from: "0.1.2".to_owned(),
        to: "0.1.1".to_owned(),
    };
    assert_eq!(*outcome(&report), expected);
    assert_eq!(versions(), ["0.1.0", "0.1.2"]);
}
