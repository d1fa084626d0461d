//! The stable contract between a DataFusion host and its plugins, and the SDK that authors use.

pub mod abi;
#[cfg(feature = "df55")]
pub mod df55;
