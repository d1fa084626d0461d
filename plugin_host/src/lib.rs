//! Host.

pub mod artifact;
pub mod config;
pub mod discover;
mod error;
mod import;
mod install;
pub mod judge;
mod load;
mod log;
mod registry;
mod tables;

pub use error::{HostError, LoadFailure, LoadFailures, LoadProblem};
pub use import::{imported::ItemKind, metrics::MetricsSnapshot};
pub use install::{BareName, InstallReport, InstalledItem, PluginReport};
pub use load::LoadError;
pub use registry::{
    LoadedPlugin, PassedOverFile, PluginHost, PluginHostBuilder, RefusedCapability,
};
