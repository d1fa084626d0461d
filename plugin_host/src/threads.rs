//! Threads on which a plugin's calls can be waited for no longer than a limit: a call cannot be
//! stopped, but it can be left behind.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt, io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
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
/// wait until one comes back, or their time is up. One that waits for the host ([`answering`]) is not among the number.
pub(crate) struct Threads {
    calls: Arc<Pool>,
    /// Others, as many, that drop: it has to be done when all calls are stuck, too.
    drops: Arc<Pool>,
}

struct Pool {
    name: String,
    most: usize,
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
    started: usize,
    /// How many of those started wait for the host.
    lent: usize,
    closed: bool,
}

struct Job {
    run: Box<dyn FnOnce() + Send>,
    call: Arc<Call>,
}

/// A call that was started: whether somebody waits for it, and how much of its time is over.
pub(crate) struct Call {
    given_up: AtomicBool,
    clock: Mutex<Clock>,
}

/// A clock that stands still while the host answers.
struct Clock {
    begun: Instant,
    /// In answers that are over.
    answering: Duration,
    /// Since when there is an answer under way.
    since: Option<Instant>,
}

thread_local! {
    /// What this thread is one of, and the call that it makes.
    static HERE: RefCell<Option<(Arc<Pool>, Arc<Call>)>> = const { RefCell::new(None) };
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("name", &self.calls.name)
            .field("most", &self.calls.most)
            .finish_non_exhaustive()
    }
}

impl Threads {
    /// Up to `most` threads of this name.
    pub(crate) fn new(name: String, most: usize) -> Self {
        Self {
            calls: Pool::new(name.clone(), most),
            drops: Pool::new(name, most),
        }
    }

    /// Runs `call` and waits for it as long as `limit`.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (reply, answer) = mpsc::channel();
        let call = self.start(move || {
            // Nobody waits any more when the time was up: nothing to tell then.
            drop(reply.send(call()));
        })?;
        self.hear(&call, limit, &answer)
    }

    /// Starts `call` without waiting for it.
    pub(crate) fn start(
        &self,
        call: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<Call>, NoAnswer> {
        let started = Arc::new(Call::new());
        let job = Job {
            run: Box::new(call),
            call: Arc::clone(&started),
        };
        self.calls.start(job)?;
        Ok(started)
    }

    /// The next of what a call says; it is given up once its time is over.
    pub(crate) fn hear<T>(
        &self,
        call: &Call,
        limit: Duration,
        says: &mpsc::Receiver<T>,
    ) -> Result<T, NoAnswer> {
        // Shorter waits are not worth while: the clock may stand still just before its end.
        const SHORTEST: Duration = Duration::from_millis(1);
        // A call of this plugin may be what waits here for another one.
        answering(|| {
            loop {
                let left = limit.saturating_sub(call.spent());
                match says.recv_timeout(left.max(SHORTEST)) {
                    Ok(said) => return Ok(said),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return Err(NoAnswer::Ended),
                    Err(mpsc::RecvTimeoutError::Timeout) if call.spent() < limit => {}
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        self.give_up(call);
                        return Err(NoAnswer::TooSlow(limit));
                    }
                }
            }
        })
    }

    /// Drops elsewhere what calls the plugin when it is dropped, and may block there. Where there is no thread, it is
    /// dropped here.
    pub(crate) fn dispose(&self, value: impl Send + 'static) {
        let job = Job {
            run: Box::new(move || drop(value)),
            call: Arc::new(Call::new()),
        };
        drop(self.drops.start(job));
    }

    /// Does not begin with a call that nobody waits for.
    pub(crate) fn give_up(&self, call: &Call) {
        call.given_up.store(true, Relaxed);
        let mut queue = self.calls.lock();
        let (kept, given_up) = std::mem::take(&mut queue.jobs)
            .into_iter()
            .partition(|job: &Job| !job.call.given_up.load(Relaxed));
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
        for pool in [&self.calls, &self.drops] {
            pool.lock().closed = true;
            pool.wake.notify_all();
        }
    }
}

impl Call {
    fn new() -> Self {
        let clock = Clock {
            begun: Instant::now(),
            answering: Duration::ZERO,
            since: None,
        };
        Self {
            given_up: AtomicBool::new(false),
            clock: Mutex::new(clock),
        }
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it has taken without the host.
    fn spent(&self) -> Duration {
        let clock = self.clock();
        let until = clock.since.unwrap_or_else(Instant::now);
        until
            .duration_since(clock.begun)
            .saturating_sub(clock.answering)
    }
}

/// Runs what the host answers on the thread of a plugin's call, or waits for it there. Meanwhile another thread may take
/// the place of this one, since the answer may need a call of the same plugin; and the call's time stands still.
pub(crate) fn answering<T>(answer: impl FnOnce() -> T) -> T {
    let _lent = Lent::begin();
    answer()
}

/// A thread while it waits for the host, or makes its answer. What is asked for within is a part of it.
struct Lent(Option<(Arc<Pool>, Arc<Call>)>);

impl Lent {
    fn begin() -> Self {
        // A thread that ends makes no call.
        let here = HERE.try_with(RefCell::take).ok().flatten();
        if let Some((pool, call)) = &here {
            call.clock().since = Some(Instant::now());
            let mut queue = pool.lock();
            queue.lent += 1;
            // Without a thread more, its place is taken once another call has ended.
            drop(pool.staff(&mut queue));
        }
        Self(here)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some((pool, call)) = self.0.take() else {
            return;
        };
        let mut queue = pool.lock();
        queue.lent -= 1;
        let wakes = pool.has_too_many(&queue);
        drop(queue);
        if wakes {
            pool.wake.notify_one();
        }
        let mut clock = call.clock();
        let since = clock.since.take();
        clock.answering += since.map_or(Duration::ZERO, |since| since.elapsed());
        drop(clock);
        HERE.set(Some((pool, call)));
    }
}

impl Pool {
    fn new(name: String, most: usize) -> Arc<Self> {
        Arc::new(Self {
            name,
            most,
            queue: Mutex::default(),
            wake: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Self>, job: Job) -> Result<(), NoAnswer> {
        let mut queue = self.lock();
        queue.jobs.push_back(job);
        // Else another thread may take the job, or it is too late in time.
        if let Err(error) = self.staff(&mut queue)
            && queue.started == 0
        {
            let job = queue.jobs.pop_back();
            drop(queue);
            // Outside the lock: it may call the plugin.
            drop(job);
            return Err(NoAnswer::NoThread(error));
        }
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    /// Starts a thread if there is a job for one more, and there may be one more.
    fn staff(self: &Arc<Self>, queue: &mut Queue) -> io::Result<()> {
        if queue.idle < queue.jobs.len() && queue.started < self.most + queue.lent {
            let pool = Arc::clone(self);
            let thread = thread::Builder::new().name(self.name.clone());
            thread.spawn(move || pool.work())?;
            queue.started += 1;
        }
        Ok(())
    }

    /// Whether one that took another's place has to go, now that the other is back.
    fn has_too_many(&self, queue: &Queue) -> bool {
        queue.started > self.most + queue.lent
    }

    fn work(self: &Arc<Self>) {
        let mut queue = self.lock();
        loop {
            if self.has_too_many(&queue) {
                queue.started -= 1;
                drop(queue);
                // What woke this thread may have been meant for a job.
                self.wake.notify_one();
                return;
            }
            if let Some(Job { run, call }) = queue.jobs.pop_front() {
                drop(queue);
                if call.given_up.load(Relaxed) {
                    // Outside the lock: it may call the plugin.
                    drop(run);
                } else {
                    HERE.set(Some((Arc::clone(self), call)));
                    // A panic is the host's own; whoever waits is told that the thread ended.
                    drop(panic::catch_unwind(AssertUnwindSafe(run)));
                    HERE.set(None);
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

    /// A call of so many within each other, on one pool.
    fn nested(threads: &Arc<Threads>, levels: u32) -> Result<u32, NoAnswer> {
        let inner = Arc::clone(threads);
        threads.run(LONG, move || match levels {
            1 => Ok(1),
            _ => nested(&inner, levels - 1).map(|found| found + 1),
        })?
    }

    /// Guards that calls that wait for others of their own plugin do not wait for ever.
    #[test]
    fn a_call_that_waits_for_another_lends_its_thread() {
        let threads = Arc::new(Threads::new("test".to_owned(), 2));
        let many: Vec<_> = (0..8)
            .map(|_| {
                let threads = Arc::clone(&threads);
                thread::spawn(move || nested(&threads, 20).unwrap())
            })
            .collect();
        for one in many {
            assert_eq!(one.join().unwrap(), 20);
        }
        // Those that took the places of others have gone.
        let gone = (0..100).any(|_| {
            thread::sleep(Duration::from_millis(20));
            let queue = threads.calls.lock();
            (queue.started, queue.lent) == (2, 0)
        });
        assert!(gone, "{}", threads.calls.lock().started);
        assert_eq!(nested(&threads, 3).unwrap(), 3);
    }

    /// Guards that no more calls than there are threads for are under way, whoever was lent before.
    #[test]
    fn a_thread_that_is_back_counts() {
        let threads = Threads::new("test".to_owned(), 1);
        assert_eq!(threads.run(LONG, || answering(|| 1)).unwrap(), 1);
        let stuck = threads.run(SHORT, || {
            answering(|| ());
            thread::sleep(Duration::from_millis(600));
        });
        assert!(stuck.is_err());
        assert!(threads.run(SHORT, || 1).is_err());
    }

    #[test]
    fn the_clock_stands_still_while_the_host_answers() {
        let threads = Threads::new("test".to_owned(), 1);
        let slow = || thread::sleep(Duration::from_millis(300));
        let limit = Duration::from_millis(150);
        let answered = threads.run(limit, move || {
            answering(|| answering(slow));
            answering(slow);
            7
        });
        assert_eq!(answered.unwrap(), 7);
        let begun = Instant::now();
        let blocks = move || {
            answering(slow);
            thread::sleep(Duration::from_secs(3));
        };
        assert!(matches!(
            threads.run(limit, blocks),
            Err(NoAnswer::TooSlow(_))
        ));
        let took = begun.elapsed();
        let expected = Duration::from_millis(450)..Duration::from_secs(2);
        assert!(expected.contains(&took), "{took:?}");
    }

    /// What is no call of a plugin's has no thread to lend.
    #[test]
    fn anybody_may_answer() {
        assert_eq!(answering(|| answering(|| 3)), 3);
    }

    #[test]
    fn a_panic_ends_the_call_alone() {
        let threads = Threads::new("test".to_owned(), 1);
        let ended = threads.run(LONG, || panic::resume_unwind(Box::new("on purpose")));
        assert!(matches!(ended, Err::<(), _>(NoAnswer::Ended)));
        assert_eq!(threads.run(LONG, || 3).unwrap(), 3);
    }
}
