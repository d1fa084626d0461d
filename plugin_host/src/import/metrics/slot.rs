//! Numbers for threads: a number has one thread at a time.

use std::{
    sync::{
        LazyLock,
        atomic::{
            AtomicU64,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
    thread::available_parallelism,
};

/// Fewer are not worth while: a runtime has other threads than its workers.
const FEWEST: usize = 16;
/// A bit each. Every item has a line of memory for each number.
const MOST: usize = u64::BITS as usize;

/// One bit for each number that a thread has.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// How many threads have a number at one time; the others do without.
pub(super) fn slots() -> usize {
    static SLOTS: LazyLock<usize> =
        LazyLock::new(|| of_processors(available_parallelism().map_or(1, usize::from)));
    *SLOTS
}

/// A worker for each processor, and as many threads beside them.
fn of_processors(processors: usize) -> usize {
    processors.saturating_mul(2).clamp(FEWEST, MOST)
}

thread_local! {
    static HERE: Slot = Slot::take();
}

/// A thread's number, given back when the thread ends.
pub(super) struct Slot(Option<u32>);

impl Slot {
    /// The number of this thread; none when all are taken, and while the thread is torn down.
    #[inline]
    pub(super) fn here() -> Option<usize> {
        HERE.try_with(|slot| slot.0).ok()?.map(|slot| slot as usize)
    }

    fn take() -> Self {
        let slots = slots();
        let free = |taken: u64| {
            let slot = taken.trailing_ones();
            ((slot as usize) < slots).then_some(slot)
        };
        // What the last owner wrote without contention is seen by the next one.
        let taken = TAKEN.fetch_update(AcqRel, Acquire, |taken| Some(taken | 1 << free(taken)?));
        Self(taken.ok().and_then(free))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            TAKEN.fetch_and(!(1 << slot), Release);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{sync::Barrier, thread, time::Duration};

    use super::*;

    fn of_a_new_thread() -> Option<usize> {
        thread::spawn(Slot::here).join().unwrap()
    }

    #[test]
    fn numbers_come_back() {
        for _ in 0..10 * slots() {
            of_a_new_thread();
        }
        // Other tests' threads may have all of them for the moment.
        let came_back = (0..1000).any(|_| {
            let slot = of_a_new_thread();
            if slot.is_none() {
                thread::sleep(Duration::from_millis(10));
            }
            slot.is_some()
        });
        assert!(came_back);
    }

    #[test]
    fn as_many_as_there_is_use_for() {
        let found = [1, 8, 9, 32, 33, usize::MAX].map(of_processors);
        assert_eq!(found, [16, 16, 18, 64, 64, 64]);
    }

    /// More threads at once than there are numbers.
    #[test]
    fn numbers_are_of_one_thread_each() {
        let threads = slots() + 8;
        let all = Barrier::new(threads);
        let mut found: Vec<usize> = thread::scope(|scope| {
            let of_a_thread = || {
                let slot = Slot::here();
                all.wait();
                slot
            };
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(of_a_thread)).collect();
            let found = threads.into_iter().map(|thread| thread.join().unwrap());
            found.flatten().collect()
        });
        found.sort_unstable();
        let count = found.len();
        found.dedup();
        assert_eq!(found.len(), count, "{found:?}");
        assert!(found.iter().all(|slot| *slot < slots()), "{found:?}");
    }
}
