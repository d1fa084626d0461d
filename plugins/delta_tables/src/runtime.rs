//! Asynchronous work where DataFusion asks synchronously: in the call of a table function.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Mutex, OnceLock, PoisonError, mpsc},
};

use datafusion::error::{DataFusionError, Result};
use futures::FutureExt;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// Runs `work` to its end on threads of this crate's own, and blocks the calling thread meanwhile.
///
/// It cannot deadlock with the caller's runtime, whatever that is: the work needs none of its
/// threads. A panic of the work continues in the caller.
///
/// # Errors
/// The work's error, or that the system gives no threads.
pub(crate) fn wait<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        let outcome = AssertUnwindSafe(work).catch_unwind().await;
        // The caller waits for as long as this sender lives.
        let _ = sender.send(outcome);
    });
    match receiver.recv() {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(DataFusionError::Internal(
            "the work ended without an outcome".into(),
        )),
    }
}

/// Started at the first need, and never shut down.
fn runtime() -> Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if RUNTIME.get().is_none() {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .thread_name("delta")
            .build()?;
        let _ = RUNTIME.set(runtime);
    }
    RUNTIME
        .get()
        .ok_or_else(|| DataFusionError::Internal("no runtime".into()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn slept() -> Result<u8> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(7)
    }

    #[test]
    fn waits_outside_of_any_runtime() {
        assert_eq!(wait(slept()).unwrap(), 7);
    }

    #[tokio::test]
    async fn waits_on_a_runtime_of_one_thread() {
        assert_eq!(wait(slept()).unwrap(), 7);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn waits_on_a_worker() {
        let worker = tokio::spawn(async { wait(slept()) });
        assert_eq!(worker.await.unwrap().unwrap(), 7);
    }

    #[test]
    fn a_panic_continues_in_the_caller() {
        let work = async { if true { panic!("over here") } else { Ok(()) } };
        let panic = std::panic::catch_unwind(|| wait(work)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"over here"));
    }
}
