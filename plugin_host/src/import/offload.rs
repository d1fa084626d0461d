//! Polling what a plugin has under way on threads of its own, with a limit of time.
//!
//! A poll that blocks keeps one of these threads; the host's executor only waits for it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::AcqRel},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::{channel::oneshot, task::AtomicWaker};
use tokio::time::{Sleep, sleep};

use crate::threads::{Call, NoAnswer, Threads};

/// Something of a plugin's that is polled elsewhere, and dropped there. Dropped while a poll is under way, it is
/// gone once that comes back.
pub(crate) struct Offloaded<S: Send + 'static, T: Send + 'static> {
    threads: Arc<Threads>,
    limit: Duration,
    poll: fn(&mut S, &mut Context<'_>) -> Poll<T>,
    place: Place<S, T>,
    woken: Arc<Woken>,
    /// Runs from the first poll for an answer to the answer.
    timer: Option<Pin<Box<Sleep>>>,
}

enum Place<S, T> {
    Here(S),
    Away(oneshot::Receiver<(S, Poll<T>)>, Arc<Call>),
    /// It did not answer.
    Lost,
}

/// What the plugin is given to wake: a wake-up during a poll must not be lost.
#[derive(Default)]
struct Woken {
    flag: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.flag.swap(true, AcqRel);
        self.task.wake();
    }
}

impl<S: Send + 'static, T: Send + 'static> fmt::Debug for Offloaded<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offloaded")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<S: Send + 'static, T: Send + 'static> Offloaded<S, T> {
    pub(crate) fn new(
        threads: &Arc<Threads>,
        limit: Duration,
        state: S,
        poll: fn(&mut S, &mut Context<'_>) -> Poll<T>,
    ) -> Self {
        Self {
            threads: Arc::clone(threads),
            limit,
            poll,
            place: Place::Here(state),
            woken: Arc::default(),
            timer: None,
        }
    }

    /// The next answer. After an error there is none.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<T, NoAnswer>> {
        loop {
            let answered = match std::mem::replace(&mut self.place, Place::Lost) {
                Place::Lost => return Poll::Ready(Err(NoAnswer::Ended)),
                Place::Here(state) => {
                    self.woken.task.register(context.waker());
                    self.woken.flag.swap(false, AcqRel);
                    if let Err(error) = self.send(state) {
                        return Poll::Ready(Err(error));
                    }
                    continue;
                }
                Place::Away(mut answer, call) => match Pin::new(&mut answer).poll(context) {
                    Poll::Pending => {
                        self.place = Place::Away(answer, call);
                        return self.waits(context);
                    }
                    Poll::Ready(answered) => answered,
                },
            };
            match answered {
                Err(oneshot::Canceled) => return Poll::Ready(Err(NoAnswer::Ended)),
                Ok((state, Poll::Ready(value))) => {
                    self.place = Place::Here(state);
                    self.timer = None;
                    return Poll::Ready(Ok(value));
                }
                Ok((state, Poll::Pending)) => {
                    self.place = Place::Here(state);
                    self.woken.task.register(context.waker());
                    // It was woken while it was polled: there may be an answer now.
                    if !self.woken.flag.swap(false, AcqRel) {
                        return self.waits(context);
                    }
                }
            }
        }
    }

    fn send(&mut self, mut state: S) -> Result<(), NoAnswer> {
        let (reply, answer) = oneshot::channel();
        let (poll, woken) = (self.poll, Waker::from(Arc::clone(&self.woken)));
        let call = self.threads.start(move || {
            let polled = poll(&mut state, &mut Context::from_waker(&woken));
            // Nobody waits any more: what was polled is dropped here.
            drop(reply.send((state, polled)));
        })?;
        self.place = Place::Away(answer, call);
        Ok(())
    }

    /// There is no answer yet: until when there has to be one.
    fn waits(&mut self, context: &mut Context<'_>) -> Poll<Result<T, NoAnswer>> {
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.leave();
        Poll::Ready(Err(NoAnswer::TooSlow(limit)))
    }
}

impl<S: Send + 'static, T: Send + 'static> Offloaded<S, T> {
    fn leave(&mut self) {
        match std::mem::replace(&mut self.place, Place::Lost) {
            Place::Lost => {}
            Place::Here(state) => self.threads.dispose(state),
            Place::Away(mut answer, call) => {
                self.threads.give_up(&call);
                answer.close();
                // It may have come before.
                if let Ok(Some(answer)) = answer.try_recv() {
                    self.threads.dispose(answer);
                }
            }
        }
    }
}

impl<S: Send + 'static, T: Send + 'static> Drop for Offloaded<S, T> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{future::poll_fn, thread, time::Instant};

    use super::*;

    fn threads() -> Arc<Threads> {
        Arc::new(Threads::new("test".to_owned(), 2))
    }

    /// Guards that a wake-up that comes while the poll is under way is not lost.
    #[tokio::test]
    async fn woken_while_polled() {
        let poll = |polls: &mut u32, context: &mut Context<'_>| {
            *polls += 1;
            if polls.is_multiple_of(3) {
                return Poll::Ready(*polls);
            }
            context.waker().wake_by_ref();
            thread::sleep(Duration::from_millis(2));
            Poll::Pending
        };
        let mut offloaded = Offloaded::new(&threads(), Duration::from_secs(20), 0, poll);
        for expected in 1..=100 {
            let found = poll_fn(|context| offloaded.poll(context)).await.unwrap();
            assert_eq!(found, 3 * expected);
        }
    }

    #[tokio::test]
    async fn a_blocked_poll_does_not_block() {
        let poll = |_: &mut (), _: &mut Context<'_>| {
            thread::sleep(Duration::from_secs(1));
            Poll::Ready(())
        };
        let limit = Duration::from_millis(50);
        let mut offloaded = Offloaded::new(&threads(), limit, (), poll);
        let begun = Instant::now();
        let ticks = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            begun.elapsed()
        };
        let (answer, ticked) = futures::join!(poll_fn(|context| offloaded.poll(context)), ticks);
        assert!(matches!(answer, Err(NoAnswer::TooSlow(_))));
        assert!(ticked < Duration::from_millis(500), "{ticked:?}");
        // There is nothing to poll any more.
        assert!(poll_fn(|context| offloaded.poll(context)).await.is_err());
    }

    /// Sleeps when it is dropped, and tells of it.
    struct Slow(std::sync::mpsc::Sender<()>);

    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(600));
            self.0.send(()).unwrap();
        }
    }

    #[tokio::test]
    async fn a_blocked_drop_does_not_block() {
        let threads = threads();
        let poll = |_: &mut Slow, _: &mut Context<'_>| Poll::Ready(());
        let limit = Duration::from_secs(20);
        let (tell, told) = std::sync::mpsc::channel();
        let begun = Instant::now();
        // Never polled, answered, and with an answer that nobody has taken.
        for polls in 0..3 {
            let mut offloaded = Offloaded::new(&threads, limit, Slow(tell.clone()), poll);
            match polls {
                0 => {}
                1 => poll_fn(|context| offloaded.poll(context)).await.unwrap(),
                _ => {
                    let once = poll_fn(|context| Poll::Ready(offloaded.poll(context)));
                    drop(once.await);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        assert!(begun.elapsed() < Duration::from_millis(500));
        for _ in 0..3 {
            told.recv_timeout(limit).unwrap();
        }
    }

    #[tokio::test]
    async fn the_limit_is_for_each_answer() {
        let poll = |_: &mut (), _: &mut Context<'_>| {
            thread::sleep(Duration::from_millis(40));
            Poll::Ready(())
        };
        let limit = Duration::from_millis(400);
        let mut offloaded = Offloaded::new(&threads(), limit, (), poll);
        for _ in 0..20 {
            poll_fn(|context| offloaded.poll(context)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn never_woken_is_too_slow() {
        let limit = Duration::from_millis(30);
        let mut offloaded: Offloaded<(), ()> =
            Offloaded::new(&threads(), limit, (), |_, _| Poll::Pending);
        let answer = poll_fn(|context| offloaded.poll(context)).await;
        assert!(matches!(answer, Err(NoAnswer::TooSlow(_))));
    }
}
