//! Delta Lake tables: those of another writer are read as it reads them, and what is written is read
//! back by it.
//!
//! Every check takes a session; it runs with the crate linked in, and, where today's capabilities
//! suffice, with the loaded plugin.

mod changes;
mod loaded;
mod maintenance;
mod merge;
mod python;
mod reading;
mod refusals;
mod travel;
mod writing;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::RecordBatch,
        compute::cast,
        datatypes::{DataType, Field, FieldRef, Schema},
        util::display::{ArrayFormatter, FormatOptions},
    },
    error::DataFusionError,
    prelude::{JsonReadOptions, SessionConfig, SessionContext},
};
use datafusion_delta_tables::{
    DELTATABLE, DeltaTableFactory, Options, WholeStatements, table_functions,
};
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::{in_workspace, plugin};
use tempfile::TempDir;

/// A session with the crate linked in.
pub(crate) fn linked_in() -> SessionContext {
    linked_in_with(&Options::default())
}

pub(crate) fn linked_in_with(options: &Options) -> SessionContext {
    let config = SessionConfig::new().with_information_schema(true);
    let context = SessionContext::new_with_config(config);
    for (name, function, _) in table_functions(options).unwrap() {
        context.register_udtf(name, Arc::new(function));
    }
    context.add_analyzer_rule(Arc::new(WholeStatements));
    let factory = Arc::new(DeltaTableFactory::new(options).unwrap());
    let state = context.state_ref();
    let mut state = state.write();
    state
        .table_factories_mut()
        .insert(DELTATABLE.into(), factory);
    drop(state);
    context
}

/// Options as an operator writes them.
pub(crate) fn options(toml: serde_json::Value) -> Options {
    serde_json::from_value(toml).unwrap()
}

/// A session with the loaded plugin.
pub(crate) fn loaded() -> SessionContext {
    let builder = PluginHost::builder().plugin_file(plugin("datafusion-plugin-delta"));
    let context = SessionContext::new();
    builder.load().unwrap().install(&context);
    context
}

fn data() -> PathBuf {
    in_workspace("tests/data/delta")
}

/// Where the other writer put the table; not to be changed.
pub(crate) fn original(name: &str) -> String {
    data().join("tables").join(name).display().to_string()
}

/// A copy of a table, to be changed.
pub(crate) struct Copy {
    folder: TempDir,
}

impl Copy {
    pub(crate) fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(
            &data().join("tables").join(name),
            &folder.path().join("table"),
        );
        Self { folder }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.path().join("table")
    }

    pub(crate) fn path(&self) -> String {
        self.dir().display().to_string()
    }

    /// An entry of its log.
    pub(crate) fn entry(&self, version: u64) -> PathBuf {
        self.dir().join(format!("_delta_log/{version:020}.json"))
    }

    /// The newest version in its log.
    pub(crate) fn version(&self) -> u64 {
        let last = (0..)
            .find(|version| !self.entry(*version).exists())
            .unwrap();
        last - 1
    }

    /// Its table as `t` in a session.
    pub(crate) async fn as_t(&self, context: &SessionContext) {
        create(context, "t", &self.path(), "").await.unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// `CREATE EXTERNAL TABLE name STORED AS DELTATABLE`; `more` is what stands behind the location.
pub(crate) async fn create(
    context: &SessionContext,
    name: &str,
    location: &str,
    more: &str,
) -> Result<(), DataFusionError> {
    let sql =
        format!("create external table {name} stored as deltatable location '{location}' {more}");
    context.sql(&sql).await.map(|_| ())
}

pub(crate) async fn run(
    context: &SessionContext,
    sql: &str,
) -> Result<Vec<RecordBatch>, DataFusionError> {
    context.sql(sql).await?.collect().await
}

/// The rows of a query as text, sorted.
pub(crate) async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = run(context, sql).await;
    lines(&batches.unwrap_or_else(|error| panic!("{sql}: {error}")))
}

/// The one value of a query.
pub(crate) async fn value(context: &SessionContext, sql: &str) -> String {
    let rows = rows(context, sql).await;
    assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
    rows[0].clone()
}

/// The message of a query that must fail, in planning or executing.
pub(crate) async fn failure(context: &SessionContext, sql: &str) -> String {
    match run(context, sql).await {
        Ok(batches) => panic!("{sql} yields {:?}", lines(&batches)),
        Err(error) => error.strip_backtrace(),
    }
}

fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::new().with_null("NULL");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            lines.push(values.join(" | "));
        }
    }
    lines.sort();
    lines
}

/// What the other writer reads, of `expected/FILE`, as a table of `schema`'s types.
pub(crate) async fn expected(file: &str, schema: &Schema) -> Vec<String> {
    let context = SessionContext::new();
    let plain = Schema::new(schema.fields().iter().map(readable).collect::<Vec<_>>());
    let path = data().join("expected").join(file);
    let json = JsonReadOptions::default().schema(&plain);
    let json = context
        .read_json(path.to_str().unwrap(), json)
        .await
        .unwrap();
    let mut batches = json.collect().await.unwrap();
    for batch in &mut batches {
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()).unwrap());
        *batch = RecordBatch::try_new(Arc::new(nullable(schema)), columns.collect()).unwrap();
    }
    lines(&batches)
}

/// The field as JSON can be read: strings and bytes without views.
fn readable(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(element) => DataType::List(readable(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(readable).collect()),
        DataType::Map(entries, sorted) => DataType::Map(readable(entries), *sorted),
        other => other.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(kind))
}

fn nullable(schema: &Schema) -> Schema {
    let nullable = |field: &FieldRef| Field::clone(field).with_nullable(true);
    Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>())
}

/// Makes sure that `sql`, all columns of something, yields the rows of `expected/FILE`.
pub(crate) async fn same_as_expected(context: &SessionContext, sql: &str, file: &str) {
    let frame = context
        .sql(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let schema = frame.schema().as_arrow().clone();
    let found = lines(&frame.collect().await.unwrap());
    assert_eq!(found, expected(file, &schema).await, "{sql} and {file}");
}

/// What the other writer says of a table.
pub(crate) fn facts(name: &str) -> serde_json::Value {
    let file = data().join("expected").join(format!("{name}.facts.json"));
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}
