//! DataFusion 55 and the contract: conversions that the SDK and the host share, both directions
//! side by side.

#[cfg(feature = "tables")]
pub mod batches;
#[cfg(feature = "expressions")]
pub mod builtins;
pub mod documentation;
pub mod error;
#[cfg(feature = "expressions")]
pub mod expressions;
pub mod function_table;
#[cfg(feature = "tables")]
pub mod merge;
#[cfg(feature = "tables")]
pub mod metrics;
pub mod names;
pub mod parcel;
#[cfg(feature = "rules")]
pub mod physical;
#[cfg(feature = "tables")]
pub mod plan_properties;
#[cfg(feature = "planners")]
pub mod planners;
#[cfg(feature = "plans")]
pub mod plans;
pub mod properties;
pub mod row_value;
#[cfg(feature = "rules")]
pub mod rules;
pub mod settings;
pub mod signature;
#[cfg(feature = "simplify")]
pub mod simplify;
pub mod statistics;
#[cfg(feature = "planners")]
pub mod syntax;
pub mod types;
