//! Who sends statements.

use std::collections::BTreeMap;

use datafusion_plugin_api::abi::message::StatementFacts;

/// Who sends the statements of a session, as the host knows. Nothing of it can be changed by a
/// statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The user.
    pub user: Option<String>,
    /// The user's roles.
    pub roles: Vec<String>,
    /// What else policies may want to know.
    pub variables: BTreeMap<String, String>,
}

impl Subject {
    /// A user without roles.
    pub fn user(name: impl Into<String>) -> Self {
        Self {
            user: Some(name.into()),
            ..Self::default()
        }
    }

    /// Adds a role.
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets a variable.
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    pub(super) fn sign(&self, facts: &mut StatementFacts) {
        facts.user.clone_from(&self.user);
        facts.roles.clone_from(&self.roles);
        facts.variables.clone_from(&self.variables);
    }
}
