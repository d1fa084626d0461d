//! A call of an async function that is under way.

use std::{future::Future, task::Poll};

use abi_stable::std_types::ROption;

use super::pending::Pending;
use crate::abi::{CallError, Completion, HostWaker, Value};

/// The author's future behind the contract.
pub(super) struct Running {
    name: String,
    work: Pending<Value>,
}

impl Running {
    pub(super) fn new(
        name: &str,
        work: impl Future<Output = Result<Value, CallError>> + Send + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            work: Pending::new(work),
        }
    }
}

impl Completion for Running {
    fn item(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, waker: HostWaker) -> Result<ROption<Value>, CallError> {
        Ok(match self.work.poll(waker)? {
            Poll::Ready(value) => ROption::RSome(value),
            Poll::Pending => ROption::RNone,
        })
    }
}
