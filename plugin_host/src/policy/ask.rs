//! Asking a policy, with a limit of time.

use std::{sync::Arc, time::Duration};

use datafusion_plugin_api::abi::message::PolicyDecision;

use super::PolicyRefusal;
use crate::{
    import::{metrics::Fault, policy::ImportedPolicy},
    threads::{NoAnswer, Threads},
};

/// Threads that one policy may keep busy. When all of them are stuck, statements are refused.
const WORKERS: usize = 8;

/// A policy with threads of its own: one that blocks keeps only these.
#[derive(Debug)]
pub(super) struct Asked {
    policy: Arc<ImportedPolicy>,
    name: String,
    threads: Threads,
}

impl Asked {
    pub(super) fn new(policy: Arc<ImportedPolicy>) -> Self {
        let origin = policy.origin();
        let name = format!("{}.{}", origin.plugin().name(), origin.item());
        Self {
            threads: Threads::new(format!("policy {name}"), WORKERS),
            name,
            policy,
        }
    }

    /// The policy, as `plugin.policy`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn policy(&self) -> &ImportedPolicy {
        &self.policy
    }

    /// The decision on `facts`, JSON of `StatementFacts`.
    pub(super) fn ask(&self, facts: &Arc<[u8]>) -> Result<PolicyDecision, PolicyRefusal> {
        let limit = self.limit();
        let (policy, facts) = (Arc::clone(&self.policy), Arc::clone(facts));
        match self.threads.run(limit, move || policy.decide(&facts)) {
            Ok(decision) => decision.map_err(|error| self.failed(error.to_string())),
            Err(NoAnswer::TooSlow(limit)) => {
                self.policy.origin().metrics().failed(Fault::Error);
                Err(PolicyRefusal::TooSlow {
                    policy: self.name.clone(),
                    limit,
                })
            }
            Err(error) => Err(self.failed(error.to_string())),
        }
    }

    fn limit(&self) -> Duration {
        self.policy.origin().plugin().limits().policy
    }

    fn failed(&self, problem: String) -> PolicyRefusal {
        PolicyRefusal::Failed {
            policy: self.name.clone(),
            problem,
        }
    }
}
