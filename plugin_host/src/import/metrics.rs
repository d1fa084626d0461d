//! What is counted of each item of a plugin.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// Counters of one item, shared by all sessions.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct ItemMetrics {
    calls: AtomicU64,
    rows: AtomicU64,
    nanoseconds: AtomicU64,
    errors: AtomicU64,
    panics: AtomicU64,
    uncarried: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Calls on data: batches of a scalar function, updates and merges of an accumulator, ...
    pub calls: u64,
    /// Rows handed over in those calls.
    pub rows: u64,
    /// Time spent in them, crossing included.
    pub nanoseconds: u64,
    /// Calls of any kind that failed, panics among them.
    pub errors: u64,
    /// Panics that were contained.
    pub panics: u64,
    /// Plans that could not be carried to a rule, among the errors.
    pub uncarried: u64,
}

impl ItemMetrics {
    /// Counts a call on data that began at `since`.
    #[inline]
    pub(crate) fn called(&self, rows: usize, since: Instant) {
        self.calls.fetch_add(1, Relaxed);
        self.rows.fetch_add(rows as u64, Relaxed);
        let elapsed = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(elapsed, Relaxed);
    }

    pub(crate) fn failed(&self, panicked: bool) {
        self.errors.fetch_add(1, Relaxed);
        self.panics.fetch_add(u64::from(panicked), Relaxed);
    }

    /// Counts a plan that cannot be carried.
    pub(crate) fn uncarried(&self) {
        self.failed(false);
        self.uncarried.fetch_add(1, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            calls: self.calls.load(Relaxed),
            rows: self.rows.load(Relaxed),
            nanoseconds: self.nanoseconds.load(Relaxed),
            errors: self.errors.load(Relaxed),
            panics: self.panics.load(Relaxed),
            uncarried: self.uncarried.load(Relaxed),
        }
    }
}
