//! Logical plans: nodes of their own, with their expressions as DataFusion's protobuf.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Constraint, ExpressionList, FunctionReference, SortDirection, TableKind, TableName};

/// A run of a list: its first position and its length.
pub type Run = (usize, usize);

/// Plans, expressions and schemas in a parcel.
///
/// Fields of schemas are positions among the parcel's types, names of tables positions in `names`,
/// expressions positions among the roots of `expressions`. Each expression and each node is used
/// once, and a node stands after those that it uses.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlanList {
    /// The plans: positions of nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<usize>,
    /// The expressions that are no plan's.
    #[serde(default)]
    pub exprs: Run,
    /// The schemas that are no node's: positions in `schemas`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<usize>,
    /// The nodes of the plans and of subqueries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<PlanNode>,
    /// Schemas of the nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<QualifiedSchema>,
    /// Names of tables, which qualify fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<TableName>,
    /// All expressions.
    #[serde(default)]
    pub expressions: ExpressionList,
    /// Aggregate functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<FunctionReference>,
    /// Window functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<FunctionReference>,
    /// Tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceReference>,
    /// Where the types that signatures speak of begin among the parcel's types.
    #[serde(default)]
    pub signature_types: usize,
}

/// Which side an object that does not travel is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handle {
    /// The sender's: the receiver makes a stand-in.
    Lent(u64),
    /// The receiver's own, which comes back.
    Returned(u64),
}

/// A table as a plan names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceReference {
    /// Which one.
    pub handle: Handle,
    /// Its fields; absent for a table that comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<usize>,
    /// What kind of table it is.
    #[serde(default)]
    pub kind: TableKind,
    /// Its constraints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Vec<Constraint>>,
    /// Whether it is a plan under a name.
    #[serde(default)]
    pub view: bool,
}

/// A schema with the tables that its fields are of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QualifiedSchema {
    /// Its fields.
    pub fields: Vec<usize>,
    /// For each field 0, or one more than the position of its table's name.
    #[serde(default)]
    pub qualifiers: Vec<usize>,
    /// Its metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// What its columns determine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependence>,
}

/// Columns that determine others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dependence {
    /// The columns that determine.
    pub from: Vec<usize>,
    /// The columns that are determined.
    pub to: Vec<usize>,
    /// Whether a determining column may be null.
    pub nullable: bool,
    /// Whether the determining values may occur more than once.
    pub repeats: bool,
}

/// A node of a plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are those of DataFusion's nodes")]
pub enum PlanNode {
    Projection {
        input: usize,
        exprs: Run,
        schema: usize,
    },
    Filter {
        input: usize,
        predicate: usize,
    },
    Window {
        input: usize,
        exprs: Run,
        schema: usize,
    },
    Aggregate {
        input: usize,
        groups: Run,
        aggregates: Run,
        schema: usize,
    },
    Sort {
        input: usize,
        exprs: Run,
        directions: Vec<SortDirection>,
        fetch: Option<usize>,
    },
    Join {
        left: usize,
        right: usize,
        /// Left, right, left, right ...
        on: Run,
        filter: Option<usize>,
        /// As DataFusion writes it.
        kind: String,
        using: bool,
        nulls_equal: bool,
        null_aware: bool,
        schema: usize,
    },
    Repartition {
        input: usize,
        scheme: Repartitioning,
    },
    Union {
        inputs: Vec<usize>,
        schema: usize,
    },
    TableScan {
        /// A position among the names.
        table: usize,
        source: usize,
        projection: Option<Vec<usize>>,
        filters: Run,
        fetch: Option<usize>,
        schema: usize,
    },
    EmptyRelation {
        one_row: bool,
        schema: usize,
    },
    Subquery {
        input: usize,
        outer: Run,
    },
    SubqueryAlias {
        input: usize,
        alias: usize,
        schema: usize,
    },
    Limit {
        input: usize,
        skip: Option<usize>,
        fetch: Option<usize>,
    },
    Values {
        exprs: Run,
        /// Expressions per row.
        width: usize,
        schema: usize,
    },
    Distinct {
        input: usize,
    },
    DistinctOn {
        input: usize,
        on: Run,
        select: Run,
        sort: Option<(Run, Vec<SortDirection>)>,
        schema: usize,
    },
    Dml {
        input: usize,
        table: usize,
        target: usize,
        operation: DmlOperation,
        schema: usize,
    },
    Unnest {
        input: usize,
        columns: Vec<ColumnName>,
        lists: Vec<(usize, ColumnName, usize)>,
        structs: Vec<usize>,
        dependencies: Vec<usize>,
        nulls: NullRows,
        recursions: Vec<(ColumnName, ColumnName, usize)>,
        schema: usize,
    },
    RecursiveQuery {
        name: String,
        fixed: usize,
        recursive: usize,
        distinct: bool,
        schema: usize,
    },
    /// A node that does not travel: extension nodes, statements. Its inputs and expressions do.
    Held {
        handle: Handle,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        /// Its line in `EXPLAIN`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        inputs: Vec<usize>,
        exprs: Run,
        schema: usize,
    },
}

/// A column as a node names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnName {
    /// Its table.
    pub relation: TableName,
    /// Its name.
    pub name: String,
}

/// How rows are spread.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repartitioning {
    /// In turn, over so many partitions.
    RoundRobin(usize),
    /// By the hash of expressions, over so many partitions.
    Hash(Run, usize),
    /// By expressions.
    DistributeBy(Run),
}

/// What a statement does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as DataFusion names them")]
pub enum DmlOperation {
    Append,
    Overwrite,
    Replace,
    Delete,
    Update,
    Ctas,
    Truncate,
}

/// What becomes of a row whose list is null or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as DataFusion names them")]
pub enum NullRows {
    Preserve,
    Drop,
    Expand,
}

/// An expression that protobuf would alter or does not know. Its children are parts, in the order
/// of DataFusion's `map_children` where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are those of DataFusion's expressions")]
pub enum ExpressionNode {
    /// A column of the query around a subquery.
    OuterReference {
        field: usize,
        relation: TableName,
        name: String,
    },
    Placeholder {
        id: String,
        field: Option<usize>,
    },
    Cast {
        field: usize,
        /// `TRY_CAST`.
        tries: bool,
    },
    /// Arguments, filter, ordering.
    Aggregate {
        function: usize,
        args: usize,
        distinct: bool,
        filter: bool,
        order: Vec<SortDirection>,
        ignores_nulls: Option<bool>,
    },
    /// Arguments, partitioning, ordering, filter, then the values of the frame's bounds.
    Window {
        function: usize,
        /// The function is an aggregate.
        aggregate: bool,
        args: usize,
        partition: usize,
        order: Vec<SortDirection>,
        units: FrameUnits,
        start: FrameBound,
        end: FrameBound,
        /// Whether no row after the current one counts, as DataFusion saw it when it made the frame.
        causal: bool,
        filter: bool,
        ignores_nulls: Option<bool>,
        distinct: bool,
    },
    /// The tested expression if there is one, then the outer references.
    Subquery {
        plan: usize,
        kind: SubqueryKind,
    },
    GroupingSet {
        kind: GroupingKind,
        /// Expressions per set.
        sizes: Vec<usize>,
    },
    Unnest {
        outer: bool,
    },
    Like {
        negated: bool,
        escape: Option<char>,
        case_insensitive: bool,
        /// `SIMILAR TO`.
        similar: bool,
    },
}

/// How a subquery is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are those of DataFusion's expressions")]
pub enum SubqueryKind {
    Scalar,
    Exists {
        negated: bool,
    },
    In {
        negated: bool,
    },
    Comparison {
        /// As protobuf names it.
        operator: String,
        all: bool,
    },
}

/// What kind of grouping sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as SQL names them")]
pub enum GroupingKind {
    Rollup,
    Cube,
    Sets,
}

/// What a window frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as SQL names them")]
pub enum FrameUnits {
    Rows,
    Range,
    Groups,
}

/// A bound of a window frame. Its value, if it has one, is a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "as SQL names them")]
pub enum FrameBound {
    Preceding,
    CurrentRow,
    Following,
}

/// What a plugin asks of the host's objects while it works on plans.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanQuestion {
    /// The return field of a scalar function: the types are the argument fields, `scalars` the
    /// positions of constant ones among the values.
    ScalarField {
        /// The function.
        function: u64,
        /// Per argument.
        scalars: Vec<Option<usize>>,
    },
    /// The return field of an aggregate function; the types are the argument fields.
    AggregateField {
        /// The function.
        function: u64,
    },
    /// The field of a window function; the types are the argument fields.
    WindowField {
        /// The function.
        function: u64,
        /// The column's name.
        name: String,
    },
    /// The fields of an aggregate's states: the types are the argument fields, the return field and
    /// the fields of its order.
    StateFields {
        /// The function.
        function: u64,
        /// The column's name.
        name: String,
        /// How many arguments there are.
        arguments: usize,
        /// `DISTINCT`.
        distinct: bool,
    },
    /// The types that arguments are coerced to; the types are those of the arguments.
    Coerced {
        /// What kind of function.
        kind: super::FunctionKind,
        /// The function.
        function: u64,
    },
    /// The name of a call: the plan list's one expression.
    Name {
        /// Which name.
        name: CallName,
        /// The call.
        call: PlanList,
    },
    /// How filters are pushed into a table: the plan list's expressions.
    Pushdown {
        /// The table.
        source: u64,
        /// The filters.
        filters: PlanList,
    },
    /// The plan of a view.
    View {
        /// The table.
        source: u64,
    },
}

/// A name of a function call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallName {
    /// In a schema.
    Schema,
    /// In `EXPLAIN`.
    Display,
    /// For people.
    Human,
}

/// Answers with a name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NameReply {
    /// The name.
    pub name: String,
}

/// Answers with plans, expressions or schemas.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlanReply {
    /// What there is.
    #[serde(default)]
    pub list: PlanList,
}
