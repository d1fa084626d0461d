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

/// More bytes than a process has: below it, what the host and a session's pool add up of many plugins does not
/// overflow.
pub(crate) const MOST_BYTES: usize = usize::MAX >> 8;

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
        let limit = self.memory.unwrap_or(MOST_BYTES);
        self.take(bytes, limit)
            .map(drop)
            .map_err(|reserved| exceeds(bytes, reserved, limit))
    }

    /// Takes bytes that cannot be refused; why they are too many for the plugin, if they are.
    ///
    /// # Errors
    /// When there cannot be so many.
    pub(crate) fn reserve_anyway(&self, bytes: usize) -> Result<Option<CallError>, CallError> {
        let reserved = self.take(bytes, MOST_BYTES).map_err(|reserved| {
            let message = "more bytes than a process has, beside the";
            CallError::contract(format!(
                "reserves {bytes} bytes: {message} {reserved} it has"
            ))
        })?;
        let limit = self.memory.unwrap_or(MOST_BYTES);
        let exceeded = reserved + bytes > limit;
        Ok(exceeded.then(|| exceeds(bytes, reserved, limit)))
    }

    /// How many there were before, or that there are too many.
    fn take(&self, bytes: usize, limit: usize) -> Result<usize, usize> {
        let limit = limit.min(MOST_BYTES);
        let within = |reserved: usize| {
            let more = reserved.checked_add(bytes)?;
            (more <= limit).then_some(more)
        };
        self.reserved.fetch_update(Relaxed, Relaxed, within)
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.reserved.fetch_sub(bytes, Relaxed);
    }

    /// How much there may be in all.
    pub(crate) fn memory(&self) -> Option<usize> {
        self.memory
    }
}

fn exceeds(bytes: usize, reserved: usize, limit: usize) -> CallError {
    CallError::new(
        ErrorKind::ResourcesExhausted,
        format!(
            "{bytes} more bytes than the {reserved} that the plugin has reserved would \
             exceed its limit of {limit}"
        ),
    )
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
