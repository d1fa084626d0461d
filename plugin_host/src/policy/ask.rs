//! Asking a policy, with a limit of time.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use datafusion_plugin_api::abi::{CallError, message::PolicyDecision};

use crate::import::policy::ImportedPolicy;

use super::PolicyRefusal;

/// Threads that one policy may keep busy. When all of them are stuck, statements are refused.
const WORKERS: usize = 8;

/// A policy with threads of its own: one that blocks keeps only these.
#[derive(Debug)]
pub(super) struct Asked {
    policy: Arc<ImportedPolicy>,
    name: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
    workers: usize,
    closed: bool,
}

#[derive(Debug)]
struct Job {
    facts: Arc<[u8]>,
    reply: mpsc::Sender<Result<PolicyDecision, CallError>>,
    given_up: Arc<AtomicBool>,
}

impl Asked {
    pub(super) fn new(policy: Arc<ImportedPolicy>) -> Self {
        let origin = policy.origin();
        Self {
            name: format!("{}.{}", origin.plugin().name(), origin.item()),
            policy,
            shared: Arc::default(),
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
    pub(super) fn ask(
        &self,
        facts: &Arc<[u8]>,
        limit: Duration,
    ) -> Result<PolicyDecision, PolicyRefusal> {
        let (reply, answer) = mpsc::channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let job = Job {
            facts: Arc::clone(facts),
            reply,
            given_up: Arc::clone(&given_up),
        };
        self.submit(job)?;
        match answer.recv_timeout(limit) {
            Ok(decision) => decision.map_err(|error| self.failed(error.to_string())),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                given_up.store(true, Ordering::Relaxed);
                let mut queue = self.shared.lock();
                queue
                    .jobs
                    .retain(|job| !job.given_up.load(Ordering::Relaxed));
                drop(queue);
                Err(PolicyRefusal::TooSlow {
                    policy: self.name.clone(),
                    limit,
                })
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(self.failed("its thread ended".to_owned()))
            }
        }
    }

    fn submit(&self, job: Job) -> Result<(), PolicyRefusal> {
        let mut queue = self.shared.lock();
        queue.jobs.push_back(job);
        if queue.idle < queue.jobs.len() && queue.workers < WORKERS {
            let shared = Arc::clone(&self.shared);
            let policy = Arc::clone(&self.policy);
            let started = thread::Builder::new()
                .name(format!("policy {}", self.name))
                .spawn(move || shared.work(&policy));
            match started {
                Ok(_) => queue.workers += 1,
                // Another worker may take the job; else it is too late in time.
                Err(_) if queue.workers > 0 => {}
                Err(error) => {
                    queue.jobs.pop_back();
                    return Err(self.failed(format!("no thread: {error}")));
                }
            }
        }
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    fn failed(&self, problem: String) -> PolicyRefusal {
        PolicyRefusal::Failed {
            policy: self.name.clone(),
            problem,
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, policy: &ImportedPolicy) {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                if !job.given_up.load(Ordering::Relaxed) {
                    // Nobody waits any more when the time was up: nothing to tell then.
                    drop(job.reply.send(policy.decide(&job.facts)));
                }
                queue = self.lock();
            } else if queue.closed {
                return;
            } else {
                queue.idle += 1;
                queue = self
                    .wake
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }
}
