//! Threads on which a plugin's calls can be waited for no longer than a limit: a call cannot be
//! stopped, but it can be left behind.

use std::{
    collections::VecDeque,
    fmt, io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use thiserror::Error;

/// Why a call has no answer.
#[derive(Debug, Error)]
pub(crate) enum NoAnswer {
    /// It took longer than its limit. It may go on.
    #[error("no answer within {0:?}")]
    TooSlow(Duration),
    /// Its thread ended.
    #[error("its thread ended")]
    Ended,
    /// There is no thread for it.
    #[error("no thread: {0}")]
    NoThread(#[source] io::Error),
}

/// Threads that are started when they are needed, up to a number. When all of them are stuck, calls
/// wait until one comes back, or their time is up.
pub(crate) struct Threads {
    name: String,
    most: usize,
    shared: Arc<Shared>,
    /// Others, as many, that drop: it has to be done when all calls are stuck, too.
    drops: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
    started: usize,
    closed: bool,
}

struct Job {
    run: Box<dyn FnOnce() + Send>,
    given_up: Arc<AtomicBool>,
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("name", &self.name)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl Threads {
    /// Up to `most` threads of this name.
    pub(crate) fn new(name: String, most: usize) -> Self {
        Self {
            name,
            most,
            shared: Arc::default(),
            drops: Arc::default(),
        }
    }

    /// Runs `call` and waits for it as long as `limit`.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (reply, answer) = mpsc::channel();
        let given_up = self.start(move || {
            // Nobody waits any more when the time was up: nothing to tell then.
            drop(reply.send(call()));
        })?;
        match answer.recv_timeout(limit) {
            Ok(answer) => Ok(answer),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.give_up(&given_up);
                Err(NoAnswer::TooSlow(limit))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(NoAnswer::Ended),
        }
    }

    /// Starts `call` without waiting for it; what it is given up by.
    pub(crate) fn start(
        &self,
        call: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<AtomicBool>, NoAnswer> {
        let given_up = Arc::new(AtomicBool::new(false));
        let job = Job {
            run: Box::new(call),
            given_up: Arc::clone(&given_up),
        };
        self.shared.start(job, &self.name, self.most)?;
        Ok(given_up)
    }

    /// Drops elsewhere what calls the plugin when it is dropped, and may block there. Where there is no thread, it is
    /// dropped here.
    pub(crate) fn dispose(&self, value: impl Send + 'static) {
        let job = Job {
            run: Box::new(move || drop(value)),
            given_up: Arc::default(),
        };
        drop(self.drops.start(job, &self.name, self.most));
    }

    /// Does not begin with a call that nobody waits for.
    pub(crate) fn give_up(&self, call: &AtomicBool) {
        call.store(true, Relaxed);
        let mut queue = self.shared.lock();
        let (kept, given_up) = std::mem::take(&mut queue.jobs)
            .into_iter()
            .partition(|job: &Job| !job.given_up.load(Relaxed));
        queue.jobs = kept;
        drop(queue);
        // What they hold may call the plugin when it is dropped.
        let given_up: VecDeque<Job> = given_up;
        if !given_up.is_empty() {
            self.dispose(given_up);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for shared in [&self.shared, &self.drops] {
            shared.lock().closed = true;
            shared.wake.notify_all();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Self>, job: Job, name: &str, most: usize) -> Result<(), NoAnswer> {
        let mut queue = self.lock();
        queue.jobs.push_back(job);
        if queue.idle < queue.jobs.len() && queue.started < most {
            let shared = Arc::clone(self);
            let thread = thread::Builder::new().name(name.to_owned());
            match thread.spawn(move || shared.work()) {
                Ok(_) => queue.started += 1,
                // Another thread may take the job; else it is too late in time.
                Err(_) if queue.started > 0 => {}
                Err(error) => {
                    let job = queue.jobs.pop_back();
                    drop(queue);
                    // Outside the lock: it may call the plugin.
                    drop(job);
                    return Err(NoAnswer::NoThread(error));
                }
            }
        }
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                if !job.given_up.load(Relaxed) {
                    // A panic is the host's own; whoever waits is told that the thread ended.
                    drop(panic::catch_unwind(AssertUnwindSafe(job.run)));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Instant;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_call_is_left_behind() {
        let threads = Threads::new("test".to_owned(), 2);
        let begun = Instant::now();
        let slow = || threads.run(SHORT, || thread::sleep(Duration::from_millis(600)));
        assert!(matches!(slow(), Err(NoAnswer::TooSlow(SHORT))));
        assert!(begun.elapsed() < Duration::from_millis(500));
        assert_eq!(threads.run(LONG, || 7).unwrap(), 7);
    }

    #[test]
    fn stuck_threads_come_back() {
        let threads = Threads::new("test".to_owned(), 1);
        let stuck = threads.run(SHORT, || thread::sleep(Duration::from_millis(300)));
        assert!(stuck.is_err());
        assert!(threads.run(SHORT, || 1).is_err());
        assert_eq!(threads.run(LONG, || 2).unwrap(), 2);
    }

    /// Guards that a call that was given up before it began is not dropped by who gave it up.
    #[test]
    fn what_is_given_up_is_dropped_elsewhere() {
        struct Slow(mpsc::Sender<()>);
        impl Drop for Slow {
            fn drop(&mut self) {
                thread::sleep(Duration::from_millis(600));
                self.0.send(()).unwrap();
            }
        }
        let threads = Threads::new("test".to_owned(), 1);
        let (blocks, blocked) = mpsc::channel::<()>();
        let stuck = threads.run(SHORT, move || blocked.recv().is_err());
        assert!(stuck.is_err());
        let (dropped, drops) = mpsc::channel();
        let begun = Instant::now();
        let slow = Slow(dropped.clone());
        assert!(threads.run(SHORT, move || drop(slow)).is_err());
        threads.dispose(Slow(dropped));
        assert!(begun.elapsed() < Duration::from_millis(500));
        for _ in 0..2 {
            drops.recv_timeout(LONG).unwrap();
        }
        drop(blocks);
    }

    #[test]
    fn a_panic_ends_the_call_alone() {
        let threads = Threads::new("test".to_owned(), 1);
        let ended = threads.run(LONG, || panic::resume_unwind(Box::new("on purpose")));
        assert!(matches!(ended, Err::<(), _>(NoAnswer::Ended)));
        assert_eq!(threads.run(LONG, || 3).unwrap(), 3);
    }
}
