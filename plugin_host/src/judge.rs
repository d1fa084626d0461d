//! Negotiation: whether a plugin may be loaded here, told from its manifest alone.

mod host;
mod refusal;

use datafusion_plugin_api::abi::manifest::{Capability, CapabilityKind, Layer, Manifest};

pub use self::{host::HostIdentity, refusal::Refusal};
use crate::{artifact::Artifact, trust::Grants};

/// What the configuration lets a plugin do beyond the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JudgeOptions {
    /// Take a plugin whose panics end the process.
    pub allow_panic_abort: bool,
}

impl JudgeOptions {
    /// The rules, with plugins whose panics end the process let in or not.
    #[must_use]
    pub fn with_panic_abort(mut self, allow: bool) -> Self {
        self.allow_panic_abort = allow;
        self
    }
}

/// What a host decides about a plugin before it loads it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Why it may not be loaded; none when it may.
    pub reasons: Vec<Refusal>,
    /// Capabilities that this host cannot take, each with the reason. They do not keep the
    /// plugin's other capabilities out.
    pub refused_capabilities: Vec<(Capability, Refusal)>,
    /// Capabilities that this host takes.
    pub granted: Vec<Capability>,
}

impl Verdict {
    /// Whether the plugin may be loaded.
    pub fn loadable(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Moves capabilities that are not granted to those that are refused. They do not keep the plugin out.
    #[must_use]
    pub fn within(mut self, grants: &Grants, plugin: &str) -> Self {
        let all = std::mem::take(&mut self.granted).into_iter();
        let (granted, others): (_, Vec<_>) =
            all.partition(|capability| grants.allow_capability(&capability.kind));
        self.granted = granted;
        for capability in others {
            let refusal = Refusal::NotGranted {
                capability: capability.kind.name().to_owned(),
                plugin: plugin.to_owned(),
            };
            self.refused_capabilities.push((capability, refusal));
        }
        self
    }

    /// Every reason: those against the plugin, then those against single capabilities.
    pub fn all_reasons(&self) -> impl Iterator<Item = &Refusal> {
        let capabilities = self.refused_capabilities.iter();
        self.reasons
            .iter()
            .chain(capabilities.map(|(_, refusal)| refusal))
    }
}

/// Judges an artifact for a host.
pub fn judge(artifact: &Artifact, host: &HostIdentity, options: &JudgeOptions) -> Verdict {
    let manifest = artifact.manifest();
    let mut reasons = Vec::new();
    reasons.extend(contract(manifest, host));
    if manifest.target != host.target {
        reasons.push(Refusal::Target {
            expected: host.target.clone(),
            found: manifest.target.clone(),
        });
    } else if artifact.format() != host.format
        || artifact.architecture() != host.architecture
        || artifact.bits() != host.bits
    {
        reasons.push(Refusal::Machine {
            expected: host.machine(),
            found: refusal::machine(artifact.format(), artifact.architecture(), artifact.bits()),
        });
    }
    if manifest.panic != "unwind" && !options.allow_panic_abort {
        reasons.push(Refusal::PanicAbort {
            found: manifest.panic.clone(),
        });
    }

    let mut refused_capabilities = Vec::new();
    let mut granted = Vec::new();
    for capability in &manifest.capabilities {
        match refuse(capability, manifest, host) {
            Some(refusal) => refused_capabilities.push((capability.clone(), refusal)),
            None => granted.push(capability.clone()),
        }
    }
    if granted.is_empty() && !refused_capabilities.is_empty() {
        let kinds = manifest.capabilities.iter();
        reasons.push(Refusal::NothingLeft {
            refused: kinds.map(|c| c.kind.name().to_owned()).collect(),
        });
    }
    Verdict {
        reasons,
        refused_capabilities,
        granted,
    }
}

fn contract(manifest: &Manifest, host: &HostIdentity) -> Option<Refusal> {
    let (expected, found) = (host.contract, manifest.contract);
    if expected.accepts(found) {
        None
    } else if expected.major == found.major {
        Some(Refusal::ContractMinor { expected, found })
    } else {
        Some(Refusal::ContractMajor { expected, found })
    }
}

/// Why a host does not take a capability.
fn refuse(capability: &Capability, manifest: &Manifest, host: &HostIdentity) -> Option<Refusal> {
    if let CapabilityKind::Unknown(kind) = &capability.kind {
        return Some(Refusal::UnknownCapability {
            kind: kind.clone(),
            expected: host.contract,
            found: manifest.contract,
        });
    }
    let same_major = match (major(&host.datafusion), major(&manifest.datafusion)) {
        (Some(host), Some(plugin)) => host == plugin,
        _ => host.datafusion == manifest.datafusion,
    };
    (capability.layer == Layer::SameMajor && !same_major).then(|| Refusal::DataFusionMajor {
        capability: capability.kind.name().to_owned(),
        expected: host.datafusion.clone(),
        found: manifest.datafusion.clone(),
    })
}

fn major(version: &str) -> Option<u64> {
    semver::Version::parse(version)
        .ok()
        .map(|version| version.major)
}

#[cfg(test)]
mod tests;
