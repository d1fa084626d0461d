//! Why a statement is not run.

use std::time::Duration;

use datafusion::common::DataFusionError;
use thiserror::Error;

/// Why a statement is not run. It comes inside a [`DataFusionError::External`]; see
/// [`PolicyRefusal::of`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// A policy says no.
    #[error("denied by policy '{policy}': {reason}")]
    Denied {
        /// The policy, as `plugin.policy`.
        policy: String,
        /// What it says.
        reason: String,
    },
    /// The configuration demands a policy that is not loaded.
    #[error("refused: policy '{policy}' is required by the configuration, but not loaded")]
    Missing {
        /// The plugin, or `plugin.policy`.
        policy: String,
    },
    /// The configuration demands a policy that its plugin may not install.
    #[error(
        "refused: policy '{policy}' is required by the configuration, but its plugin is not granted \
         capability 'policy'; grant it with 'plugin-host install', or in the plugin's grants"
    )]
    NotGranted {
        /// The plugin, or `plugin.policy`.
        policy: String,
    },
    /// A policy failed or panicked.
    #[error("refused: policy '{policy}' gave no decision: {problem}")]
    Failed {
        /// The policy.
        policy: String,
        /// Its error.
        problem: String,
    },
    /// A policy did not answer in time.
    #[error("refused: policy '{policy}' gave no decision within {limit:?}")]
    TooSlow {
        /// The policy.
        policy: String,
        /// The limit.
        limit: Duration,
    },
    /// A policy's restriction makes no sense.
    #[error("refused: policy '{policy}' restricts {table} by what cannot be: {problem}")]
    Nonsense {
        /// The policy.
        policy: String,
        /// The table, as the policy names it.
        table: String,
        /// What is wrong.
        problem: String,
    },
    /// Policies contradict each other.
    #[error(
        "refused: policies '{first}' and '{second}' mask column '{column}' of {table} differently"
    )]
    Conflict {
        /// One policy.
        first: String,
        /// Another.
        second: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The statement reaches a restricted table in a way that the restriction cannot follow.
    #[error("refused: {table} is restricted by policy '{policy}', and {problem}")]
    Unrestrictable {
        /// The policy.
        policy: String,
        /// The table.
        table: String,
        /// Why.
        problem: String,
    },
    /// Nobody can say what the statement would do.
    #[error("refused under policies: {problem}")]
    Ungovernable {
        /// Why.
        problem: String,
    },
}

impl PolicyRefusal {
    /// The refusal that an error is, if it is one.
    pub fn of(error: &DataFusionError) -> Option<&Self> {
        match error.find_root() {
            DataFusionError::External(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl From<PolicyRefusal> for DataFusionError {
    fn from(refusal: PolicyRefusal) -> Self {
        Self::External(Box::new(refusal))
    }
}
