//! Messages: what a [`Parcel`](super::Parcel) says beside its types and values.
//!
//! Every message is JSON. A reader ignores keys that it does not know and takes the default for
//! keys that are absent, so that messages can grow inside a contract major. Numbers that point
//! to types or values are positions in the parcel.

mod expression;
mod factory;
mod function;
mod log;
mod options;
mod physical;
mod plan;
mod planner;
mod plugin;
mod policy;
mod rule;
mod signature;
mod table;

pub use expression::{ExpressionList, ExpressionSlot, FunctionReference, TableName};
pub use factory::{CreateFunctionArgument, CreateFunctionRequest, QuotedName};
pub use function::{
    AggregateBindRequest, ArgumentSource, ArgumentStatistics, BindRequest, BoundsReply,
    BoundsRequest, CallRequest, ColumnStatistics, ConditionalArguments, ExpressionsReply,
    ExpressionsRequest, ExtremeOrdering, FieldRequest, FieldsReply, FieldsRequest, FlagReply,
    FunctionDescriptor, FunctionKind, Known, LimitEffectReply, MonotonicityReply, Nanoseconds,
    OrderSensitivity, OrderingReply, OrderingRequest, Placement, PlacementReply, PlacementRequest,
    PreimageReply, PropagateReply, Properties, Reversal, Rewrite, Settings, SimplifyReply,
    SimplifyRequest, SortDirection, SortOrder, StateFieldsRequest, StatisticsRequest,
    StructFieldMappingReply, ValueReply, VolatileArgument,
};
pub use log::{Event, Span};
pub use options::{OptionDescriptor, OptionKind, OptionsDescriptor, SetOptionRequest};
pub use physical::{
    Cardinality, NodeDescriptor, NodeReply, PhysicalList, PhysicalNode, PhysicalQuestion,
    PhysicalRuleReply, PhysicalRuleRequest,
};
pub use plan::{
    CallName, ColumnName, Dependence, DmlOperation, ExpressionNode, FrameBound, FrameUnits,
    GroupingKind, Handle, NameReply, NullRows, PlanList, PlanNode, PlanQuestion, PlanReply,
    QualifiedSchema, Repartitioning, Run, SourceReference, SubqueryKind,
};
pub use planner::{
    ContextQuestion, ExpressionHook, ExpressionHookReply, ExpressionHookRequest, FieldAccess,
    NamesReply, PlannerDescriptor, RelationReply, TableNameReply,
};
pub use plugin::{Activation, Exports};
pub use policy::{
    Access, Clause, ColumnUse, FunctionClass, FunctionUse, LocationUse, LocationUsed,
    PolicyDecision, PolicyDescriptor, RelationKind, SettingUse, Stage, StatementFacts,
    StatementKind, TableRestriction, TableUse,
};
pub use rule::{RuleDescriptor, RulePosition, RuleReply, RuleRequest, RuleStage, Uncarried};
pub use signature::{
    ArrayArgument, Coercion, Documentation, Signature, TypeClass, TypeSignature, Volatility,
};
pub use table::{
    Alteration, Constant, Constraint, CreateTable, Emission, Filters, InputDescriptor,
    InputRequirements, InsertMode, MergeAction, MergeClause, MergeRows, MergeStatement, MetricUnit,
    Operand, Partitioning, Pushdown, PushdownReply, ScanDescriptor, ScanMetric, ScanMetrics,
    ScanRequest, SortKey, TableArgument, TableCall, TableDescriptor, TableFunctionDescriptor,
    TableKind, TableStatistics, Write, WriteRequest,
};
