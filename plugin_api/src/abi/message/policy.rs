//! What a policy learns of a statement, and what it answers.
//!
//! No plan crosses, and no type of DataFusion's: facts are names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a policy says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDescriptor {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Whether it looks at the columns of tables; without, they may be absent from the facts.
    #[serde(default = "yes")]
    pub columns: bool,
    /// Whether it looks at functions; without, they may be absent from the facts.
    #[serde(default = "yes")]
    pub functions: bool,
}

fn yes() -> bool {
    true
}

/// How much of a statement is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Everything: the statement is planned and would be run next.
    #[default]
    Planned,
    /// What its text says. Planning it would already read a location or call a table function, or
    /// has failed with a message that could say something about a table. The statement is planned,
    /// or the message shown, only when the answer is not a denial.
    Parsed,
    /// No statement: whether a table may be seen in a list, or be looked up.
    Lookup,
}

/// The kind of a statement.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StatementKind {
    /// `SELECT`, `VALUES`, `TABLE`.
    Query,
    /// `EXPLAIN`; what is explained is among [`StatementFacts::inner`].
    Explain,
    /// `DESCRIBE`.
    Describe,
    /// `SHOW`.
    Show,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `TRUNCATE`.
    Truncate,
    /// `MERGE`.
    Merge,
    /// `COPY`.
    Copy,
    /// `CREATE TABLE`.
    CreateTable,
    /// `CREATE EXTERNAL TABLE`.
    CreateExternalTable,
    /// `CREATE VIEW`.
    CreateView,
    /// `CREATE SCHEMA`.
    CreateSchema,
    /// `CREATE DATABASE`.
    CreateCatalog,
    /// `CREATE INDEX`.
    CreateIndex,
    /// `CREATE FUNCTION`.
    CreateFunction,
    /// `DROP TABLE`.
    DropTable,
    /// `DROP VIEW`.
    DropView,
    /// `DROP SCHEMA`.
    DropSchema,
    /// `DROP FUNCTION`.
    DropFunction,
    /// `PREPARE`; what is prepared is among [`StatementFacts::inner`].
    Prepare,
    /// `EXECUTE`; what is executed is among [`StatementFacts::inner`].
    Execute,
    /// `DEALLOCATE`.
    Deallocate,
    /// `SET`.
    Set,
    /// `RESET`.
    Reset,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`.
    Transaction,
    /// A table appears in a list, or is looked up.
    List,
    /// What the reader does not know.
    #[default]
    #[serde(other)]
    Other,
}

/// Everything that a policy learns of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementFacts {
    /// How much is known.
    #[serde(default)]
    pub stage: Stage,
    /// The kind.
    #[serde(default)]
    pub kind: StatementKind,
    /// A finer kind: `analyze` of `EXPLAIN`, `append`, `overwrite` or `replace` of `INSERT`, the file
    /// type of `COPY` and `CREATE EXTERNAL TABLE`, `or_replace` of other `CREATE`s, ...
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sub_kind: String,
    /// The statements that the statement holds, from the outermost: what is explained, prepared or
    /// executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<StatementKind>,
    /// Every table and view, those inside views among them, once each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableUse>,
    /// Functions that are called, created or dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<FunctionUse>,
    /// Files and other locations that the statement names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<LocationUse>,
    /// Settings that the statement changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingUse>,
    /// Nodes of the plan that DataFusion does not know, by name: what they do is not known either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// Who runs the statement, as the host says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The user's roles, as the host says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// What else the host says of the session.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

impl StatementFacts {
    /// The kind, and those of the statements that it holds.
    pub fn kinds(&self) -> impl Iterator<Item = StatementKind> + '_ {
        std::iter::once(self.kind).chain(self.inner.iter().copied())
    }
}

/// A table or view of a statement. Its name is resolved: how the statement spells it, with which
/// quotes and under which alias, makes no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUse {
    /// The catalog; empty for a table that is in none.
    #[serde(default)]
    pub catalog: String,
    /// The schema; empty for a table that is in none.
    #[serde(default)]
    pub schema: String,
    /// The table.
    #[serde(default)]
    pub table: String,
    /// What it is.
    #[serde(default)]
    pub relation: RelationKind,
    /// What is done to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<Access>,
    /// The columns that are read. Absent when that is not known: any may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<ColumnUse>>,
    /// The columns that are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<String>,
    /// Whether the statement names it; otherwise a view does.
    #[serde(default)]
    pub named: bool,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RelationKind {
    /// A table of a catalog.
    #[default]
    Table,
    /// A view.
    View,
    /// A file or other location in the place of a table's name.
    Location,
    /// A table that is in no catalog: a table function's, or one that came with a plan.
    Unregistered,
    /// What the reader does not know.
    #[serde(other)]
    Other,
}

/// What is done to a table.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Rows are read.
    Read,
    /// Its columns are listed.
    Describe,
    /// Its name is listed, or looked up.
    List,
    /// Rows are added.
    Insert,
    /// All rows are replaced by others, or those of the same key are.
    Overwrite,
    /// Rows are changed.
    Update,
    /// Rows are removed.
    Delete,
    /// All rows are removed.
    Truncate,
    /// Rows are added, changed and removed.
    Merge,
    /// It is made.
    Create,
    /// It is made in the place of one of its name, if there is one.
    Replace,
    /// It is removed.
    Drop,
    /// An index is made.
    Index,
    /// What the reader does not know.
    #[default]
    #[serde(other)]
    Other,
}

/// A column that is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// Its name.
    #[serde(default)]
    pub column: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<Clause>,
}

/// Where a column is read.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clause {
    /// It is in what the statement yields or writes, itself or in an expression.
    Select,
    /// `WHERE`, `HAVING`, `QUALIFY`.
    Where,
    /// `ON`, `USING`.
    Join,
    /// `GROUP BY`.
    GroupBy,
    /// `ORDER BY`.
    OrderBy,
    /// `DISTINCT`, and set operations without `ALL`.
    Distinct,
    /// Elsewhere, or not known where.
    #[default]
    #[serde(other)]
    Other,
}

/// A function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionUse {
    /// Its name; one that the statement calls by an alias is there under both.
    #[serde(default)]
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub class: FunctionClass,
}

/// What a function is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FunctionClass {
    /// Scalar.
    Scalar,
    /// Aggregate.
    Aggregate,
    /// Window.
    Window,
    /// In `FROM`.
    Table,
    /// Not known: the statement's text names it.
    #[default]
    #[serde(other)]
    Named,
}

/// A file or other location.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationUse {
    /// As the statement has it.
    #[serde(default)]
    pub location: String,
    /// Where that is: a URL with an absolute path without `..`, symbolic links and `%` escapes, up to
    /// the first wildcard. Empty when that cannot be told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resolved: String,
    /// What for.
    #[serde(default)]
    pub used: LocationUsed,
}

/// What a location is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LocationUsed {
    /// It is read in the place of a table.
    Read,
    /// `COPY` writes it.
    Copy,
    /// It becomes an external table.
    ExternalTable,
    /// What the reader does not know.
    #[default]
    #[serde(other)]
    Other,
}

/// A setting that is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingUse {
    /// Its key, in lower case.
    #[serde(default)]
    pub key: String,
    /// The new value; absent when the default comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What a policy answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyDecision {
    /// The statement may run.
    Allow,
    /// It may not.
    Deny {
        /// Why, for the one who sent the statement.
        reason: String,
    },
    /// It may run on part of these tables, which are among the facts; on all of the others.
    Restrict {
        /// The tables.
        tables: Vec<TableRestriction>,
    },
}

impl PolicyDecision {
    /// A denial.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny {
            reason: reason.into(),
        }
    }
}

/// What may be seen of a table, wherever it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRestriction {
    /// The catalog, as in the facts.
    pub catalog: String,
    /// The schema, as in the facts.
    pub schema: String,
    /// The table, as in the facts.
    pub table: String,
    /// A condition in SQL over the table's columns: rows for which it is not true are not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_filter: Option<String>,
    /// Columns that have another value, an expression in SQL over the table's columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masks: BTreeMap<String, String>,
    /// At most as many rows are read, of those that pass the filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_limit: Option<u64>,
}
