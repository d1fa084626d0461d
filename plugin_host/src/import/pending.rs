//! Waiting for what a plugin has under way.

use std::{future::poll_fn, task::Poll};

use abi_stable::std_types::ROption;
use datafusion::common::Result;
use datafusion_plugin_api::abi::{CallError, HostWaker};

use super::origin::Origin;

/// Polls until there is an answer. Dropping the future cancels the work when it drops the object
/// that `poll` asks.
pub(crate) async fn answer<T>(
    origin: &Origin,
    mut poll: impl FnMut(HostWaker) -> Result<Poll<T>, CallError>,
) -> Result<T> {
    let answered = poll_fn(|context| {
        let progress = origin.call(|| poll(context.waker().into()));
        progress.map_or_else(|error| Poll::Ready(Err(error)), |progress| progress.map(Ok))
    });
    answered.await
}

/// An answer that is there or not, as the contract has it.
pub(crate) fn progress<T>(answer: ROption<T>) -> Poll<T> {
    match answer {
        ROption::RSome(value) => Poll::Ready(value),
        ROption::RNone => Poll::Pending,
    }
}
