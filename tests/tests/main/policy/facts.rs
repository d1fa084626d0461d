//! What a policy is told of a statement.

use std::sync::{Arc, Mutex};

use datafusion_plugin_api::{
    abi::message::{PolicyDecision, Stage, StatementFacts, StatementKind},
    prelude::{Plugin, Policy},
};
use datafusion_plugin_host::{Subject, config::Config};

use super::{
    linked_in,
    world::{World, run},
};

/// Keeps what it is told last.
#[derive(Debug, Clone, Default)]
struct Listening(Arc<Mutex<StatementFacts>>);

impl Policy for Listening {
    fn decide(&self, facts: &StatementFacts) -> datafusion::common::Result<PolicyDecision> {
        // Lists ask for each of their tables.
        if facts.stage != Stage::Lookup {
            *self.0.lock().unwrap() = facts.clone();
        }
        Ok(PolicyDecision::Allow)
    }
}

async fn facts(sql: &str) -> StatementFacts {
    let listening = Listening::default();
    let made = || Plugin::new().policy("listening", listening.clone());
    let host = linked_in(made, "test", Config::default());
    let world = World::new().await;
    let subject = Subject::user("ann")
        .with_role("a")
        .with_variable("city", "Bern");
    let session = host.guarded(&world.owner, subject);
    for sql in sql.split(";;") {
        // Some of them DataFusion cannot run; what is told of them is told before.
        drop(run(&session, &world.fill(sql)).await);
    }
    let mut facts = listening.0.lock().unwrap().clone();
    for location in &mut facts.locations {
        let dir = world.path().canonicalize().unwrap();
        location.resolved = location.resolved.replace(dir.to_str().unwrap(), "");
    }
    facts
}

/// A table's columns with their clauses: `id(select,where)`.
fn read(facts: &StatementFacts, table: &str) -> String {
    let used = facts.tables.iter().find(|used| used.table == table);
    let used = used.unwrap_or_else(|| panic!("{facts:?}"));
    let columns = used.read.iter().flatten().map(|column| {
        let clauses = column.clauses.iter().map(|clause| {
            let clause = serde_json::to_value(clause).unwrap();
            clause.as_str().unwrap().to_owned()
        });
        format!(
            "{}({})",
            column.column,
            clauses.collect::<Vec<_>>().join(",")
        )
    });
    columns.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn columns_are_followed_to_their_tables() {
    for (sql, table, expected) in [
        ("select id from open", "open", "id(select)"),
        ("select * from open", "open", "id(select) note(select)"),
        ("select count(*) from open", "open", ""),
        ("select 1 from open where note = 'x'", "open", "note(where)"),
        (
            "select max(o.id) from open o group by upper(note)",
            "open",
            "id(select) note(group_by)",
        ),
        (
            "select id from open order by note",
            "open",
            "id(select) note(order_by)",
        ),
        (
            "select x.k from (select id as k, note as m from open) x",
            "open",
            "id(select)",
        ),
        (
            "with w as (select id, note from open) select a.id from w a join w b on a.note = b.note",
            "open",
            "id(select) note(join)",
        ),
        ("select name from staff_deep", "staff", "name(select)"),
        (
            "select twice from staff_deep where number = 'x'",
            "staff",
            "ssn(where) pay(select)",
        ),
        (
            "select twice from staff_deep where number = 'x'",
            "staff_view",
            "ssn(where) pay(select)",
        ),
        (
            "select 1 where exists (select 1 from open o where o.id = 1)",
            "open",
            "id(where)",
        ),
        (
            "select (select s.name from staff s where s.id = o.id) from open o",
            "open",
            "id(where)",
        ),
        (
            "select (select s.name from staff s where s.id = o.id) from open o",
            "staff",
            "id(where) name(select)",
        ),
        (
            "select note from open union all select name from staff",
            "staff",
            "name(select)",
        ),
        (
            "select note from open union select name from staff",
            "staff",
            "name(select,distinct)",
        ),
        (
            "select sum(id) over (partition by note) from open",
            "open",
            "id(select) note(select)",
        ),
        (
            "select unnest(make_array(id, id)) from open",
            "open",
            "id(select)",
        ),
        (
            "insert into open select id, name from staff where pay > 1",
            "staff",
            "id(select) name(select) pay(where)",
        ),
        (
            "update open set note = upper(note) where id = 1",
            "open",
            "id(where) note(select)",
        ),
        ("delete from open where note = 'x'", "open", "note(where)"),
        (
            "copy (select id from open) to '{dir}/out/x.csv'",
            "open",
            "id(select)",
        ),
        (
            "create view new_v as select note from open",
            "open",
            "note(select)",
        ),
        ("explain select note from open", "open", "note(select)"),
        (
            "prepare p as select note from open where id = $1",
            "open",
            "id(where) note(select)",
        ),
        (
            "prepare p as select note from open where id = $1;; execute p(1)",
            "open",
            "id(where) note(select)",
        ),
    ] {
        assert_eq!(read(&facts(sql).await, table), expected, "{sql}");
    }
}

#[tokio::test]
async fn statements_are_told_by_kind_and_by_what_they_do() {
    use StatementKind::*;
    for (sql, kinds, sub_kind, tables) in [
        (
            "select * from staff_view",
            vec![Query],
            "",
            "staff_view:read staff:read",
        ),
        ("show tables", vec![Show], "", "tables:read"),
        ("describe open", vec![Describe], "", "open:describe"),
        ("explain select 1", vec![Explain, Query], "", ""),
        (
            "explain analyze insert into open select 1, 'x'",
            vec![Explain, Insert],
            "analyze",
            "open:insert",
        ),
        (
            "insert into open values (1, 'x')",
            vec![Insert],
            "append",
            "open:insert",
        ),
        (
            "insert overwrite open values (1, 'x')",
            vec![Insert],
            "overwrite",
            "open:overwrite",
        ),
        (
            "update open set id = 1",
            vec![Update],
            "",
            "open:read,update",
        ),
        (
            "delete from public.open",
            vec![Delete],
            "",
            "open:read,delete",
        ),
        (
            "create table new_t as select 1 as a",
            vec![CreateTable],
            "",
            "new_t:create",
        ),
        (
            "create or replace view new_v as select 1 as a",
            vec![CreateView],
            "or_replace",
            "new_v:replace",
        ),
        (
            "create external table new_t stored as csv location '{dir}/free/b.csv'",
            vec![CreateExternalTable],
            "csv",
            "new_t:create",
        ),
        (
            "copy open to '{dir}/out/x.csv'",
            vec![Copy],
            "csv",
            "open:read",
        ),
        ("drop table nothing", vec![DropTable], "", "nothing:drop"),
        (
            "drop view staff_view",
            vec![DropView],
            "",
            "staff_view:drop",
        ),
        (
            "drop schema hr cascade",
            vec![DropSchema],
            "cascade",
            "payroll:drop",
        ),
        ("create schema new_s", vec![CreateSchema], "", ""),
        ("create database new_c", vec![CreateCatalog], "", ""),
        ("set datafusion.execution.batch_size = 7", vec![Set], "", ""),
        ("reset datafusion.execution.batch_size", vec![Reset], "", ""),
        (
            "prepare p as insert into open values (1, 'x')",
            vec![Prepare, Insert],
            "",
            "open:insert",
        ),
        (
            "prepare p as select 1;; execute p",
            vec![Execute, Query],
            "",
            "",
        ),
        (
            "prepare p as select 1;; deallocate p",
            vec![Deallocate],
            "",
            "",
        ),
        ("begin", vec![Transaction], "", ""),
        ("truncate table open", vec![Truncate], "", "open:truncate"),
    ] {
        let facts = facts(sql).await;
        assert_eq!(facts.kinds().collect::<Vec<_>>(), kinds, "{sql}");
        assert_eq!(facts.sub_kind, sub_kind, "{sql}");
        let used = facts.tables.iter().map(|used| {
            let access = used.access.iter().map(|access| {
                let access = serde_json::to_value(access).unwrap();
                access.as_str().unwrap().to_owned()
            });
            format!("{}:{}", used.table, access.collect::<Vec<_>>().join(","))
        });
        assert_eq!(used.collect::<Vec<_>>().join(" "), tables, "{sql}");
    }
}

#[tokio::test]
async fn functions_locations_settings_and_the_subject_are_told() {
    let told = facts(
        "select date_format(to_timestamp('x'), 'y'), sum(id), rank() over () from open group by 1",
    )
    .await;
    let functions: Vec<_> = told.functions.iter().map(|f| f.name.as_str()).collect();
    for name in ["date_format", "to_char", "to_timestamp", "sum", "rank"] {
        assert!(functions.contains(&name), "{name} in {functions:?}");
    }
    assert_eq!(told.user.as_deref(), Some("ann"));
    assert_eq!(told.roles, ["a"]);
    assert_eq!(told.variables["city"], "Bern");

    let told = facts("select * from generate_series(1, 2)").await;
    assert!(
        told.functions.iter().any(|f| f.name == "generate_series"),
        "{told:?}"
    );

    let told = facts("select * from '{dir}/free/../free/b.csv'").await;
    assert_eq!(told.locations[0].resolved, "file:///free/b.csv", "{told:?}");

    let told = facts("set datafusion.execution.batch_size = 7").await;
    assert_eq!(told.settings[0].key, "datafusion.execution.batch_size");
    assert_eq!(told.settings[0].value.as_deref(), Some("7"));
}
