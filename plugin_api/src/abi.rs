//! The contract: every type whose layout both sides rely on, and the safe way to call across.
//!
//! Nothing here knows DataFusion or arrow. A capability is an *interface*: one declaration yields
//! the trait that the providing side implements, a function table that is checked at load, and an
//! object with safe methods for the calling side. Every entry runs in a guard on the providing
//! side, so an unwind never crosses; it arrives as a [`CallError`].

#![allow(unsafe_code)]

#[macro_use]
pub(crate) mod interface;

mod arrow;
#[cfg(feature = "df55")]
mod arrow_check;
#[cfg(feature = "df55")]
mod arrow_exchange;
#[cfg(feature = "df55")]
mod arrow_flat;
pub mod built_with;
mod catalog;
mod error;
mod factory;
mod function;
mod guard;
mod lent;
pub mod manifest;
pub mod message;
mod module;
mod options;
mod parcel;
mod plan;
mod planner;
mod policy;
mod rule;
mod table;
mod version;
mod waker;

pub use arrow::{ArrowArray, ArrowSchema};
#[cfg(feature = "df55")]
pub use arrow_exchange::{
    TypesOf, Validation, export_array, export_fields, export_schema, import_array, import_fields,
    import_schema, import_types, import_validated,
};
pub use catalog::{Catalog, CatalogObject, CatalogSchema, CatalogSchemaObject};
pub use error::{CallError, ErrorKind, ErrorLink, Origin};
pub use factory::{
    Created, FunctionCreation, FunctionCreationObject, FunctionFactory, FunctionFactoryObject,
};
pub use function::{
    Accumulator, AccumulatorObject, AggregateFunction, AggregateFunctionObject, Argument,
    ArgumentKind, BoundAggregateFunction, BoundAggregateFunctionObject, BoundScalarFunction,
    BoundScalarFunctionObject, BoundWindowFunction, BoundWindowFunctionObject, Completion,
    CompletionObject, Emit, EvaluatorTraits, Groups, GroupsAccumulator, GroupsAccumulatorObject,
    PartitionEvaluator, PartitionEvaluatorObject, Range, RowValue, Rows, ScalarFunction,
    ScalarFunctionObject, Value, WindowFunction, WindowFunctionObject, WindowState,
};
pub use guard::{PanicReport, catch, drop_each, install_panic_hook, on_drop_failure, shortened};
pub use lent::{LentCall, lend};
pub use module::{
    HostServices, HostServicesObject, PluginEntry, PluginInstance, PluginInstanceObject,
    PluginModule, PluginModuleRef, ROOT_SYMBOL, export_module,
};
pub use options::{SessionOptions, SessionOptionsObject};
pub use parcel::Parcel;
pub use plan::{PlanHost, PlanHostObject, PlanObjects, PlanObjectsObject};
pub use planner::{
    ExpressionPlanner, ExpressionPlannerObject, Planned, RelationPlanner, RelationPlannerObject,
    TypePlanner, TypePlannerObject,
};
pub use policy::{Policy, PolicyObject};
pub use rule::{
    PhysicalHost, PhysicalHostObject, PhysicalRule, PhysicalRuleObject, PlanRule, PlanRuleObject,
};
pub use table::{
    Batch, BatchStream, BatchStreamObject, Input, InputObject, MemoryPool, MemoryPoolObject,
    MemoryReservation, MemoryReservationObject, Opening, Scan, ScanObject, ScanPlanning,
    ScanPlanningObject, Table, TableFactory, TableFactoryObject, TableFunction,
    TableFunctionObject, TableObject, TableOpening, TableOpeningObject,
};
pub use version::{CONTRACT, CONTRACT_TEXT, ContractVersion};
pub use waker::HostWaker;

/// What a call across the boundary yields, before it is a [`Result`] again.
pub type Reply<T> = abi_stable::std_types::RResult<T, CallError>;
