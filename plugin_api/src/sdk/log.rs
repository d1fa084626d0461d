//! The plugin's events and spans go to the host, and nowhere else.

mod subscriber;

use std::sync::{LazyLock, Once, OnceLock};

use ::log::{Log, Metadata, Record};
use tracing_core::{Dispatch, callsite, dispatcher};

pub use subscriber::HostSubscriber;

use crate::abi::{HostServicesObject, PanicReport, message::Event};

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
    use super::place;

    #[test]
    fn places_are_read_from_their_end() {
        assert_eq!(place("C:/a.rs:3:9"), (Some("C:/a.rs".to_owned()), Some(3)));
        assert_eq!(place("unknown location"), (None, None));
        assert_eq!(place(""), (None, None));
    }
}
