//! What is written here, the other writer reads: the package `deltalake` from PyPI, where Python has
//! it. `DELTA_PYTHON` names another interpreter than `python3`.

use std::{env, process::Command};

use super::{Copy, create, linked_in, rows, run};

const READ: &str = "
import sys
from deltalake import DeltaTable, QueryBuilder
table = DeltaTable(sys.argv[1])
rows = QueryBuilder().register('t', table).execute(sys.argv[2]).read_all()
names = rows.schema.names
columns = [rows.column(name).to_pylist() for name in names]
for row in sorted(' | '.join('NULL' if v is None else str(v) for v in row) for row in zip(*columns)):
    print(row)
";

/// The rows as the other reader has them; none, loudly, where there is no such reader.
fn read(path: &str, sql: &str) -> Option<Vec<String>> {
    let python = env::var("DELTA_PYTHON").unwrap_or_else(|_| "python3".into());
    let there = Command::new(&python)
        .args(["-c", "import deltalake, arro3.core"])
        .output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: {python} has no package deltalake (set DELTA_PYTHON to one that has)");
        return None;
    }
    let output = Command::new(&python)
        .args(["-c", READ, path, sql])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

async fn same(context: &datafusion::prelude::SessionContext, path: &str, sql: &str) {
    if let Some(read) = read(path, sql) {
        assert_eq!(read, rows(context, sql).await, "{path}: {sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_read_by_the_other_reader() {
    let context = linked_in();
    for (table, statements, columns) in [
        (
            "orders",
            vec![
                "insert into t (id, region, amount, day, note) values (11, 'a b/c', 1.5, date '2024-03-01', 'x'), (12, null, null, null, null)",
                "delete from t where region = 'east'",
                "update t set note = 'changed' where id in (2, 11)",
                "merge into t using (values (1, 0.5), (30, 3.5)) s(id, x) on t.id = s.id \
                 when matched then update set amount = s.x \
                 when not matched then insert (id, amount) values (s.id, s.x)",
                "select * from delta_optimize('PATH', 'id')",
                "select * from delta_checkpoint('PATH')",
                "insert into t (id) values (13)",
            ],
            "id, region, amount, cast(day as varchar), note",
        ),
        (
            "vectors",
            vec![
                "delete from t where id = 0",
                "insert into t values (20, 'new')",
                "select * from delta_checkpoint('PATH')",
            ],
            "id, name",
        ),
        (
            "mapped",
            vec![
                "insert into t values (3, 'Eve')",
                "update t set \"full name\" = 'Eva' where id = 3",
            ],
            "id, \"full name\"",
        ),
        (
            "rules",
            vec![
                "insert into t (id, amount) values (3, 3)",
                "select * from delta_restore('PATH', 2)",
            ],
            "id, amount, twice",
        ),
    ] {
        let copy = Copy::of(table);
        run(&context, "drop table if exists t").await.unwrap();
        copy.as_t(&context).await;
        for statement in statements {
            let statement = statement.replace("PATH", &copy.path());
            run(&context, &statement)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
            same(&context, &copy.path(), &format!("select {columns} from t")).await;
        }
    }
}

#[tokio::test]
async fn a_table_made_here_is_read_by_the_other_reader() {
    let context = linked_in();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made").display().to_string();
    let columns = "(id bigint not null, price decimal(9, 2), marks varchar)";
    let sql = format!(
        "create external table t {columns} stored as deltatable partitioned by (marks) location '{path}'"
    );
    run(&context, &sql).await.unwrap();
    run(
        &context,
        "insert into t values (1, 1.25, 'a'), (2, null, null)",
    )
    .await
    .unwrap();
    same(&context, &path, "select id, price, marks from t").await;
    create(&context, "again", &path, "").await.unwrap();
    assert_eq!(
        rows(&context, "select * from again").await,
        ["1 | 1.25 | a", "2 | NULL | NULL"]
    );
}
