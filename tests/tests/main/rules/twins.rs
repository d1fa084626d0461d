//! An engine of SQL logic tests that runs every statement in two sessions and compares.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use datafusion::prelude::SessionContext;
use datafusion_sqllogictest::{DFColumnType, DFOutput, DFSqlLogicTestError, DataFusion};
use indicatif::ProgressBar;
use sqllogictest::{AsyncDB, DBOutput, Record, Runner, parse_file};
use tempfile::TempDir;

/// A statement with two outcomes.
pub struct Difference {
    pub sql: String,
    pub expected: String,
    pub found: String,
}

/// What was compared.
#[derive(Default)]
pub struct Compared {
    pub statements: usize,
    pub errors: usize,
    pub differences: Vec<Difference>,
}

struct Side {
    engine: DataFusion,
    /// In place of the folders that the files write to.
    scratch: TempDir,
}

impl Side {
    fn new(context: SessionContext, file: &Path) -> Self {
        Self {
            engine: DataFusion::new(context, file.to_owned(), ProgressBar::hidden()),
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    async fn outcome(&mut self, sql: &str) -> (String, Result<DFOutput, DFSqlLogicTestError>) {
        let scratch = format!("{}/", self.scratch.path().display());
        let sql = sql.replace("test_files/scratch/", &scratch);
        let outcome = self.engine.run(&sql).await;
        let text = match &outcome {
            Ok(DBOutput::Rows { types, rows }) => {
                let rows = rows.iter().map(|row| row.join(" | "));
                let mut rows: Vec<_> = rows.collect();
                // Two runs of a query without an order need not agree on one.
                if !sql.to_lowercase().contains("explain") {
                    rows.sort();
                }
                format!("{types:?}\n{}", rows.join("\n"))
            }
            Ok(DBOutput::StatementComplete(count)) => format!("{count} rows"),
            Ok(_) => "an output of another kind".to_owned(),
            Err(error) => format!("error: {error}"),
        };
        (comparable(&text, &scratch), outcome)
    }
}

/// The text without what no two runs have in common: folders, times, numbers of objects, and which of
/// several near names an error suggests.
fn comparable(text: &str, scratch: &str) -> String {
    let mut text = text.replace(scratch, "scratch/");
    // Plans show paths without the first slash.
    text = text.replace(scratch.trim_start_matches('/'), "scratch/");
    for (start, end) in [
        ("metrics=[", "]"),
        ("expression_id: ", ","),
        ("Did you mean '", "'?"),
    ] {
        let mut parts = text.split(start);
        let mut cleared = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            cleared += start;
            cleared += part.split_once(end).map_or("", |(_, rest)| rest);
        }
        text = cleared;
    }
    text
}

struct Twins {
    plain: Side,
    ruled: Side,
    compared: Arc<Mutex<Compared>>,
}

#[async_trait]
impl AsyncDB for Twins {
    type Error = DFSqlLogicTestError;
    type ColumnType = DFColumnType;

    async fn run(&mut self, sql: &str) -> Result<DFOutput, DFSqlLogicTestError> {
        let (expected, outcome) = self.plain.outcome(sql).await;
        let (found, _) = self.ruled.outcome(sql).await;
        let mut compared = self.compared.lock().unwrap();
        compared.statements += 1;
        compared.errors += usize::from(outcome.is_err());
        if expected != found {
            compared.differences.push(Difference {
                sql: sql.to_owned(),
                expected,
                found,
            });
        }
        outcome
    }

    async fn shutdown(&mut self) {}
}

/// Runs the records of a file in both sessions; what the file expects does not count.
pub async fn compare(path: PathBuf, plain: SessionContext, ruled: SessionContext) -> Compared {
    let compared = Arc::new(Mutex::new(Compared::default()));
    let sides = Mutex::new(Some((Side::new(plain, &path), Side::new(ruled, &path))));
    let shared = Arc::clone(&compared);
    let mut runner = Runner::new(|| {
        let sides = sides.lock().unwrap().take();
        let compared = Arc::clone(&shared);
        async move {
            let (plain, ruled) = sides.expect("a file uses one connection");
            Ok(Twins {
                plain,
                ruled,
                compared,
            })
        }
    });
    runner.add_label("Datafusion");
    for record in parse_file::<DFColumnType>(&path).unwrap() {
        if let Record::Halt { .. } = record {
            break;
        }
        drop(runner.run_async(record).await);
    }
    drop(runner);
    drop(shared);
    std::mem::take(&mut *compared.lock().unwrap())
}
