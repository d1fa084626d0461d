//! Which statement by which way is stopped: the table of `docs/policy.md`.
//!
//! The test compares the file with what it finds. `UPDATE_POLICY_MATRIX=1 cargo test --workspace
//! --test main -- policy::matrix` writes the table anew.

use std::fmt::Write;

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::{PluginHost, PolicyRefusal, Subject};
use plugin_tests::plugins::in_workspace;

use super::{
    standard,
    world::{World, leak, run, shown},
};

/// What a row is about, and attempts at it, of which the last of each is to be stopped.
const ROWS: &[(&str, &[&str])] = &[
    (
        "`SELECT` from a denied table",
        &["select * from vault", "select count(*) from hr.payroll"],
    ),
    (
        "`SELECT` through a view",
        &["select * from vault_view", "select * from \"Mixed\""],
    ),
    (
        "`SELECT` in CTEs, subqueries, set operations",
        &[
            "with w as (select * from vault) select * from w",
            "select * from open where id in (select id from vault)",
            "select id from open union all select id from vault",
        ],
    ),
    (
        "`SELECT` of a denied column",
        &["select grade from people", "select grade from people_view"],
    ),
    (
        "rows, values and numbers of rows beyond a restriction",
        &[
            "select * from staff",
            "select * from staff_deep",
            "select * from events where id > 3",
            "select name from staff where cast(name as int) = 1",
        ],
    ),
    (
        "a restriction on a view itself",
        &["select * from parts_view", "select * from parts_deep"],
    ),
    (
        "`EXPLAIN`, `EXPLAIN ANALYZE`, `EXPLAIN VERBOSE`",
        &[
            "explain select * from vault",
            "explain analyze select * from vault",
            "explain verbose select * from vault_view",
        ],
    ),
    (
        "`DESCRIBE`, `SHOW COLUMNS`",
        &["describe vault", "show columns from vault"],
    ),
    (
        "lists: `SHOW TABLES`, the information schema",
        &[
            "select * from information_schema.columns",
            "select * from information_schema.views",
        ],
    ),
    (
        "error messages of statements that cannot be planned",
        &["select nope from vault"],
    ),
    (
        "`COPY ... TO` of a denied table",
        &["copy vault to '{dir}/out/x.csv'"],
    ),
    (
        "`COPY ... TO` a denied location",
        &["copy open to '{dir}/closed/new.csv'"],
    ),
    (
        "a file in the place of a table",
        &[
            "select * from '{dir}/closed/a.csv'",
            "select * from '{dir}/free/link/a.csv'",
        ],
    ),
    (
        "`CREATE EXTERNAL TABLE` of a denied location",
        &["create external table new_t stored as csv location '{dir}/closed/a.csv'"],
    ),
    (
        "`CREATE TABLE AS` from a denied table",
        &["create table new_t as select * from vault"],
    ),
    (
        "`CREATE VIEW` over a denied table",
        &["create view new_v as select * from vault"],
    ),
    (
        "reading a view that was made so",
        &["create view new_v as select * from vault;; select * from new_v"],
    ),
    (
        "`INSERT` into a denied table",
        &["insert into vault values (3, 'x')"],
    ),
    (
        "`INSERT ... SELECT` from a denied table",
        &["create table new_t (id int);; insert into new_t select id from vault"],
    ),
    (
        "`UPDATE`, `DELETE`, `TRUNCATE` of a denied table",
        &[
            "update vault set id = 1",
            "delete from vault",
            "truncate table vault",
        ],
    ),
    (
        "`DROP TABLE`, `DROP VIEW`, `OR REPLACE` of a denied table",
        &[
            "drop table vault",
            "create or replace table vault as select 1 as id",
            "create or replace view vault as select 1 as id",
        ],
    ),
    (
        "`DROP SCHEMA` with denied tables in it",
        &["drop schema hr cascade"],
    ),
    (
        "a denied kind of statement: queries and writes",
        &["insert into open values (3, 'x')", "delete from open"],
    ),
    (
        "a denied kind of statement inside `EXPLAIN ANALYZE`",
        &["explain analyze insert into open values (3, 'x')"],
    ),
    (
        "a denied kind of statement: `DROP TABLE`",
        &["drop table open"],
    ),
    (
        "a denied kind of statement: `CREATE FUNCTION`, `DROP FUNCTION`",
        &["drop function abs"],
    ),
    (
        "a denied kind of statement: `CREATE DATABASE`",
        &["create database new_c"],
    ),
    (
        "`PREPARE` of what is denied",
        &[
            "prepare p as select * from vault",
            "prepare p as insert into open values (3, 'x')",
        ],
    ),
    (
        "`EXECUTE` of it",
        &["prepare p as select * from vault;; execute p"],
    ),
    (
        "a denied function",
        &[
            "select sha256('a')",
            "with w as (select sha256(note) as s from open) select count(s) from w",
        ],
    ),
    (
        "a denied function inside a view",
        &["create view new_f as select sha256(note) as s from open;; select s from new_f"],
    ),
    (
        "a denied table function",
        &["select * from generate_series(1, 3)"],
    ),
    (
        "`SET` and `RESET` of a denied setting",
        &[
            "set datafusion.catalog.information_schema = false",
            "reset datafusion.catalog.default_schema",
        ],
    ),
    (
        "names resolved through a changed default schema",
        &["set datafusion.catalog.default_schema = 'hr';; select * from payroll"],
    ),
];

/// Whether the attempt failed to show, change or leave anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    Stopped,
    /// It ran, and showed nothing but what may be seen.
    Part,
    /// An error that is no refusal.
    Error,
    /// It could not run, as what it needs was stopped before.
    Failed,
    NotStopped,
    NotApplicable,
}

async fn guarded(host: &PluginHost, world: &World, text: &str) -> Outcome {
    let session = world.guarded(host);
    let before = world.state().await;
    let mut last = None;
    for sql in text.split(";;") {
        last = Some(
            run(&session, &world.fill(sql.trim()))
                .await
                .map(|batches| shown(&batches)),
        );
    }
    outcome(world, text, &before, last.unwrap()).await
}

/// A plan of the owner's, who may see everything, run by the guarded session.
async fn plan(host: &PluginHost, world: &World, text: &str) -> Outcome {
    let session = world.guarded(host);
    let before = world.state().await;
    let mut last = None;
    for sql in text.split(";;") {
        let sql = world.fill(sql.trim());
        let Ok(plan) = world.owner.state().create_logical_plan(&sql).await else {
            return Outcome::NotApplicable;
        };
        let answer = async { session.execute_logical_plan(plan).await?.collect().await };
        last = Some(answer.await.map(|batches| shown(&batches)));
    }
    outcome(world, text, &before, last.unwrap()).await
}

async fn plain(host: &PluginHost, world: &World, text: &str) -> Outcome {
    let before = world.state().await;
    // Another context over the same catalogs, so that the owner's stays without a guard.
    let context = SessionContext::new_with_state(world.owner.state());
    let subject = Subject::user("eve").with_role("guest");
    host.install_for(&context, &subject);
    let mut last = None;
    for sql in text.split(";;") {
        let sql = world.fill(sql.trim());
        let answer = async { context.sql(&sql).await?.collect().await };
        last = Some(answer.await.map(|batches| shown(&batches)));
    }
    let outcome = outcome(world, text, &before, last.unwrap()).await;
    // DataFusion hides a catalog's refusal behind an error of its own.
    match outcome {
        Outcome::Error => Outcome::Stopped,
        other => other,
    }
}

async fn outcome(
    world: &World,
    text: &str,
    before: &str,
    last: datafusion::common::Result<String>,
) -> Outcome {
    let refused = match &last {
        Err(error) => PolicyRefusal::of(error).is_some(),
        Ok(_) => false,
    };
    let failed = last.is_err();
    let seen = last.unwrap_or_else(|error| error.to_string());
    let leaks = leak(&seen, text).is_some()
        || leak(&world.left_behind().await, text).is_some()
        || world.state().await != before;
    match (refused, leaks) {
        (_, true) => Outcome::NotStopped,
        (true, false) => Outcome::Stopped,
        (false, false) if failed && text.contains(";;") => Outcome::Failed,
        (false, false) if failed => Outcome::Error,
        (false, false) => Outcome::Part,
    }
}

/// What the attempts of a row come to: the worst of them.
fn cell(title: &str, outcomes: &[Outcome]) -> &'static str {
    // What only yields a part is in these rows meant to.
    let parts = title.starts_with("rows,")
        || title.starts_with("a restriction")
        || title.starts_with("lists")
        || title.starts_with("`DESCRIBE`")
        || title.starts_with("error messages")
        || title.starts_with("`EXPLAIN`");
    let part = |outcome: &Outcome| matches!(outcome, Outcome::Part | Outcome::Error);
    // A list of catalogs has no way to tell an error.
    if title.contains("`CREATE DATABASE`") && outcomes.iter().all(part) {
        return "yes, without an error";
    }
    let any = |outcome| outcomes.contains(&outcome);
    if any(Outcome::NotStopped) || (outcomes.iter().any(part) && !parts) {
        "**no**"
    } else if outcomes
        .iter()
        .all(|outcome| *outcome == Outcome::NotApplicable)
    {
        "-"
    } else {
        "yes"
    }
}

const BEGIN: &str = "<!-- matrix: begin -->\n";
const END: &str = "<!-- matrix: end -->";

#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_is_what_is_found() {
    let mut table = String::from(
        "| What is tried | `GuardedSession`, SQL | `GuardedSession`, plan | plain session |\n\
         |---|---|---|---|\n",
    );
    for (title, attempts) in ROWS {
        let mut cells = [const { Vec::new() }; 3];
        for text in *attempts {
            for (way, outcomes) in cells.iter_mut().enumerate() {
                let world = World::new().await;
                let [(_, linked_in), _] = standard();
                outcomes.push(match way {
                    0 => guarded(linked_in, &world, text).await,
                    1 => plan(linked_in, &world, text).await,
                    _ => plain(linked_in, &world, text).await,
                });
            }
        }
        let [sql, plan, plain] = cells.map(|outcomes| cell(title, &outcomes));
        assert_eq!(sql, "yes", "{title}");
        writeln!(table, "| {title} | {sql} | {plan} | {plain} |").unwrap();
    }
    let path = in_workspace("docs/policy.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the file has a place for it");
    let (written, after) = rest.split_once(END).expect("the place has an end");
    if std::env::var_os("UPDATE_POLICY_MATRIX").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, table, "docs/policy.md is behind");
    }
}
