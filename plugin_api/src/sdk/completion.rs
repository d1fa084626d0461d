//! A call of an async function that is under way.

use std::{future::Future, pin::Pin, task::Context};

use abi_stable::std_types::ROption;

use super::runtime;
use crate::abi::{CallError, Completion, HostWaker, Value};

type Work = Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send>>;

/// Polls the author's future inside the plugin's runtime; dropping it cancels the work there.
pub(super) struct Running {
    name: String,
    work: Option<Work>,
}

impl Running {
    pub(super) fn new(
        name: &str,
        work: impl Future<Output = Result<Value, CallError>> + Send + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            work: Some(Box::pin(work)),
        }
    }
}

impl Completion for Running {
    fn item(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, waker: HostWaker) -> Result<ROption<Value>, CallError> {
        // Entered first, and so left last: the future is dropped inside the runtime too, whether it
        // ends, fails or panics.
        let _entered = runtime::enter()?;
        let Some(mut work) = self.work.take() else {
            return Err(CallError::contract("polled again after its end"));
        };
        match waker.with(|waker| work.as_mut().poll(&mut Context::from_waker(waker))) {
            std::task::Poll::Ready(value) => value.map(ROption::RSome),
            std::task::Poll::Pending => {
                self.work = Some(work);
                Ok(ROption::RNone)
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        runtime::drop_inside(self.work.take());
    }
}
