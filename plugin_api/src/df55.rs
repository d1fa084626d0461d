//! Between DataFusion 55 and the contract, both directions side by side, for host and SDK.

pub mod error;
pub mod parcel;
pub mod settings;
