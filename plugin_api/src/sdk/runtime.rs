//! The plugin's own tokio runtime: the host's reactor does not exist in here.

use std::{
    io,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

use crate::abi::{CallError, ErrorKind};

static THREADS: AtomicUsize = AtomicUsize::new(0);
static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// Sets the size of the runtime, 0 for tokio's choice; of no effect once it has started.
pub(super) fn set_threads(threads: usize) {
    THREADS.store(threads, Ordering::Relaxed);
}

/// The plugin's runtime, started at the first call. Never shut down: a plugin is never unloaded.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> io::Result<&'static Handle> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle());
    }
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if RUNTIME.get().is_none() {
        let mut builder = Builder::new_multi_thread();
        match THREADS.load(Ordering::Relaxed) {
            0 => {}
            threads => {
                builder.worker_threads(threads);
            }
        }
        let runtime = builder
            .enable_all()
            .thread_name("datafusion-plugin")
            .build()?;
        let _ = RUNTIME.set(runtime);
    }
    RUNTIME
        .get()
        .map(Runtime::handle)
        .ok_or_else(|| io::Error::other("no runtime"))
}

/// Enters the plugin's runtime for the time of a call.
pub(super) fn enter() -> Result<EnterGuard<'static>, CallError> {
    runtime().map(Handle::enter).map_err(|error| {
        CallError::new(
            ErrorKind::ResourcesExhausted,
            format!("cannot start the plugin's runtime: {error}"),
        )
    })
}

/// Something of the author's that is dropped inside the plugin's runtime.
#[cfg(feature = "tables")]
pub(super) struct Inside<T>(Option<T>);

#[cfg(feature = "tables")]
impl<T> Inside<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// The value, which is there until the drop.
    pub(super) fn get(&self) -> Result<&T, CallError> {
        let gone = || CallError::contract("used after its drop");
        self.0.as_ref().ok_or_else(gone)
    }
}

#[cfg(feature = "tables")]
impl<T> Drop for Inside<T> {
    fn drop(&mut self) {
        drop_inside(self.0.take());
    }
}

/// Drops `work` inside the plugin's runtime, where its sockets and timers belong.
pub(super) fn drop_inside<T>(work: Option<T>) {
    if work.is_some() {
        let entered = enter();
        drop(work);
        drop(entered);
    }
}
