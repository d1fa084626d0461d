//! Numbers for threads: a number has one thread at a time.

use std::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Release},
};

/// So many threads have a number at one time; the others do without.
pub(super) const SLOTS: usize = 16;

/// One bit for each number that a thread has.
static TAKEN: AtomicU32 = AtomicU32::new(0);

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
        let free = |taken: u32| {
            let slot = taken.trailing_ones();
            ((slot as usize) < SLOTS).then_some(slot)
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

    use std::{thread, time::Duration};

    use super::*;

    fn of_a_new_thread() -> Option<usize> {
        thread::spawn(Slot::here).join().unwrap()
    }

    #[test]
    fn numbers_come_back() {
        for _ in 0..10 * SLOTS {
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
}
