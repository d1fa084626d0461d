//! DataFusion 55 and the contract: conversions that the SDK and the host share, both directions
//! side by side.

pub mod documentation;
pub mod error;
pub mod parcel;
pub mod properties;
pub mod settings;
pub mod signature;
pub mod types;
