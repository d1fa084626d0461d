//! The stable contract between a DataFusion host and its plugins, and the SDK that authors use.

pub mod abi;
#[cfg(feature = "df55")]
pub mod df55;
#[cfg(feature = "df55")]
pub mod sdk;

#[doc(hidden)]
pub use abi_stable::library::LibHeader;

/// What an author needs beside DataFusion's own traits.
#[cfg(feature = "df55")]
pub mod prelude {
    pub use datafusion_common::Result;

    pub use crate::{
        export_plugin,
        sdk::{ActivationContext, AsyncScalarOptions, Plugin},
    };
}
