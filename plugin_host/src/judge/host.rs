//! What a host is, as far as plugins have to suit it.

use datafusion_plugin_api::abi::{CONTRACT, ContractVersion, built_with};

use super::refusal::machine;
use crate::artifact::Format;

/// A host, as it is compared with manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostIdentity {
    /// The contract that it speaks.
    pub contract: ContractVersion,
    /// Its DataFusion version.
    pub datafusion: String,
    /// The platform that it runs on, as a target triple.
    pub target: String,
    /// The format of that platform's libraries.
    pub format: Format,
    /// The machine, as in [`std::env::consts::ARCH`].
    pub architecture: String,
    /// The width of its pointers.
    pub bits: u8,
}

impl HostIdentity {
    /// This process.
    pub fn current() -> Self {
        Self {
            contract: CONTRACT,
            datafusion: datafusion::DATAFUSION_VERSION.to_owned(),
            target: built_with::TARGET.to_owned(),
            format: if cfg!(windows) {
                Format::Pe
            } else if cfg!(target_vendor = "apple") {
                Format::MachO
            } else {
                Format::Elf
            },
            architecture: std::env::consts::ARCH.to_owned(),
            bits: if cfg!(target_pointer_width = "32") {
                32
            } else {
                64
            },
        }
    }

    /// Format, machine and width in words.
    pub(super) fn machine(&self) -> String {
        machine(self.format, &self.architecture, self.bits)
    }
}
