//! DataFusion 55 and the contract: conversions that the SDK and the host share, both directions
//! side by side.

pub mod documentation;
pub mod properties;
pub mod signature;
pub mod types;
