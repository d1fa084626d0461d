//! Why a host refuses a plugin or a capability.

use datafusion_plugin_api::abi::ContractVersion;
use thiserror::Error;

use crate::artifact::Format;

/// Why a plugin, or one of its capabilities, is not taken: what the host expected, what it
/// found, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another contract.
    #[error(
        "speaks contract {found}, expected {}.x up to {expected}; \
         rebuild the plugin with the datafusion-plugin-api of this host", expected.major
    )]
    ContractMajor {
        /// The host's.
        expected: ContractVersion,
        /// The plugin's.
        found: ContractVersion,
    },
    /// A later contract than the host's.
    #[error(
        "speaks contract {found}, expected at most {expected}; \
         update the host, or rebuild the plugin with an older datafusion-plugin-api"
    )]
    ContractMinor {
        /// The host's.
        expected: ContractVersion,
        /// The plugin's.
        found: ContractVersion,
    },
    /// Another platform.
    #[error("built for {found}, expected {expected}; get or build the plugin for {expected}")]
    Target {
        /// The host's.
        expected: String,
        /// The plugin's.
        found: String,
    },
    /// The file is not for the platform that its manifest names.
    #[error("the file is {found}, expected {expected} as its manifest says; rebuild the plugin")]
    Machine {
        /// The host's.
        expected: String,
        /// The file's.
        found: String,
    },
    /// A panic would end the host.
    #[error(
        "built with panic = \"{found}\", expected \"unwind\": a panic in it would end the process; \
         rebuild it with panic = \"unwind\", or set allow_panic_abort for it"
    )]
    PanicAbort {
        /// The plugin's strategy.
        found: String,
    },
    /// A capability needs the host's DataFusion major.
    #[error(
        "capability '{capability}' needs the DataFusion major it was built with: {found}, \
         expected {expected}; rebuild the plugin with DataFusion {expected}"
    )]
    DataFusionMajor {
        /// The capability's kind.
        capability: String,
        /// The host's DataFusion.
        expected: String,
        /// The plugin's DataFusion.
        found: String,
    },
    /// A capability of a kind that the host does not know.
    #[error(
        "capability '{kind}' is unknown to this host (contract {expected}, the plugin's is \
         {found}); update the host to use it"
    )]
    UnknownCapability {
        /// The kind's name.
        kind: String,
        /// The host's contract.
        expected: ContractVersion,
        /// The plugin's contract.
        found: ContractVersion,
    },
    /// A capability that every plugin does not have.
    #[error(
        "capability '{capability}' is not granted; grant it with 'plugin-host install', or list it in \
         plugins.{plugin}.grants"
    )]
    NotGranted {
        /// The capability's kind.
        capability: String,
        /// The plugin.
        plugin: String,
    },
    /// None of the plugin's capabilities is taken.
    #[error("expected a capability that this host takes, found none: {} refused", refused.join(", "))]
    NothingLeft {
        /// The kinds of all capabilities.
        refused: Vec<String>,
    },
}

/// Format, machine and width in words.
pub(super) fn machine(format: Format, architecture: &str, bits: u8) -> String {
    format!("{format} for {architecture} with {bits} bits")
}
