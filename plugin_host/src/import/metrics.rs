//! What is counted of each item of a plugin.

mod slot;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use slot::{Slot, slots};

use super::limits::MOST_BYTES;

/// So many calls of an item per thread are timed one by one.
const TIMED: u64 = 64;
/// Of those that follow, one in so many is: two looks at the clock cost more than all counting.
const ONE_IN: u64 = 8;

/// Counters of one item, shared by all sessions.
///
/// Calls are counted per thread, in lines of its own, so that threads do not fight over them.
#[derive(Debug)]
pub(crate) struct ItemMetrics {
    threads: Box<[Calls]>,
    /// Of threads that came when all lines had an owner.
    others: Calls,
    faults: Faults,
}

/// What a thread's calls add up to.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Calls {
    calls: AtomicU64,
    batches: AtomicU64,
    rows: AtomicU64,
    nanoseconds: AtomicU64,
}

/// What is seldom counted.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Faults {
    errors: AtomicU64,
    panics: AtomicU64,
    violations: AtomicU64,
    uncarried: AtomicU64,
    refused: AtomicU64,
    reserved: AtomicU64,
    reserved_peak: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Calls on data: of a scalar function, updates and merges of an accumulator, polls of a stream,
    /// decisions of a policy, rewrites of a rule, ...
    pub calls: u64,
    /// Batches that were handed over in those calls.
    pub batches: u64,
    /// Rows in those batches.
    pub rows: u64,
    /// Time spent in the calls, crossing included. Each thread times its first 64 calls of an item,
    /// then one call in eight, which stands for the eight.
    pub nanoseconds: u64,
    /// Calls of any kind that failed, panics and violations among them.
    pub errors: u64,
    /// Panics that were contained.
    pub panics: u64,
    /// Answers that broke the contract.
    pub violations: u64,
    /// Plans that could not be carried to a rule, among the errors.
    pub uncarried: u64,
    /// Calls that were not made because the plugin is quarantined.
    pub refused: u64,
    /// Bytes reserved now: by scans in the host's memory pool, and held by accumulators.
    pub reserved_bytes: u64,
    /// The most bytes that were reserved at one time.
    pub reserved_bytes_peak: u64,
}

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The author's own error, or one of the arguments.
    Error,
    /// The author's code panicked.
    Panic,
    /// The answer is not what was promised.
    Violation,
    /// A plan that cannot be carried to the rule.
    Uncarried,
    /// There was no call: the plugin is quarantined.
    Refused,
}

/// The begin of a call on data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    since: Option<Instant>,
    stands_for: u32,
}

impl Begun {
    /// A call that is timed whatever came before.
    #[inline]
    pub(crate) fn timed() -> Self {
        Self {
            since: Some(Instant::now()),
            stands_for: 1,
        }
    }

    fn nanoseconds(self) -> Option<u64> {
        let elapsed = self.since?.elapsed().as_nanos();
        Some(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}

impl Default for ItemMetrics {
    fn default() -> Self {
        Self {
            threads: (0..slots()).map(|_| Calls::default()).collect(),
            others: Calls::default(),
            faults: Faults::default(),
        }
    }
}

impl ItemMetrics {
    /// The counters of this thread, and whether nobody else writes them.
    #[inline]
    fn here(&self) -> (&Calls, bool) {
        match Slot::here().and_then(|slot| self.threads.get(slot)) {
            Some(own) => (own, true),
            None => (&self.others, false),
        }
    }

    #[inline]
    pub(crate) fn begin(&self) -> Begun {
        let calls = self.here().0.calls.load(Relaxed);
        let stands_for = if calls < TIMED {
            1
        } else if calls.is_multiple_of(ONE_IN) {
            ONE_IN as u32
        } else {
            0
        };
        Begun {
            since: (stands_for > 0).then(Instant::now),
            stands_for,
        }
    }

    /// Counts a call on data; how long it took, where it was timed.
    #[inline]
    pub(crate) fn end(&self, begun: Begun, batches: u64, rows: usize) -> Option<u64> {
        let took = begun.nanoseconds();
        self.count(took, begun.stands_for, batches, rows);
        took
    }

    /// Counts a call on data that took so long, wherever it was made.
    pub(crate) fn took(&self, took: Duration, batches: u64, rows: usize) -> u64 {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.count(Some(took), 1, batches, rows);
        took
    }

    #[inline]
    fn count(&self, took: Option<u64>, stands_for: u32, batches: u64, rows: usize) {
        let (calls, own) = self.here();
        let add = |counter: &AtomicU64, more: u64| {
            if own {
                counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
            } else {
                counter.fetch_add(more, Relaxed);
            }
        };
        add(&calls.calls, 1);
        add(&calls.batches, batches);
        add(&calls.rows, rows as u64);
        if let Some(nanoseconds) = took {
            let nanoseconds = nanoseconds.saturating_mul(u64::from(stands_for));
            add(&calls.nanoseconds, nanoseconds);
        }
    }

    pub(crate) fn failed(&self, fault: Fault) {
        let Faults {
            errors,
            panics,
            violations,
            uncarried,
            refused,
            ..
        } = &self.faults;
        match fault {
            Fault::Refused => {
                refused.fetch_add(1, Relaxed);
                return;
            }
            Fault::Panic => {
                panics.fetch_add(1, Relaxed);
            }
            Fault::Violation => {
                violations.fetch_add(1, Relaxed);
            }
            Fault::Uncarried => {
                uncarried.fetch_add(1, Relaxed);
            }
            Fault::Error => {}
        }
        errors.fetch_add(1, Relaxed);
    }

    pub(crate) fn reserve(&self, bytes: usize) {
        let bytes = bytes as u64;
        let now = self.faults.reserved.fetch_add(bytes, Relaxed) + bytes;
        self.faults.reserved_peak.fetch_max(now, Relaxed);
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.faults.reserved.fetch_sub(bytes as u64, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> MetricsSnapshot {
        let sum = |counter: fn(&Calls) -> &AtomicU64| {
            let all = self.threads.iter().chain([&self.others]);
            all.map(|calls| counter(calls).load(Relaxed)).sum()
        };
        let faults = &self.faults;
        MetricsSnapshot {
            calls: sum(|calls| &calls.calls),
            batches: sum(|calls| &calls.batches),
            rows: sum(|calls| &calls.rows),
            nanoseconds: sum(|calls| &calls.nanoseconds),
            errors: faults.errors.load(Relaxed),
            panics: faults.panics.load(Relaxed),
            violations: faults.violations.load(Relaxed),
            uncarried: faults.uncarried.load(Relaxed),
            refused: faults.refused.load(Relaxed),
            reserved_bytes: faults.reserved.load(Relaxed),
            reserved_bytes_peak: faults.reserved_peak.load(Relaxed),
        }
    }
}

/// Bytes that an object holds, counted of its item until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    metrics: Arc<ItemMetrics>,
    bytes: AtomicUsize,
}

impl Held {
    pub(crate) fn new(metrics: &Arc<ItemMetrics>) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Sets how many it holds now, as the plugin says.
    pub(crate) fn set(&self, bytes: usize) {
        let bytes = bytes.min(MOST_BYTES);
        let before = self.bytes.swap(bytes, Relaxed);
        if bytes > before {
            self.metrics.reserve(bytes - before);
        } else if bytes < before {
            self.metrics.give_back(before - bytes);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{sync::Barrier, thread};

    use super::*;

    /// More threads than there are lines, all at once, and then as many again in lines that were
    /// given back: no count may be lost.
    #[test]
    fn nothing_is_lost_between_threads() {
        let metrics = Arc::new(ItemMetrics::default());
        let threads = 3 * slots();
        for _ in 0..2 {
            let start = Arc::new(Barrier::new(threads));
            let counting = || {
                let (metrics, start) = (Arc::clone(&metrics), Arc::clone(&start));
                thread::spawn(move || {
                    start.wait();
                    for _ in 0..1000 {
                        let begun = metrics.begin();
                        metrics.end(begun, 1, 3);
                    }
                })
            };
            let counting: Vec<_> = (0..threads).map(|_| counting()).collect();
            for thread in counting {
                thread.join().unwrap();
            }
        }
        let MetricsSnapshot {
            calls,
            batches,
            rows,
            ..
        } = metrics.snapshot();
        let expected = 2 * threads as u64 * 1000;
        assert_eq!((calls, batches, rows), (expected, expected, 3 * expected));
    }

    /// Calls past the first 64 are timed one in eight; the sum has to stand for all of them.
    #[test]
    fn sampled_time_stands_for_all_calls() {
        let metrics = ItemMetrics::default();
        for _ in 0..TIMED + 80 {
            let begun = metrics.begin();
            thread::sleep(Duration::from_millis(1));
            metrics.end(begun, 1, 1);
        }
        let nanoseconds = metrics.snapshot().nanoseconds;
        let least = (TIMED + 80) * 1_000_000;
        assert!(
            (least..4 * least).contains(&nanoseconds),
            "{nanoseconds} for {least}"
        );
    }

    #[test]
    fn a_peak_outlasts_what_was_given_back() {
        let metrics = ItemMetrics::default();
        metrics.reserve(100);
        metrics.give_back(40);
        metrics.reserve(10);
        let MetricsSnapshot {
            reserved_bytes,
            reserved_bytes_peak,
            ..
        } = metrics.snapshot();
        assert_eq!((reserved_bytes, reserved_bytes_peak), (70, 100));
    }
}
