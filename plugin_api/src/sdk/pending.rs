//! Work of the author's that is under way.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::runtime;
use crate::abi::{CallError, HostWaker};

type Work<T> = Pin<Box<dyn Future<Output = Result<T, CallError>> + Send>>;

/// A future of the author's, polled and dropped inside the plugin's runtime. Dropping it cancels the
/// work.
pub(super) struct Pending<T>(Option<Work<T>>);

impl<T> Pending<T> {
    pub(super) fn new(work: impl Future<Output = Result<T, CallError>> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }

    /// Polls once.
    ///
    /// # Errors
    /// That of the work; a contract error when it has ended before, be it by a panic.
    pub(super) fn poll(&mut self, waker: HostWaker) -> Result<Poll<T>, CallError> {
        // Entered first, and so left last: the work is dropped inside the runtime too, whether it
        // ends, fails or panics.
        let _entered = runtime::enter()?;
        let Some(mut work) = self.0.take() else {
            return Err(CallError::contract("polled again after its end"));
        };
        match waker.with(|waker| work.as_mut().poll(&mut Context::from_waker(waker))) {
            Poll::Ready(result) => result.map(Poll::Ready),
            Poll::Pending => {
                self.0 = Some(work);
                Ok(Poll::Pending)
            }
        }
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        runtime::drop_inside(self.0.take());
    }
}
