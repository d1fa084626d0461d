//! Requests and replies of functions.

use serde::{Deserialize, Serialize};

use super::{Documentation, ExpressionList, Signature, TableName};

/// Settings of the session that differ from DataFusion's defaults, by key.
pub type Settings = Vec<(String, Option<String>)>;

/// A length of time or a moment since the Unix epoch.
pub type Nanoseconds = i64;

/// Which kind of function a descriptor is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FunctionKind {
    /// One value per row.
    Scalar,
    /// One value per row, computed asynchronously.
    AsyncScalar,
    /// One value per group.
    Aggregate,
    /// One value per row of a window.
    Window,
}

/// A function as exported: everything that does not depend on arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionDescriptor {
    /// The name.
    pub name: String,
    /// The kind.
    pub kind: FunctionKind,
    /// Other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What it accepts.
    pub signature: Signature,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation: Option<Documentation>,
    /// Its `Debug` text, by which the two sides recognise one and the same built-in function.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub debug: String,

    /// Scalar: arguments may stay unevaluated.
    #[serde(default)]
    pub short_circuits: bool,
    /// Scalar: a null argument gives null.
    #[serde(default)]
    pub strict: bool,
    /// Scalar: `simplify` and `preimage` cross.
    #[serde(default)]
    pub simplifies: bool,
    /// Scalar: the settings it reads; absent for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads_settings: Option<Vec<String>>,
    /// Async scalar: rows per call that suit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,

    /// Aggregate: the result may be null.
    #[serde(default)]
    pub nullable: bool,
    /// Aggregate: how the order of input matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_sensitivity: Option<OrderSensitivity>,
    /// Aggregate: `IGNORE NULLS` is taken.
    #[serde(default)]
    pub null_handling_clause: bool,
    /// Aggregate: `WITHIN GROUP` is taken.
    #[serde(default)]
    pub within_group_clause: bool,
    /// Aggregate: the extreme of an ordering that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extreme: Option<ExtremeOrdering>,

    /// Window: the order of its results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_options: Option<SortDirection>,
}

impl FunctionDescriptor {
    /// A function that says nothing beyond name, kind and signature.
    pub fn new(name: &str, kind: FunctionKind, signature: Signature) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            aliases: Vec::new(),
            signature,
            documentation: None,
            debug: String::new(),
            short_circuits: false,
            strict: false,
            simplifies: false,
            reads_settings: None,
            batch_size: None,
            nullable: true,
            order_sensitivity: None,
            null_handling_clause: false,
            within_group_clause: false,
            extreme: None,
            sort_options: None,
        }
    }
}

/// Whether an aggregate is the first (`max`) or last (`min`) of a descending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtremeOrdering {
    /// The greatest.
    Descending,
    /// The least.
    Ascending,
}

/// How the order of input matters to an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderSensitivity {
    /// Not at all.
    Insensitive,
    /// It must be kept.
    HardRequirement,
    /// It must be kept where possible.
    SoftRequirement,
    /// It helps.
    Beneficial,
}

/// A direction of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortDirection {
    /// Greatest first.
    pub descending: bool,
    /// Nulls first.
    pub nulls_first: bool,
}

/// What is known of the order of an expression's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    /// Sorted.
    Ordered(SortDirection),
    /// Not known to be sorted.
    #[default]
    Unordered,
    /// One value.
    Singleton,
}

/// Argument fields (types of the parcel, in order), and which of them are constants (`scalars`:
/// per argument, the position among the values).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CallRequest {
    /// Per argument.
    #[serde(default)]
    pub scalars: Vec<Option<usize>>,
}

/// Binds: types are the argument fields, then the return field.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BindRequest {
    /// Constants, per argument a position among the values.
    #[serde(default)]
    pub scalars: Vec<Option<usize>>,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// Types in, types or fields out: nothing but the types of the parcel.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FieldsRequest {}

/// Answers with the types of the parcel.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FieldsReply {}

/// A yes or no.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct FlagReply {
    /// The answer.
    pub yes: bool,
}

/// The only value of the parcel, if there is one.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct ValueReply {
    /// Whether there is one.
    pub known: bool,
}

/// What is known of an argument. Its bounds are two values of the parcel, lower and upper.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Properties {
    /// Its order.
    pub order: SortOrder,
    /// Whether it keeps lexicographic order of its own arguments.
    pub preserves_lex_ordering: bool,
    /// Whether it keeps strict order of its own arguments.
    #[serde(default)]
    pub strictly_order_preserving: bool,
}

/// Asks about order. Values are lower and upper bound of each argument.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OrderingRequest {
    /// Per argument.
    pub arguments: Vec<Properties>,
}

/// The order of the result.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct OrderingReply {
    /// Its order.
    pub order: SortOrder,
}

/// Asks about bounds. Values are lower and upper bound of each argument; to propagate, of the
/// result first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BoundsRequest {}

/// The bounds of the result: two values.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BoundsReply {}

/// Tighter bounds of the arguments: two values each. None when the result is impossible.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PropagateReply {
    /// Whether the result is possible at all.
    pub feasible: bool,
}

/// Positions of arguments that are always evaluated, and of those that may not be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ConditionalArguments {
    /// Absent when all are always evaluated.
    pub split: Option<(Vec<usize>, Vec<usize>)>,
}

/// Where an expression should be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Placement {
    /// A constant.
    Literal,
    /// A column.
    Column,
    /// Near the source.
    MoveTowardsLeafNodes,
    /// Where it stands.
    KeepInPlace,
}

/// Asks where a call should be computed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlacementRequest {
    /// Where each argument is.
    pub arguments: Vec<Placement>,
}

/// Where a call should be computed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlacementReply {
    /// The answer.
    pub placement: Placement,
}

/// Fields of a struct that a call yields, with the arguments that address them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StructFieldMappingReply {
    /// The accessor's name, absent when there is no mapping.
    pub accessor: Option<String>,
    /// The accessor's `Debug` text.
    #[serde(default)]
    pub debug: String,
    /// Per field: how many values of the parcel address it, and the argument it comes from.
    #[serde(default)]
    pub fields: Vec<(usize, usize)>,
}

/// Asks to simplify a call, or for a preimage. The list holds the arguments, and for a preimage
/// the constant after them; types are the fields of the columns that they mention.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SimplifyRequest {
    /// The arguments.
    #[serde(default)]
    pub expressions: ExpressionList,
    /// Per type, the column's qualifier.
    #[serde(default)]
    pub qualifiers: Vec<TableName>,
    /// When the query started.
    #[serde(default)]
    pub query_start: Option<Nanoseconds>,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
    /// What stays on the host and has another value each time.
    #[serde(default)]
    pub volatile: Vec<VolatileArgument>,
}

/// Part of an argument that stays on the host and has another value each time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VolatileArgument {
    /// The number under which it stays.
    #[serde(default)]
    pub kept: usize,
    /// The function that makes it so.
    #[serde(default)]
    pub function: String,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewrite {
    /// It stays as it was.
    #[default]
    None,
    /// The list holds other arguments for it.
    Arguments,
    /// The list holds the one expression that takes its place.
    Call,
}

/// The rewritten call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SimplifyReply {
    /// What the list holds.
    #[serde(default)]
    pub rewrite: Rewrite,
    /// The rewritten expressions.
    #[serde(default)]
    pub expressions: ExpressionList,
}

/// The preimage: the list holds its one expression.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PreimageReply {
    /// The expression.
    #[serde(default)]
    pub expressions: ExpressionList,
    /// Lower and upper bound, positions among the values. Absent when there is no preimage.
    #[serde(default)]
    pub bounds: Option<(usize, usize)>,
}

/// Where an argument of an aggregate or window function comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentSource {
    /// A column of values.
    Column,
    /// A constant: a position among the values.
    Constant(usize),
}

/// Binds an aggregate function. Types are the argument fields, then one field per ordering
/// expression, then the return field.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AggregateBindRequest {
    /// The call's display name.
    pub name: String,
    /// Per argument.
    pub arguments: Vec<ArgumentSource>,
    /// Per ordering expression, its direction.
    #[serde(default)]
    pub ordering: Vec<SortDirection>,
    /// Per ordering expression, the argument that it repeats, if it does.
    #[serde(default)]
    pub ordering_arguments: Vec<Option<usize>>,
    /// `IGNORE NULLS`.
    #[serde(default)]
    pub ignore_nulls: bool,
    /// `DISTINCT`.
    #[serde(default)]
    pub distinct: bool,
    /// The input comes in reverse.
    #[serde(default)]
    pub reversed: bool,
}

/// Asks for the state's fields. Types are the argument fields, then the ordering fields, then the
/// return field.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StateFieldsRequest {
    /// The call's display name.
    pub name: String,
    /// How many ordering fields there are.
    pub ordering: usize,
    /// `DISTINCT`.
    pub distinct: bool,
}

/// A number, or a position among the values, and whether it is exact.
pub type Known = Option<(usize, bool)>;

/// Asks whether statistics give the result. The only type is the return type.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatisticsRequest {
    /// Rows.
    #[serde(default)]
    pub rows: Known,
    /// Bytes.
    #[serde(default)]
    pub bytes: Known,
    /// Per argument.
    pub arguments: Vec<ArgumentStatistics>,
    /// `DISTINCT`.
    #[serde(default)]
    pub distinct: bool,
}

/// What is known of an argument.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArgumentStatistics {
    /// A column of the input.
    Column(ColumnStatistics),
    /// A constant: a position among the values.
    Constant(usize),
}

/// What is known of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// Nulls.
    #[serde(default)]
    pub nulls: Known,
    /// Distinct values.
    #[serde(default)]
    pub distinct: Known,
    /// Bytes.
    #[serde(default)]
    pub bytes: Known,
    /// The position of the least value.
    #[serde(default)]
    pub minimum: Known,
    /// The position of the greatest value.
    #[serde(default)]
    pub maximum: Known,
    /// The position of the sum.
    #[serde(default)]
    pub sum: Known,
}

/// How results change as rows are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonotonicityReply {
    /// They grow.
    Increasing,
    /// They shrink.
    Decreasing,
    /// Neither.
    NotMonotonic,
}

/// What a function is over reversed input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reversal {
    /// The same.
    Identical,
    /// Unknown.
    NotSupported,
    /// Another function, to be had from `reversed`.
    Reversed,
}

/// Asks for a window function's field. Types are the argument fields.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FieldRequest {
    /// The call's display name.
    pub name: String,
}

/// Asks which arguments a window function wants evaluated, or how a limit moves; also binds a
/// window function. Types are the argument fields.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExpressionsRequest {
    /// Per argument.
    pub arguments: Vec<ArgumentSource>,
    /// `IGNORE NULLS`; binding only.
    #[serde(default)]
    pub ignore_nulls: bool,
    /// The window is reversed; binding only.
    #[serde(default)]
    pub reversed: bool,
}

/// The expressions to evaluate for an evaluator: arguments by position, or new constants among
/// the values.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExpressionsReply {
    /// Per expression: an argument's position, or a constant's position among the values.
    pub expressions: Vec<Result<usize, usize>>,
}

/// How a limit may move below a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitEffectReply {
    /// Unchanged.
    None,
    /// Not at all.
    Unknown,
    /// Grown by so many rows.
    Relative(usize),
    /// Grown to so many rows.
    Absolute(usize),
}
