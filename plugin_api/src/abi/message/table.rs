//! Tables, their scans and writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    ColumnStatistics, Documentation, ExpressionList, FunctionReference, Known, Settings,
    SortDirection, TableName,
};

/// A table function as exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFunctionDescriptor {
    /// Its name.
    pub name: String,
    /// How it is written, for people.
    #[serde(default)]
    pub syntax: Option<String>,
    /// What it says of itself.
    #[serde(default)]
    pub documentation: Option<Documentation>,
}

/// One argument of a table function call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableArgument {
    /// A constant: a position among the values.
    Value(usize),
    /// An identifier, with its qualifiers first.
    Identifier(Vec<String>),
}

/// A table function call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TableCall {
    /// The arguments in order.
    pub arguments: Vec<TableArgument>,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// A `CREATE EXTERNAL TABLE` statement; its columns are the types of the parcel.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CreateTable {
    /// The table's name.
    pub name: TableName,
    /// Where its data is.
    pub locations: Vec<String>,
    /// The word after `STORED AS`.
    pub file_type: String,
    /// `PARTITIONED BY`.
    #[serde(default)]
    pub partition_columns: Vec<String>,
    /// `IF NOT EXISTS`.
    #[serde(default)]
    pub if_not_exists: bool,
    /// `OR REPLACE`.
    #[serde(default)]
    pub or_replace: bool,
    /// `TEMPORARY`.
    #[serde(default)]
    pub temporary: bool,
    /// `UNBOUNDED`.
    #[serde(default)]
    pub unbounded: bool,
    /// The statement.
    #[serde(default)]
    pub definition: Option<String>,
    /// `OPTIONS`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Keys.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    /// The expressions below, in the order in which they are named.
    #[serde(default)]
    pub expressions: ExpressionList,
    /// `WITH ORDER`: per ordering, the directions of so many expressions.
    #[serde(default)]
    pub orderings: Vec<Vec<SortDirection>>,
    /// Columns with a default, an expression each.
    #[serde(default)]
    pub defaults: Vec<String>,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// Columns, by position, that are a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Constraint {
    /// The primary key: unique together, not null.
    PrimaryKey(Vec<usize>),
    /// Unique together.
    Unique(Vec<usize>),
}

/// What kind of table it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableKind {
    /// An ordinary table.
    #[default]
    Base,
    /// A view.
    View,
    /// A temporary one.
    Temporary,
}

/// A table; its schema is the parcel's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TableDescriptor {
    /// Its kind.
    #[serde(default)]
    pub kind: TableKind,
    /// The statement that made it.
    #[serde(default)]
    pub definition: Option<String>,
    /// Its keys.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    /// Whether expressions are understood: filters, and those of deletes and updates.
    #[serde(default)]
    pub takes_expressions: bool,
    /// Columns with a default.
    #[serde(default)]
    pub defaults: Vec<String>,
    /// Their defaults.
    #[serde(default)]
    pub expressions: ExpressionList,
}

/// What is known of a table or a scan. Values are the parcel's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableStatistics {
    /// Rows.
    #[serde(default)]
    pub rows: Known,
    /// Bytes of the output.
    #[serde(default)]
    pub bytes: Known,
    /// Per column.
    #[serde(default)]
    pub columns: Vec<ColumnStatistics>,
}

/// Filters, all of which hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Filters {
    /// The filters.
    pub expressions: ExpressionList,
}

/// How far a filter is applied by the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pushdown {
    /// Not at all.
    #[default]
    Unsupported,
    /// Rows that do not pass may come.
    Inexact,
    /// No row comes that does not pass.
    Exact,
}

/// Answers filter by filter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PushdownReply {
    /// Per filter.
    pub filters: Vec<Pushdown>,
}

/// A scan of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScanRequest {
    /// Columns of the table's schema, in the order wanted; all of them when absent.
    #[serde(default)]
    pub projection: Option<Vec<usize>>,
    /// Filters that the table said it applies.
    #[serde(default)]
    pub filters: ExpressionList,
    /// No more rows than these are needed.
    #[serde(default)]
    pub limit: Option<usize>,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// A change of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WriteRequest {
    /// What is done.
    pub write: Write,
    /// Filters of a delete or update; the values of an update's assignments before them. Of a merge
    /// the condition, then per clause its predicate and its values.
    #[serde(default)]
    pub expressions: ExpressionList,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// What a write does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Write {
    /// Takes rows in; their schema is that of the parcel.
    Insert {
        /// What becomes of the rows that are there.
        mode: InsertMode,
        /// The rows.
        input: InputDescriptor,
    },
    /// Removes the rows that pass all filters.
    Delete,
    /// Sets columns of the rows that pass all filters.
    Update {
        /// The columns, one per assignment.
        columns: Vec<String>,
    },
    /// Removes all rows.
    Truncate,
    /// Merges rows.
    Merge {
        /// The statement.
        statement: MergeStatement,
        /// The rows.
        input: InputDescriptor,
    },
}

/// A `MERGE INTO` statement. The parcel's types are the columns of the rows that are merged, then
/// the columns that expressions speak of: the table's and then those of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeStatement {
    /// How many of the types are columns of the rows.
    pub rows: usize,
    /// The relation of each column that expressions speak of.
    pub relations: Vec<TableName>,
    /// The `WHEN` clauses, in order.
    pub clauses: Vec<MergeClause>,
}

/// A `WHEN` clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeClause {
    /// Which rows it is about.
    pub rows: MergeRows,
    /// Whether it has a predicate.
    #[serde(default)]
    pub predicate: bool,
    /// What becomes of the rows.
    pub action: MergeAction,
}

/// Which rows a `WHEN` clause is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MergeRows {
    /// Those of the table that match.
    Matched,
    /// Those that the table lacks.
    NotMatched,
    /// The same, in the other spelling.
    NotMatchedByTarget,
    /// Those of the table that match none.
    NotMatchedBySource,
}

/// What becomes of the rows of a `WHEN` clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MergeAction {
    /// Columns are set, an expression each.
    Update {
        /// The columns.
        columns: Vec<String>,
    },
    /// They are inserted.
    Insert {
        /// The columns; all when none are named.
        columns: Vec<String>,
        /// How many expressions.
        values: usize,
    },
    /// They go.
    Delete,
}

/// What becomes of the rows that are there when others are inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InsertMode {
    /// They stay.
    Append,
    /// They go.
    Overwrite,
    /// Those of the same key go.
    Replace,
}

/// Rows that a write is given. Their orders are of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDescriptor {
    /// How many partitions they come in.
    pub partitions: usize,
    /// Orders that each partition has.
    #[serde(default)]
    pub orderings: Vec<Vec<SortKey>>,
}

/// What a write asks of its input; it speaks of columns only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRequirements {
    /// All rows in one partition.
    #[serde(default)]
    pub single_partition: bool,
    /// Rows that agree in these in one partition.
    #[serde(default)]
    pub hash: Vec<Operand>,
    /// An order in each partition.
    #[serde(default)]
    pub ordering: Vec<SortKey>,
    /// More partitions are better.
    #[serde(default)]
    pub benefits_from_partitioning: bool,
}

/// What is ordered, spread or constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// A column, by position.
    Column(usize),
    /// One of the expressions, by position: same-major.
    Expression(usize),
}

/// A part of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// What is ordered.
    pub operand: Operand,
    /// Its direction.
    pub direction: SortDirection,
}

/// How rows are spread over partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Partitioning {
    /// Nothing is known.
    #[default]
    Unknown,
    /// In turn.
    RoundRobin,
    /// By DataFusion's hash of these.
    Hash(Vec<Operand>),
}

/// What has one value within each partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constant {
    /// What it is.
    pub operand: Operand,
    /// The value is the same in all partitions.
    #[serde(default)]
    pub uniform: bool,
    /// The value, where it is known: a position among the values.
    #[serde(default)]
    pub value: Option<usize>,
}

/// When results come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Emission {
    /// As input comes.
    #[default]
    Incremental,
    /// At the end.
    Final,
    /// Both.
    Both,
}

/// A planned scan. The blob has the physical expressions over its columns, each with its length before
/// it, as DataFusion's protobuf; a reader leaves out what is said of one that it does not understand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScanDescriptor {
    /// How many partitions it has.
    pub partitions: usize,
    /// How rows are spread over them.
    #[serde(default)]
    pub partitioning: Partitioning,
    /// Whether it never ends.
    #[serde(default)]
    pub unbounded: bool,
    /// It never ends, and cannot be read in bounded memory.
    #[serde(default)]
    pub infinite_memory: bool,
    /// When results come.
    #[serde(default)]
    pub emission: Emission,
    /// Its streams yield to the runtime by themselves.
    #[serde(default)]
    pub cooperative: bool,
    /// Orders that each partition has.
    #[serde(default)]
    pub orderings: Vec<Vec<SortKey>>,
    /// Those that are equal in each row.
    #[serde(default)]
    pub equal: Vec<Vec<Operand>>,
    /// Those of one value.
    #[serde(default)]
    pub constants: Vec<Constant>,
    /// Keys of the rows.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    /// It yields no more rows than these.
    #[serde(default)]
    pub fetch: Option<usize>,
    /// The functions that the expressions call.
    #[serde(default)]
    pub functions: Vec<FunctionReference>,
    /// What a write asks of its input.
    #[serde(default)]
    pub input: Option<InputRequirements>,
    /// One line for `EXPLAIN`.
    #[serde(default)]
    pub display: String,
}

/// How a scan is to be altered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Alteration {
    /// Yield no more rows than these.
    Fetch(Option<usize>),
    /// Come in so many partitions.
    Repartition(usize),
    /// Yield these columns only, under these names.
    Project(Vec<(usize, String)>),
    /// Read another input.
    Input(InputDescriptor),
}

/// What was counted while a scan was executed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScanMetrics {
    /// The metrics.
    pub metrics: Vec<ScanMetric>,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanMetric {
    /// Its name, as DataFusion has it.
    pub name: String,
    /// The partition it was counted in.
    #[serde(default)]
    pub partition: Option<usize>,
    /// What it measures.
    #[serde(default)]
    pub unit: MetricUnit,
    /// The value.
    pub value: usize,
    /// Of rows that were matched against something, those that did not match.
    #[serde(default)]
    pub other: usize,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<(String, String)>,
}

/// What a metric measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetricUnit {
    /// Something counted.
    #[default]
    Count,
    /// A level, which goes up and down.
    Gauge,
    /// Nanoseconds.
    Time,
    /// Containers that matched (`value`) and that were pruned (`other`).
    Pruned,
    /// A part (`value`) of a total (`other`).
    Ratio,
}
