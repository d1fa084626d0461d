//! The guard that every entry runs in: no unwind leaves the side that panicked.

use std::{
    any::Any,
    cell::RefCell,
    collections::VecDeque,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::{Mutex, Once, OnceLock, PoisonError},
};

use super::{CallError, ErrorKind, Reply};

/// What the panic hook saw: the message and `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanicReport {
    /// The panic's message.
    pub message: String,
    /// `file:line:column` of the panic.
    pub location: String,
}

thread_local! {
    static LAST_PANIC: RefCell<Option<PanicReport>> = const { RefCell::new(None) };
}

/// Panics of all threads, newest last: a task's panic is passed on by whoever joins it.
static RECENT_PANICS: Mutex<VecDeque<PanicReport>> = Mutex::new(VecDeque::new());
/// How many of them are remembered.
const RECENT: usize = 32;

static PLUGIN_NAME: OnceLock<String> = OnceLock::new();
static DROP_FAILURE: OnceLock<fn(&CallError, usize)> = OnceLock::new();

/// Installs the panic hook of a plugin: silent, it remembers the panic for the guard and hands it
/// to `log`. The hook belongs to this library's copy of the standard library only.
pub fn install_panic_hook(plugin: &str, log: fn(&PanicReport)) {
    static HOOK: Once = Once::new();
    let _ = PLUGIN_NAME.set(plugin.to_owned());
    HOOK.call_once(|| {
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let report = PanicReport {
                message: payload_message(info.payload()),
                location: info.location().map(ToString::to_string).unwrap_or_default(),
            };
            log(&report);
            remember(report.clone());
            // A thread that is being torn down has no slot any more; the log has the panic.
            let _ = LAST_PANIC.try_with(|last| *last.borrow_mut() = Some(report));
        }));
    });
}

fn remember(report: PanicReport) {
    let mut recent = RECENT_PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    if recent.len() == RECENT {
        recent.pop_front();
    }
    recent.push_back(report);
}

/// What the hook saw of the panic with this message: here, or else in another thread.
fn seen(message: &str) -> Option<PanicReport> {
    let here = LAST_PANIC.try_with(|last| last.borrow_mut().take());
    // An older panic of this thread may be one that the author caught.
    let here = here
        .ok()
        .flatten()
        .filter(|report| report.message == message);
    here.or_else(|| {
        let recent = RECENT_PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest_first = recent.iter().rev();
        newest_first
            .find(|report| report.message == message)
            .cloned()
    })
}

/// Sets what is told of a panic that was contained while an object was dropped, where no call
/// can return it, with the address of code of the library whose object it was: the error says what that library
/// wants it to. The first setter of a library wins.
pub fn on_drop_failure(report: fn(&CallError, usize)) {
    let _ = DROP_FAILURE.set(report);
}

pub(crate) fn report_drop_failure(error: &CallError, code: usize) {
    if let Some(report) = DROP_FAILURE.get() {
        report(error, code);
    }
}

/// Runs `body`; a panic becomes an error of kind [`ErrorKind::Panic`].
pub(crate) fn guarded<T>(
    method: &'static str,
    item: impl FnOnce() -> String,
    body: impl FnOnce() -> Result<T, CallError>,
) -> Reply<T> {
    match catch(body) {
        Ok(value) => Reply::ROk(value),
        Err(error) => {
            // The name is the author's to tell, who may panic there too.
            let item = catch(|| Ok(item())).unwrap_or_default();
            Reply::RErr(error.at(plugin_name(), &item, method, ""))
        }
    }
}

/// Runs `body`; a panic becomes an error of kind [`ErrorKind::Panic`] with message and location.
pub fn catch<T>(body: impl FnOnce() -> Result<T, CallError>) -> Result<T, CallError> {
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(payload) => Err(panic_error(payload)),
    }
}

/// Drops each value by itself: two panics in one drop would end the process. `item` is what a value
/// is attributed to.
pub fn drop_each<T>(values: impl IntoIterator<Item = T>, item: impl Fn(&T) -> String) {
    for value in values {
        // The name may be the author's to tell, who may panic there.
        let item = catch(|| Ok(item(&value))).unwrap_or_default();
        let dropped = catch(|| {
            drop(value);
            Ok(())
        });
        if let Err(error) = dropped {
            let own = report_drop_failure as fn(&CallError, usize) as usize;
            report_drop_failure(&error.at(plugin_name(), &item, "drop", ""), own);
        }
    }
}

fn plugin_name() -> &'static str {
    PLUGIN_NAME.get().map_or("", String::as_str)
}

#[cold]
fn panic_error(payload: Box<dyn Any + Send>) -> CallError {
    let message = payload_message(payload.as_ref());
    let report = seen(&message).unwrap_or_else(|| PanicReport {
        message,
        location: "unknown location".to_owned(),
    });
    // A payload may panic when dropped; one leaked payload per such panic is the lesser harm.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    CallError::new(ErrorKind::Panic, report.message).at("", "", "", &report.location)
}

/// How many bytes of a panic's message are kept.
const MESSAGE_LEN: usize = 4096;

/// The beginning of a text that may be of any length, as long as panic messages may be.
pub fn shortened(text: &str) -> String {
    if text.len() <= MESSAGE_LEN {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MESSAGE_LEN);
    format!("{}... ({} bytes)", &text[..end], text.len())
}

fn payload_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        shortened(text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        shortened(text)
    } else {
        "(a payload that is no text)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::{catch, drop_each};
    use crate::abi::{
        CallError, ErrorKind, HostWaker, ScanObject, ScanPlanning, ScanPlanningObject,
    };
    use abi_stable::std_types::ROption;

    /// Panics wherever it can, its own name among the places.
    struct Nameless;

    impl ScanPlanning for Nameless {
        fn item(&self) -> &str {
            panic!("no name");
        }

        fn poll(&mut self, _: HostWaker) -> Result<ROption<ScanObject>, CallError> {
            panic!("no scan");
        }
    }

    impl Drop for Nameless {
        fn drop(&mut self) {
            panic!("no end");
        }
    }

    /// Guards that the name of a panic's item, which the author tells, cannot unwind either.
    #[test]
    fn a_name_that_panics_is_contained() {
        let mut object = ScanPlanningObject::new(Nameless);
        let error = object.poll(std::task::Waker::noop().into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        assert_eq!(error.message(), "no scan");
        assert_eq!(error.origin().item.as_str(), "");
        assert_eq!(error.origin().method.as_str(), "poll");
        drop(object);
    }

    #[test]
    fn each_is_dropped_although_others_panic() {
        struct Panics<'a>(&'a std::cell::Cell<u32>);
        impl Drop for Panics<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
                panic!("no end");
            }
        }
        let dropped = std::cell::Cell::new(0);
        let values = [Panics(&dropped), Panics(&dropped), Panics(&dropped)];
        drop_each(values, |_| panic!("no name"));
        assert_eq!(dropped.get(), 3);
    }

    #[test]
    fn a_long_message_is_cut() {
        let error = catch::<()>(|| panic!("x{}", "\u{1f980}".repeat(1 << 18))).unwrap_err();
        let message = error.message();
        assert!(message.starts_with("x\u{1f980}"), "{message}");
        assert!(message.ends_with("... (1048577 bytes)"), "{message}");
        assert!(message.len() < 5_000, "{}", message.len());
    }

    #[test]
    fn an_error_is_no_panic() {
        let error = catch::<()>(|| Err(CallError::new(ErrorKind::Plan, "no plan"))).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Plan, "no plan")
        );
    }
}
