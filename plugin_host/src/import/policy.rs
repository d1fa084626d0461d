//! The policies of an activated plugin.

use std::sync::Arc;

use datafusion_plugin_api::abi::{
    CallError, Parcel, PluginInstanceObject, PolicyObject,
    message::{PolicyDecision, PolicyDescriptor},
};

use super::origin::{Activated, Origin};

/// A policy of a plugin.
#[derive(Debug)]
pub(crate) struct ImportedPolicy {
    origin: Origin,
    descriptor: PolicyDescriptor,
    object: PolicyObject,
}

impl ImportedPolicy {
    pub(crate) fn import(origin: Origin, object: PolicyObject) -> Result<Self, CallError> {
        let described = object.describe().and_then(|parcel| parcel.message());
        let descriptor = described.map_err(|error| origin.attribute(error))?;
        Ok(Self {
            origin,
            descriptor,
            object,
        })
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn descriptor(&self) -> &PolicyDescriptor {
        &self.descriptor
    }

    /// Asks; `facts` is JSON of `StatementFacts`.
    pub(crate) fn decide(&self, facts: &[u8]) -> Result<PolicyDecision, CallError> {
        let attribute = |error| self.origin.attribute(error);
        self.origin.admit().map_err(attribute)?;
        let begun = self.origin.begin();
        let mut parcel = Parcel::of(&())?;
        parcel.message = facts.into();
        let decision = self.object.decide(parcel).and_then(|reply| reply.message());
        self.origin.end(begun, 0, 0);
        decision.map_err(attribute)
    }
}

/// Takes in the policies of `names`.
pub(crate) fn import(
    plugin: &Arc<Activated>,
    instance: &PluginInstanceObject,
    names: &[String],
) -> Result<Vec<Arc<ImportedPolicy>>, CallError> {
    let import = |(position, name): (usize, &String)| {
        let origin = Origin::new(Arc::clone(plugin), name, position as u64, Arc::default());
        ImportedPolicy::import(origin, instance.policy(position)?).map(Arc::new)
    };
    names.iter().enumerate().map(import).collect()
}
