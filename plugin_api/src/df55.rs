//! DataFusion 55 and the contract: conversions that the SDK and the host share, both directions
//! side by side.

pub mod documentation;
pub mod error;
pub mod function_table;
pub mod parcel;
pub mod properties;
pub mod row_value;
pub mod settings;
pub mod signature;
#[cfg(feature = "simplify")]
pub mod simplify;
pub mod types;
