//! What a plugin may take: time of planning and of streams, and memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::available_parallelism,
    time::Duration,
};

use datafusion_plugin_api::abi::{CallError, ErrorKind};

use crate::{
    config::Config,
    threads::{NoAnswer, Threads},
};

/// The limits of one plugin, and what it has of them.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) planning: Option<Duration>,
    pub(crate) stream: Option<Duration>,
    pub(crate) policy: Duration,
    memory: Option<usize>,
    reserved: AtomicUsize,
    /// Where calls with a limit run; none are started before the first of them.
    pub(crate) threads: Arc<Threads>,
}

impl Limits {
    pub(crate) fn new(plugin: &str, config: &Config) -> Self {
        let limits = config.limits(plugin);
        let milliseconds = |limit: Option<u64>| limit.map(Duration::from_millis);
        Self {
            planning: milliseconds(limits.planning_ms),
            stream: milliseconds(limits.stream_ms),
            policy: milliseconds(limits.policy_ms).unwrap_or(config.policies.time_limit()),
            memory: limits.memory_bytes,
            reserved: AtomicUsize::new(0),
            threads: Arc::new(Threads::new(format!("plugin {plugin}"), most())),
        }
    }

    /// Takes bytes of the plugin's memory.
    ///
    /// # Errors
    /// When there are not so many left.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), CallError> {
        let Some(limit) = self.memory else {
            self.reserved.fetch_add(bytes, Relaxed);
            return Ok(());
        };
        let within = |reserved: usize| {
            let more = reserved.checked_add(bytes)?;
            (more <= limit).then_some(more)
        };
        let reserved = self.reserved.fetch_update(Relaxed, Relaxed, within);
        reserved.map(drop).map_err(|reserved| {
            CallError::new(
                ErrorKind::ResourcesExhausted,
                format!(
                    "{bytes} more bytes than the {reserved} that the plugin has reserved would \
                     exceed its limit of {limit}"
                ),
            )
        })
    }

    /// Takes bytes that cannot be refused.
    pub(crate) fn reserve_anyway(&self, bytes: usize) {
        self.reserved.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.reserved.fetch_sub(bytes, Relaxed);
    }

    /// How much there may be in all.
    pub(crate) fn memory(&self) -> Option<usize> {
        self.memory
    }
}

/// Calls that block are few; those that compute have use for each processor.
fn most() -> usize {
    let processors = available_parallelism().map_or(1, usize::from);
    (2 * processors).max(8)
}

/// The error of a call that was left behind.
impl From<NoAnswer> for CallError {
    fn from(error: NoAnswer) -> Self {
        Self::new(ErrorKind::Execution, error.to_string())
    }
}
