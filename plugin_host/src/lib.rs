//! Reads, judges, loads and installs plugins into Apache DataFusion sessions.
//!
//! ```no_run
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use datafusion::prelude::SessionContext;
//! use datafusion_plugin_host::PluginHost;
//!
//! let context = SessionContext::new();
//! let host = PluginHost::builder().plugin_dir("/usr/lib/app/plugins").load()?;
//! let report = host.install(&context);
//! for function in report.qualified_only() {
//!     println!("{} has no bare name: {}", function.name, function.bare);
//! }
//! context.sql("SELECT * FROM plugin_functions()").await?.show().await?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embed.rs` is a whole application; `docs/operators.md` has the search order, the
//! configuration and every message.
//!
//! # Core concepts
//!
//! - [`PluginHost`] holds the loaded plugins of an application and installs them into any number of
//!   sessions; [`PluginHostBuilder`] says where they are and how they may be used.
//! - [`discover::SearchPath`] is the paths to look at, in order; the builder's is empty until one is
//!   named, and [`discover::SearchPath::standard`] has the environment's, the user's and the system's.
//! - [`config::Config`] is `plugins.toml`: options, who is enabled, who gets which name.
//! - [`artifact::Artifact`] is a library as its bytes describe it; nothing of it has been executed.
//! - [`judge::Verdict`] says whether an artifact may be loaded, which of its capabilities are
//!   granted, and why the others are not.
//! - [`trust::Trust`] says what vouches for a file: a lock, a signature, or where it lies; and
//!   [`trust::Grants`] what a plugin may do beyond functions and tables.
//! - [`LoadedPlugin`] is a plugin that was judged, opened and activated.
//! - [`InstallReport`] tells for each function its names in a session; [`BareName`] says what became
//!   of the one without a qualifier.
//! - [`GuardedSession`] is a session in which the policies of plugins decide on every statement, for
//!   one [`Subject`]; [`PolicyRefusal`] is why a statement was not run.
//! - [`HostError`] lists every file that was tried and why it failed.
//! - [`MetricsSnapshot`] counts the calls, batches, rows, errors and panics of an item;
//!   [`PluginHost::metrics`] has all of them, [`PluginHost::prometheus`] as text.
//! - [`Quarantine`] is why a plugin is not called any more; [`PluginHost::reset`] ends it.
//!
//! # Guarantees
//!
//! - Reading a file never executes it and never panics: any byte string is an artifact or an error.
//! - Nothing is loaded that was not judged loadable before; what is exported is what the manifest
//!   declares, or none of the plugins is used.
//! - What a lock or a signature vouches for is what is loaded, whatever becomes of the file meanwhile.
//! - Nothing but functions and tables is installed that was not granted by name.
//! - Loading and installing are all or nothing. Installing again changes nothing.
//! - A panic in a plugin's function is an error that names plugin, function, message and source line;
//!   session and plugin stay usable. A plugin is code in this process all the same: abort, a fault or
//!   a stack overflow in it ends the process.
//! - Libraries stay mapped for the life of the process, those too that [`PluginHost::reload`] replaced.
//! - Nothing is printed. What plugins log reaches the `tracing` subscriber of the application.

pub mod artifact;
#[doc(hidden)]
pub mod bench;
pub mod config;
pub mod discover;
mod error;
mod import;
mod install;
pub mod judge;
mod load;
mod log;
mod metrics;
mod policy;
mod registry;
mod tables;
mod threads;
pub mod trust;

pub use error::{HostError, LoadFailure, LoadFailures, LoadProblem};
pub use import::{health::Quarantine, imported::ItemKind, metrics::MetricsSnapshot};
pub use install::{BareName, InstallReport, InstalledItem, LeftOut, PluginReport};
pub use load::LoadError;
pub use metrics::MeasuredItem;
pub use policy::{GuardedQuery, GuardedSession, PolicyRefusal, Subject};
pub use registry::{
    CheckedPlugins, LoadedPlugin, PassedOverFile, PluginHost, PluginHostBuilder, RefusedCapability,
    ReloadOutcome, ReloadReport, ReloadedFile, RetainedLibrary,
};
#[cfg(feature = "watch")]
pub use registry::{Watch, WatchError};
