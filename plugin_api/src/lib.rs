//! The stable contract between a DataFusion host and its plugins, and the SDK that authors use.
//!
//! A plugin is a shared library that exports functions. Its author implements DataFusion's own
//! traits, or takes functions that implement them already, and names them in one macro. A host
//! (crate `datafusion-plugin-host`) reads from the file what the plugin claims, decides whether it
//! may be loaded, and installs its functions into any session. The two need not share a compiler,
//! its flags or an allocator.
//!
//! ```standalone_crate
//! use datafusion_functions::math;
//! use datafusion_plugin_api::prelude::*;
//!
//! fn activate(_context: &ActivationContext) -> Result<Plugin> {
//!     Ok(Plugin::new().scalar_functions(math::functions()))
//! }
//!
//! export_plugin! {
//!     name: "math",
//!     capabilities: [scalar_function],
//!     activate: activate,
//! }
//! # fn main() {}
//! ```
//!
//! Build it with `crate-type = ["cdylib"]`; `docs/authors.md` goes from there to a shipped file, and
//! `plugins/example` has one function of each kind, to be copied.
//!
//! # Core concepts
//!
//! - [`export_plugin!`] makes a crate a plugin: it places the manifest in the library's own link
//!   section and exports the entry.
//! - [`sdk::Plugin`] collects what is exported: scalar, async scalar, aggregate, window and table
//!   functions.
//! - [`sdk::ActivationContext`] is what a plugin learns when it is started: its options, and who
//!   the host is.
//! - [`sdk::AsyncScalarOptions`] bounds the calls of an async function in time and rows.
//! - `sdk::StreamedTable` (feature `tables`) is a table made of streams of batches, for table
//!   functions without a provider of their own.
//! - [`sdk::Policy`] decides on the statements of a host's guarded sessions.
//! - [`abi::manifest::Manifest`] is what a plugin says of itself, readable from the file's bytes;
//!   [`abi::manifest::CapabilityKind`] is a kind of thing that it exports.
//! - [`abi::ContractVersion`] is the version of the contract, apart from that of this crate.
//! - [`abi::PluginInstance`] and the other interfaces of [`abi`] are what crosses: for each, a trait
//!   that the providing side implements and an object that the calling side holds.
//! - [`abi::Parcel`] is a request or reply at planning: a JSON message of [`abi::message`] with the
//!   Arrow types and values that it speaks of.
//! - [`abi::CallError`] is an error as it crosses: kind, message, context and origin. A panic of the
//!   author's code arrives as one.
//!
//! # Features
//!
//! - `df55` (default): the SDK on DataFusion 55. Without it this crate is the contract alone and has
//!   no DataFusion and no arrow crate among its dependencies.
//! - `tables`: table functions.
//! - `simplify`: `ScalarUDFImpl::simplify` and `preimage` cross, where host and plugin share the DataFusion
//!   major.
//! - `planners`: relation, expression and type planners; same-major too.
//! - `function-factory`: `CREATE FUNCTION`; same-major too. Brings in all of `datafusion`.
//! - `sql`, `parquet`: errors of these kinds keep their kind.
//!
//! The crate follows semantic versioning; what two sides need in common is the contract, whose rules
//! and changes stand in `CHANGELOG.md`.

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

    #[cfg(feature = "planners")]
    pub use crate::df55::planners::{ExpressionHookKind, RelationKind};
    #[cfg(feature = "rules")]
    pub use crate::{abi::message::Uncarried, df55::rules::NodeKind, sdk::Rule};
    pub use crate::{
        export_plugin,
        sdk::{ActivationContext, AsyncScalarOptions, Plugin, Policy},
    };
}
