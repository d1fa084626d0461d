//! The tables and files that the attempts are about, and how a leak shows.

use std::{fs, path::Path};

use datafusion::{
    arrow::{array::RecordBatch, util::pretty::pretty_format_batches},
    common::Result,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::{GuardedSession, PluginHost, Subject};

/// In every value that is not to be seen, and in the names of columns that are not.
pub(super) const MARK: &str = "hidden";
/// Every number that is not to be seen begins so.
pub(super) const NUMBER: &str = "98765";

const TABLES: &str = "
create table vault (id int, hidden_code varchar) as values (987651, 'hidden-1'), (987652, 'hidden-2');
create schema hr;
create table hr.payroll (id int, hidden_pay int) as values (1, 9876531), (2, 9876532);
create table staff (id int, name varchar, region varchar, ssn varchar, pay int) as values
  (1, 'Ann', 'EU', 'hidden-ssn-1', 9876541), (2, 'Bob', 'EU', 'hidden-ssn-2', 9876542),
  (987653, 'hidden-Cid', 'US', 'hidden-ssn-3', 9876543), (987654, 'hidden-Dee', null, 'hidden-ssn-4', 9876544);
create table events (id int, what varchar) as values (1,'a'),(2,'b'),(3,'c'),(4,'d'),(5,'e');
create table people (id int, name varchar, grade int) as values (1, 'Ann', 98765001), (2, 'Bob', 98765002);
create table open (id int, note varchar) as values (1, 'free'), (2, 'open');
create table parts (part int, label varchar) as values (1,'x'),(2,'y'),(3,'hidden-part'),(4,'hidden-part');
create view vault_view as select id as i, hidden_code as c from vault;
create view staff_view as select * from staff;
create view staff_deep as select s.ssn as number, s.pay * 2 as twice, s.name from staff_view s;
create view people_view as select * from people;
create view parts_view as select part, label from parts;
create view parts_deep as select label from parts_view;
create view \"Mixed\" as select * from vault;
create schema other;
create view other.staff as select note from open;
";

/// A folder and a session of its owner, before any guard.
pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) owner: SessionContext,
}

impl World {
    pub(super) async fn new() -> Self {
        // The rules know it by its name.
        let mut builder = tempfile::Builder::new();
        let dir = builder.prefix("policy-world-").tempdir().unwrap();
        let path = dir.path();
        for folder in ["closed", "free", "out"] {
            fs::create_dir(path.join(folder)).unwrap();
        }
        fs::write(path.join("closed/a.csv"), "x,y\n1,hidden-file\n").unwrap();
        fs::write(path.join("free/b.csv"), "x,y\n1,free\n").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(path.join("closed"), path.join("free/link")).unwrap();
        let config = SessionConfig::new()
            .with_information_schema(true)
            .with_target_partitions(2);
        let owner = SessionContext::new_with_config(config).enable_url_table();
        for statement in TABLES.split(';').filter(|text| !text.trim().is_empty()) {
            owner.sql(statement).await.unwrap().collect().await.unwrap();
        }
        Self { dir, owner }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// `{dir}` is the world's folder.
    pub(super) fn fill(&self, text: &str) -> String {
        text.replace("{dir}", self.path().to_str().unwrap())
    }

    pub(super) fn guarded(&self, host: &PluginHost) -> GuardedSession {
        host.guarded(&self.owner, Subject::user("eve").with_role("guest"))
    }

    async fn rows(&self, sql: &str) -> String {
        let batches = self.owner.sql(sql).await.unwrap().collect().await.unwrap();
        pretty_format_batches(&batches).unwrap().to_string()
    }

    /// What nobody may change.
    pub(super) async fn state(&self) -> String {
        let mut state = String::new();
        for table in [
            "vault",
            "hr.payroll",
            "staff",
            "events",
            "people",
            "open",
            "parts",
        ] {
            state += &self
                .rows(&format!("select * from {table} order by 1"))
                .await;
        }
        state += &self
            .rows(
                "select table_name, definition from information_schema.views where table_schema in
                   ('public', 'hr') and definition is not null and table_name not like 'new%'
                   order by 1",
            )
            .await;
        let mut catalogs = self.owner.catalog_names();
        catalogs.sort();
        state += &catalogs.join(" ");
        for file in ["closed/a.csv", "free/b.csv"] {
            state += &fs::read_to_string(self.path().join(file)).unwrap_or_default();
        }
        state + &format!("{:?}", files(&self.path().join("closed")))
    }

    /// What the attempts left behind: tables whose names begin with `new`, and files.
    pub(super) async fn left_behind(&self) -> String {
        let mut found = String::new();
        let mut tables = vec![];
        for (catalog, schema) in [("datafusion", "public"), ("datafusion", "other")] {
            let schema_ = self.owner.catalog(catalog).unwrap().schema(schema).unwrap();
            for name in schema_.table_names() {
                // Views are read through the guard, like everything.
                let table = schema_.table(&name).await.unwrap().unwrap();
                if name.starts_with("new")
                    && table.table_type() != datafusion::datasource::TableType::View
                {
                    tables.push(format!("{schema}.\"{name}\""));
                }
            }
        }
        for table in tables {
            found += &self.rows(&format!("select * from {table}")).await;
        }
        for folder in ["out", "free"] {
            for file in files(&self.path().join(folder)) {
                // As text: rows of CSV and JSON are, and a Parquet file this small is not compressed.
                found += &String::from_utf8_lossy(&fs::read(file).unwrap());
            }
        }
        found
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        // A link leads elsewhere; what is there is looked at there.
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    found
}

/// Rows with the names of their columns, as text.
pub(super) fn shown(batches: &[RecordBatch]) -> String {
    pretty_format_batches(batches).unwrap().to_string()
}

/// Runs a statement of a guarded session.
pub(super) async fn run(session: &GuardedSession, sql: &str) -> Result<Vec<RecordBatch>> {
    let query = session.sql(sql).await?;
    let schema = query.schema();
    let mut batches = query.collect().await?;
    // Names of columns are seen though there be no rows.
    batches.push(RecordBatch::new_empty(schema));
    Ok(batches)
}

/// What of `text` was not to be seen, but for what `asked` has itself.
pub(super) fn leak(text: &str, asked: &str) -> Option<String> {
    let hidden = |line: &&str| {
        line.match_indices(MARK).any(|(at, _)| {
            let word: String = line[at..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || "-_".contains(*c))
                .collect();
            !asked.contains(&word)
        }) || (line.contains(NUMBER) && !asked.contains(NUMBER))
    };
    text.lines().find(hidden).map(str::to_owned)
}
