//! The plugin's events and spans go to the host, and nowhere else.

mod subscriber;

use std::sync::{LazyLock, Once, OnceLock};

use ::log::{Log, Metadata, Record};
use tracing_core::{Dispatch, callsite, dispatcher};

pub use subscriber::HostSubscriber;

use crate::abi::{CallError, HostServicesObject, PanicReport, message::Event};

static HOST: LazyLock<HostSubscriber> = LazyLock::new(HostSubscriber::disconnected);
static PLUGIN: OnceLock<String> = OnceLock::new();

/// Sends the `tracing` and `log` records of this library to the host, up to the level that the
/// host records: 0 none, 1 error ... 5 trace. A record above it costs one comparison.
///
/// A later host takes over from an earlier one. Spans that are open stay with theirs.
pub(super) fn install(plugin: &str, services: HostServicesObject, max_level: u8) {
    static SUBSCRIBER: Once = Once::new();
    let _ = PLUGIN.set(plugin.to_owned());
    HOST.connect(services, max_level);
    SUBSCRIBER.call_once(|| {
        // An author who has set a subscriber or a logger keeps it.
        let _ = dispatcher::set_global_default(Dispatch::new(HOST.clone()));
        let _ = ::log::set_logger(&HostLogger);
    });
    // Callsites remember whether they are wanted.
    callsite::rebuild_interest_cache();
    ::log::set_max_level(HOST.log_level());
}

/// Sends a panic to the host, as an error.
pub(super) fn log_panic(report: &PanicReport) {
    let (file, line) = place(&report.location);
    HOST.send(&Event {
        level: 1,
        target: PLUGIN.get().cloned().unwrap_or_default(),
        message: format!("panic: {}", report.message),
        file,
        line,
        ..Event::default()
    });
}

/// Sends a panic that was contained in a drop to the host, with the item that it belongs to.
pub(super) fn log_drop_failure(error: &CallError, _: usize) {
    let (file, line) = place(&error.origin().location);
    HOST.send(&Event {
        level: 1,
        target: PLUGIN.get().cloned().unwrap_or_default(),
        message: error.to_string(),
        file,
        line,
        ..Event::default()
    });
}

/// File and line of `file:line:column`.
fn place(location: &str) -> (Option<String>, Option<u32>) {
    let mut parts = location.rsplitn(3, ':').skip(1);
    match (parts.next().map(str::parse), parts.next()) {
        (Some(Ok(line)), Some(file)) => (Some(file.to_owned()), Some(line)),
        _ => (None, None),
    }
}

/// Records of the `log` crate.
struct HostLogger;

impl Log for HostLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= HOST.log_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            HOST.send(&Event {
                level: record.level() as u8,
                target: record.target().to_owned(),
                message: record.args().to_string(),
                file: record.file().map(str::to_owned),
                line: record.line(),
                ..Event::default()
            });
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::sync::{Arc, Mutex};

    use abi_stable::std_types::RString;

    use super::{install, log_panic, place};
    use crate::abi::{CallError, HostServices, HostServicesObject, PanicReport, message::Event};

    #[derive(Clone, Default)]
    struct Host(Arc<Mutex<Vec<Event>>>);

    impl Host {
        fn install(&self, max_level: u8) {
            install("shapes", HostServicesObject::new(self.clone()), max_level);
        }

        fn take(&self) -> Vec<(u8, String)> {
            let events = std::mem::take(&mut *self.0.lock().unwrap());
            events.into_iter().map(|e| (e.level, e.message)).collect()
        }
    }

    impl HostServices for Host {
        fn item(&self) -> &str {
            "log"
        }
        fn event(&self, record: RString) -> Result<(), CallError> {
            let event = serde_json::from_str(&record).unwrap();
            self.0.lock().unwrap().push(event);
            Ok(())
        }
        fn open_span(&self, _: RString) -> Result<u64, CallError> {
            Ok(1)
        }
        fn record_span(&self, _: u64, _: RString) -> Result<(), CallError> {
            Ok(())
        }
        fn enter_span(&self, _: u64) -> Result<(), CallError> {
            Ok(())
        }
        fn exit_span(&self, _: u64) -> Result<(), CallError> {
            Ok(())
        }
        fn close_span(&self, _: u64) -> Result<(), CallError> {
            Ok(())
        }
    }

    fn say() {
        ::tracing::info!("tracing info");
        ::tracing::error!("tracing error");
        ::log::info!("log info");
        ::log::warn!("log warning");
    }

    fn records(expected: &[(u8, &str)]) -> Vec<(u8, String)> {
        expected
            .iter()
            .map(|(l, m)| (*l, (*m).to_owned()))
            .collect()
    }

    /// One test, since a library has one subscriber: both crates' records, the level of each
    /// host, panics.
    #[test]
    fn records_go_to_the_latest_host_up_to_its_level() {
        say();
        let (first, second) = (Host::default(), Host::default());
        first.install(2);
        say();
        let quiet = records(&[(1, "tracing error"), (2, "log warning")]);
        assert_eq!(first.take(), quiet);

        second.install(3);
        say();
        let all = [
            (3, "tracing info"),
            (1, "tracing error"),
            (3, "log info"),
            (2, "log warning"),
        ];
        assert_eq!(second.take(), records(&all));
        assert_eq!(first.take(), []);

        log_panic(&PanicReport {
            message: "no area".to_owned(),
            location: "src/a.rs:3:9".to_owned(),
        });
        let panic = second.0.lock().unwrap().pop().unwrap();
        assert_eq!((panic.level, panic.message.as_str()), (1, "panic: no area"));
        assert_eq!(panic.target, "shapes");
        assert_eq!(
            (panic.file.as_deref(), panic.line),
            (Some("src/a.rs"), Some(3))
        );

        second.install(0);
        say();
        assert_eq!(second.take(), []);
    }

    #[test]
    fn places_are_read_from_their_end() {
        assert_eq!(place("C:/a.rs:3:9"), (Some("C:/a.rs".to_owned()), Some(3)));
        assert_eq!(place("unknown location"), (None, None));
        assert_eq!(place(""), (None, None));
    }
}
