//! An author's policies behind the contract.

use std::{fmt::Debug, sync::Arc};

use datafusion_common::Result;

use super::runtime;
use crate::{
    abi::{
        self, CallError, Parcel, PolicyObject, drop_each,
        message::{PolicyDecision, PolicyDescriptor, StatementFacts},
    },
    df55::error::to_call_error,
};

/// Decides on statements. DataFusion has no trait for that, so this one is the SDK's.
///
/// Many threads ask at once. A decision should take microseconds: the statement waits for it, and a
/// host refuses statements whose decision does not come in time. An error or a panic refuses the
/// statement too.
///
/// ```
/// use datafusion_plugin_api::{
///     abi::message::{PolicyDecision, StatementFacts, StatementKind},
///     prelude::*,
/// };
///
/// /// Nobody copies data out.
/// #[derive(Debug)]
/// struct NoCopies;
///
/// impl Policy for NoCopies {
///     fn decide(&self, facts: &StatementFacts) -> Result<PolicyDecision> {
///         Ok(match facts.kinds().any(|kind| kind == StatementKind::Copy) {
///             true => PolicyDecision::deny("COPY is not allowed here"),
///             false => PolicyDecision::Allow,
///         })
///     }
/// }
///
/// let plugin = Plugin::new().policy("no_copies", NoCopies);
/// ```
pub trait Policy: Debug + Send + Sync + 'static {
    /// Decides on a statement.
    ///
    /// # Errors
    /// When no decision can be made; the statement is refused.
    fn decide(&self, facts: &StatementFacts) -> Result<PolicyDecision>;

    /// Whether [`Policy::decide`] looks at the columns of tables, which cost time to find.
    fn needs_columns(&self) -> bool {
        true
    }

    /// Whether [`Policy::decide`] looks at functions.
    fn needs_functions(&self) -> bool {
        true
    }
}

/// The policies that a plugin exports.
#[derive(Debug, Default)]
pub(super) struct Policies(Vec<PolicyEntry>);

#[derive(Debug, Clone)]
struct PolicyEntry {
    name: String,
    policy: Arc<dyn Policy>,
}

impl Policies {
    pub(super) fn push(&mut self, name: String, policy: impl Policy) {
        let policy = Arc::new(policy);
        self.0.push(PolicyEntry { name, policy });
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.name.as_str())
    }

    pub(super) fn object(&self, position: usize) -> Option<PolicyObject> {
        self.0.get(position).cloned().map(PolicyObject::new)
    }
}

impl Drop for Policies {
    fn drop(&mut self) {
        drop_each(std::mem::take(&mut self.0), |entry| entry.name.clone());
    }
}

impl abi::Policy for PolicyEntry {
    fn item(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        Parcel::of(&PolicyDescriptor {
            name: self.name.clone(),
            columns: self.policy.needs_columns(),
            functions: self.policy.needs_functions(),
        })
    }

    fn decide(&self, facts: Parcel) -> Result<Parcel, CallError> {
        let facts: StatementFacts = facts.message()?;
        let _entered = runtime::enter()?;
        let decision = self.policy.decide(&facts);
        Parcel::of(&decision.map_err(|error| to_call_error(&error))?)
    }
}
