//! Plans that travel to rules and back unchanged give the same plans and rows.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, thread};

use datafusion::{arrow::array::RecordBatch, catalog::MemTable, prelude::SessionContext};
use plugin_tests::{plugins, tpch};

use super::{
    rows, session,
    twins::{Compared, Difference, compare},
    with_rules,
};

const RULES: [&str; 4] = [
    "unchanged_analyzer",
    "unchanged_optimizer",
    "physical_unchanged",
    "physical_rebuilt",
];
const POLICY: &str = "policy = true";

/// A debug build of DataFusion overflows the 2 MiB that threads usually get.
const STACK: usize = 32 << 20;

/// Records whose outcome differs, by file: a part of the statement, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "explain.slt",
        "EXPLAIN VERBOSE",
        "it has a line per rule, and these are more",
    ),
    (
        "set_variable.slt",
        "EXPLAIN ANALYZE SELECT * FROM generate_series(1, 1000)",
        "its error names numbered consumers of no memory, in no order",
    ),
];

fn test_files() -> PathBuf {
    plugins::manifest_of("datafusion-sqllogictest").with_file_name("test_files")
}

fn on_a_large_stack<T: Send>(run: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        let body = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(run)
        };
        let thread = thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, body).unwrap().join().unwrap()
    })
}

fn assert_same(file: &str, compared: &Compared, at_least: usize) {
    println!(
        "{file}: {} statements, {} of them errors in both",
        compared.statements, compared.errors
    );
    assert!(compared.statements >= at_least, "{file} has shrunk");
    let listed = |sql: &str| {
        DIFFERENCES
            .iter()
            .any(|(of, part, _)| *of == file && sql.contains(part))
    };
    let unlisted = compared
        .differences
        .iter()
        .filter(|difference| !listed(&difference.sql))
        .map(
            |Difference {
                 sql,
                 expected,
                 found,
             }| { format!("{sql}\n--- expected\n{expected}\n--- found\n{found}\n") },
        )
        .collect::<Vec<_>>();
    assert!(unlisted.is_empty(), "{file}: {}", unlisted.join("\n"));
}

macro_rules! files {
    ($($name:ident $at_least:literal),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                let file = concat!(stringify!($name), ".slt");
                let compared = on_a_large_stack(async {
                    let ruled = with_rules(&RULES, POLICY);
                    let compared = compare(test_files().join(file), session(), ruled.clone()).await;
                    // The rules were asked.
                    let asked = RULES.map(|rule| format!("'{rule}'")).join(", ");
                    let sql = format!("select min(calls) from plugin_metrics() where item in ({asked})");
                    let calls = rows(&ruled, &sql).await;
                    assert!(!calls.unwrap().contains(" 0 "), "a rule was not called");
                    compared
                });
                assert_same(file, &compared, $at_least);
            }
        )*
    };
}

files! {
    subquery 200,
    joins 300,
    cte 40,
    union 60,
    window 300,
    group_by 300,
    order 150,
    explain 30,
    insert 50,
    copy 80,
    ddl 100,
    prepare 50,
    set_variable 50,
}

/// All 22 queries of TPC-H, on the tables of its generator.
#[test]
fn tpch_queries() {
    let folder = tempfile::tempdir().unwrap();
    tpch::write_parquet(folder.path(), 0.01).unwrap();
    let (statements, counts) = on_a_large_stack(async {
        let contexts = [session(), with_rules(&RULES, POLICY)];
        for table in tpch::TABLES {
            let path = folder.path().join(format!("{table}.parquet"));
            let path = path.to_str().unwrap();
            let read = contexts[0].read_parquet(path, Default::default()).await;
            let batches: Vec<RecordBatch> = read.unwrap().collect().await.unwrap();
            let held = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
            let held = Arc::new(held);
            for context in &contexts {
                context
                    .register_table(table, Arc::clone(&held) as _)
                    .unwrap();
            }
        }
        let mut counts = BTreeMap::new();
        let mut statements = 0;
        for query in 1..=22 {
            for kind in ["answers", "plans"] {
                let file = format!("tpch/{kind}/q{query}.slt.part");
                let path = test_files().join(&file);
                let [plain, ruled]: [SessionContext; 2] = contexts.clone();
                let compared = compare(path, plain, ruled).await;
                assert_same(&file, &compared, 1);
                assert_eq!(compared.errors, 0, "{file}");
                statements += compared.statements;
                counts.insert(file, compared.statements);
            }
        }
        (statements, counts)
    });
    assert!(statements >= 44, "{counts:?}");
}
