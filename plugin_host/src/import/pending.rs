//! Waiting for what a plugin has under way.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use abi_stable::std_types::ROption;
use datafusion::common::Result;
use datafusion_plugin_api::abi::CallError;

use super::{offload::Offloaded, origin::Origin};

type Answer<T> = Poll<Result<T, CallError>>;

/// Polls `object` until there is an answer: elsewhere, where planning has a limit of time. Dropping the
/// future drops the object, which cancels the work.
pub(crate) async fn planned<O: Send + 'static, T: Send + 'static>(
    origin: &Origin,
    object: O,
    poll: fn(&mut O, &mut Context<'_>) -> Answer<T>,
) -> Result<T> {
    within(origin, origin.plugin().limits().planning, object, poll).await
}

/// Polls `object` until there is an answer: elsewhere, where there is a limit of time.
pub(crate) async fn within<O: Send + 'static, T: Send + 'static>(
    origin: &Origin,
    limit: Option<Duration>,
    object: O,
    poll: fn(&mut O, &mut Context<'_>) -> Answer<T>,
) -> Result<T> {
    let Some(limit) = limit else {
        return answer(origin, object, poll).await;
    };
    let threads = &origin.plugin().limits().threads;
    let offloaded = Offloaded::new(threads, limit, object, poll);
    answer(origin, offloaded, |offloaded, context| {
        offloaded.poll(context).map(|answer| answer?)
    })
    .await
}

/// Polls `object` until there is an answer. Dropping the future drops the object, which cancels the work.
pub(crate) async fn answer<O, T>(
    origin: &Origin,
    mut object: O,
    poll: fn(&mut O, &mut Context<'_>) -> Answer<T>,
) -> Result<T> {
    let answered = poll_fn(|context| match origin.admit() {
        Ok(()) => poll(&mut object, context),
        Err(refusal) => Poll::Ready(Err(refusal)),
    });
    answered.await.map_err(|error| origin.error(error))
}

/// An answer that is there or not, as the contract has it.
pub(crate) fn progress<T>(answer: Result<ROption<T>, CallError>) -> Answer<T> {
    match answer {
        Ok(ROption::RSome(value)) => Poll::Ready(Ok(value)),
        Ok(ROption::RNone) => Poll::Pending,
        Err(error) => Poll::Ready(Err(error)),
    }
}
