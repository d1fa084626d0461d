//! Whether a plugin is in use, or in quarantine.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use datafusion::arrow::{array::TimestampSecondArray, util::display::array_value_to_string};
use datafusion_plugin_api::abi::{CallError, ErrorKind, shortened};

use crate::config::QuarantineConfig;

/// Why and since when a plugin is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantine {
    /// When it began.
    pub since: SystemTime,
    /// How many faults within what time, and the last of them.
    pub reason: String,
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "quarantined since {}: {}",
            utc(self.since).unwrap_or_default(),
            self.reason
        )
    }
}

/// A moment as text, to the second.
fn utc(moment: SystemTime) -> Option<String> {
    let seconds = moment.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let array = TimestampSecondArray::from(vec![i64::try_from(seconds).ok()?]);
    array_value_to_string(&array.with_timezone("UTC"), 0).ok()
}

/// Counts a plugin's panics and violations, and says when there were too many.
#[derive(Debug)]
pub(crate) struct Health {
    /// Read by every call, in a line of its own.
    quarantined: Flag,
    after: u32,
    within: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Flag(AtomicBool);

#[derive(Debug, Default)]
struct State {
    /// The latest faults, oldest first; never more than make a quarantine.
    recent: VecDeque<Instant>,
    quarantine: Option<Quarantine>,
}

impl Health {
    pub(crate) fn new(config: &QuarantineConfig) -> Self {
        Self {
            quarantined: Flag::default(),
            after: config.after,
            within: config.within(),
            state: Mutex::default(),
        }
    }

    #[inline]
    pub(crate) fn is_quarantined(&self) -> bool {
        self.quarantined.0.load(Relaxed)
    }

    /// Takes note of a panic or violation; the quarantine that begins with it.
    pub(crate) fn fault(&self, item: &str, error: &CallError) -> Option<Quarantine> {
        if self.after == 0 {
            return None;
        }
        let now = Instant::now();
        let mut state = self.lock();
        let State { recent, quarantine } = &mut *state;
        if quarantine.is_some() {
            return None;
        }
        recent.push_back(now);
        while recent
            .front()
            .is_some_and(|first| now.duration_since(*first) > self.within)
        {
            recent.pop_front();
        }
        if recent.len() < self.after as usize {
            return None;
        }
        recent.clear();
        let begun = Quarantine {
            since: SystemTime::now(),
            reason: format!(
                "{} panics and violations of the contract within {:?}, the last in '{item}': {}",
                self.after,
                self.within,
                told(error)
            ),
        };
        *quarantine = Some(begun.clone());
        self.quarantined.0.store(true, Relaxed);
        Some(begun)
    }

    /// Ends the quarantine and forgets what led to it; whether there was one.
    pub(crate) fn reset(&self) -> bool {
        let mut state = self.lock();
        self.quarantined.0.store(false, Relaxed);
        std::mem::take(&mut *state).quarantine.is_some()
    }

    pub(crate) fn quarantine(&self) -> Option<Quarantine> {
        self.lock().quarantine.clone()
    }

    /// The answer of a plugin that is in quarantine.
    #[cold]
    pub(crate) fn refusal(&self) -> CallError {
        let message = match self.quarantine() {
            Some(quarantine) => format!("the plugin is {quarantine}"),
            // It was reset between two looks.
            None => "the plugin was in quarantine until now".to_owned(),
        };
        CallError::not_called(message)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error without the plugin's name, which stands before it.
fn told(error: &CallError) -> String {
    match error.kind() {
        ErrorKind::Panic => {
            let origin = error.origin();
            let (method, location) = (&origin.method, &origin.location);
            shortened(&format!(
                "panic in {method} at {location}: {}",
                error.message()
            ))
        }
        _ => shortened(error.message()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::thread;

    use super::*;

    fn health(after: u32, within_ms: u64) -> Health {
        let mut config = QuarantineConfig::default();
        (config.after, config.within_ms) = (after, within_ms);
        Health::new(&config)
    }

    fn fault(health: &Health) -> Option<Quarantine> {
        health.fault("f", &CallError::contract("returned 3 rows, expected 2"))
    }

    #[test]
    fn so_many_faults_within_the_time_are_too_many() {
        let health = health(3, 60_000);
        assert_eq!(fault(&health), None);
        assert_eq!(fault(&health), None);
        assert!(!health.is_quarantined());
        let begun = fault(&health).unwrap();
        assert!(health.is_quarantined());
        assert_eq!(
            begun.reason,
            "3 panics and violations of the contract within 60s, the last in 'f': \
             returned 3 rows, expected 2"
        );
        // One that was under way when the quarantine began.
        assert_eq!(fault(&health), None);
        assert_eq!(health.quarantine(), Some(begun));
    }

    #[test]
    fn faults_are_forgotten_with_time() {
        let health = health(2, 20);
        for _ in 0..5 {
            assert_eq!(fault(&health), None);
            thread::sleep(Duration::from_millis(40));
        }
    }

    #[test]
    fn a_reset_begins_anew() {
        let health = health(2, 60_000);
        assert!(!health.reset());
        fault(&health);
        assert!(fault(&health).is_some());
        assert!(health.reset() && !health.is_quarantined());
        assert_eq!(fault(&health), None);
        assert!(fault(&health).is_some());
    }

    /// Guards that what a plugin says is not kept at any length.
    #[test]
    fn a_long_reason_is_cut() {
        for kind in [ErrorKind::Contract, ErrorKind::Panic] {
            let error = CallError::new(kind, "y".repeat(1 << 20));
            let begun = health(1, 60_000).fault("f", &error).unwrap();
            assert!(begun.reason.contains("yyy"), "{kind:?}");
            assert!(begun.reason.len() < 5_000, "{}", begun.reason.len());
        }
    }

    #[test]
    fn nought_is_never() {
        let health = health(0, 60_000);
        assert!((0..100).all(|_| fault(&health).is_none()));
    }

    #[test]
    fn a_refusal_tells_why_and_since_when() {
        let health = health(1, 60_000);
        health.fault("f", &CallError::contract("no"));
        let refusal = health.refusal();
        assert!(refusal.is_not_called());
        let message = refusal.message();
        let parts: Vec<_> = message.splitn(2, "Z: ").collect();
        assert!(
            parts[0].starts_with("the plugin is quarantined since 20"),
            "{message}"
        );
        assert!(
            parts[1].contains("within 60s, the last in 'f': no"),
            "{message}"
        );
    }
}
