//! DataFusion 55 types as contract types and back: shared by the SDK and the host.

pub mod documentation;
pub mod error;
pub mod parcel;
pub mod properties;
pub mod settings;
pub mod signature;
pub mod types;
