//! Runs the test files, each in a session of its own.

use std::any::Any;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use datafusion::prelude::SessionContext;
use datafusion_sqllogictest::{DataFusion, df_value_validator, value_normalizer};
use indicatif::ProgressBar;
use plugin_tests::plugins;
use sqllogictest::{Record, Runner, parse_file, strict_column_validator};

/// A debug build of DataFusion overflows the 2 MiB that threads usually get.
const STACK: usize = 32 << 20;

/// What a file came to.
#[derive(Debug)]
pub enum Verdict {
    Pass,
    Fail { first: String, errors: usize },
}

/// Runs every file, each in a new session of `session`; the keys are paths below `spark/`.
///
/// As many files run at once as there are processors, each on one thread.
pub fn run_all(session: impl AsyncFn() -> SessionContext + Sync) -> BTreeMap<String, Verdict> {
    let folder = spark_folder();
    let mut files = Vec::new();
    slt_files(&folder, &mut files);
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, || {
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let name = file.strip_prefix(&folder).unwrap().display().to_string();
                        let verdict = run_file(file, &name, &session);
                        verdicts.lock().unwrap().insert(name, verdict);
                    }
                })
                .unwrap();
        }
    });
    verdicts.into_inner().unwrap()
}

/// Runs one file to its end; a panic is a failure of that file alone.
fn run_file(
    path: &Path,
    name: &str,
    session: &(impl AsyncFn() -> SessionContext + Sync),
) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .build()
        .unwrap();
    let run = AssertUnwindSafe(|| runtime.block_on(errors_of(path, name, session)));
    let mut errors = catch_unwind(run).unwrap_or_else(|panic| vec![panic_message(&*panic)]);
    match errors.len() {
        0 => Verdict::Pass,
        count => Verdict::Fail {
            first: errors.swap_remove(0),
            errors: count,
        },
    }
}

/// What `datafusion-sqllogictest`'s own program does with a file.
async fn errors_of(
    path: &Path,
    name: &str,
    session: &(impl AsyncFn() -> SessionContext + Sync),
) -> Vec<String> {
    let context = session().await;
    // The engine prints values the Spark way for files below `spark/`.
    let relative = Path::new("spark").join(name);
    let config_changes = Arc::new(Mutex::new(Vec::new()));
    let mut runner = Runner::new(|| async {
        let engine = DataFusion::new(context.clone(), relative.clone(), ProgressBar::hidden());
        Ok(engine.with_config_change_errors(Arc::clone(&config_changes)))
    });
    runner.add_label("Datafusion");
    runner.with_column_validator(strict_column_validator);
    runner.with_normalizer(value_normalizer);
    runner.with_validator(df_value_validator);

    let mut errors = Vec::new();
    for record in parse_file(path).unwrap() {
        if let Record::Halt { .. } = record {
            break;
        }
        if let Err(error) = runner.run_async(record).await {
            errors.push(error.to_string());
        }
    }
    runner.shutdown_async().await;
    errors.append(&mut config_changes.lock().unwrap());
    errors
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("with no message"))
}

fn slt_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            slt_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            files.push(path);
        }
    }
}

/// `test_files/spark` of the `datafusion-sqllogictest` that this test is compiled with.
fn spark_folder() -> PathBuf {
    let manifest = plugins::manifest_of("datafusion-sqllogictest");
    manifest.with_file_name("test_files").join("spark")
}
