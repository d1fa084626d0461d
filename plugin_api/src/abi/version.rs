//! The contract's own version.

use std::fmt;

/// The version of the contract that this crate speaks.
pub const CONTRACT: ContractVersion = ContractVersion { major: 1, minor: 0 };
/// [`CONTRACT`] as manifests write it.
pub const CONTRACT_TEXT: &str = "1.0";

/// `major.minor` of the contract, independent of crate versions.
///
/// A minor only adds. A host takes plugins of its own major whose minor is at most its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractVersion {
    /// Raised by a change that old plugins or hosts cannot take.
    pub major: u32,
    /// Raised by an addition.
    pub minor: u32,
}

impl ContractVersion {
    /// Whether a host that speaks `self` can load a plugin that speaks `plugin`.
    pub fn accepts(self, plugin: ContractVersion) -> bool {
        self.major == plugin.major && plugin.minor <= self.minor
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl std::str::FromStr for ContractVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (major, minor) = text.split_once('.')?;
            Some(Self {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            })
        };
        parse().ok_or_else(|| format!("contract version {text:?} is not of the form major.minor"))
    }
}
