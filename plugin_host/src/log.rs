//! A plugin's events and spans, on the host's `tracing` subscriber.
//!
//! `tracing` wants metadata that is known when the host is compiled, so all events of plugins come
//! from one callsite per level, with the target `datafusion_plugin`; what the plugin itself said
//! stands in fields: `plugin`, `plugin_target`, `message`, `fields` (JSON), `file`, `line`. Spans
//! are named `plugin_span`, with their own name in `span`.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use abi_stable::std_types::RString;
use datafusion_plugin_api::abi::{CallError, HostServices, message};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tracing::{Level, Span, field::display, level_filters::LevelFilter, span};

/// The target of everything that plugins log.
pub(crate) const TARGET: &str = "datafusion_plugin";

/// Spans that one plugin may have open; further ones are not recorded.
const MAX_OPEN_SPANS: usize = 4096;

/// The number of a span that is not recorded.
const NO_SPAN: u64 = 0;

/// The most verbose level that the host records: 0 none, 1 error ... 5 trace.
pub(crate) fn current_max_level() -> u8 {
    match LevelFilter::current().into_level() {
        None => 0,
        Some(Level::ERROR) => 1,
        Some(Level::WARN) => 2,
        Some(Level::INFO) => 3,
        Some(Level::DEBUG) => 4,
        Some(Level::TRACE) => 5,
    }
}

/// Replays what one plugin logs into the host's `tracing`, on the thread that logged it.
#[derive(Debug)]
pub(crate) struct HostLog {
    plugin: String,
    spans: Mutex<HashMap<u64, OpenSpan>>,
    next: AtomicU64,
    full: AtomicBool,
}

#[derive(Debug)]
struct OpenSpan {
    span: Span,
    fields: Map<String, Value>,
}

impl HostLog {
    /// For the plugin of this name.
    pub(crate) fn new(plugin: &str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            spans: Mutex::default(),
            next: AtomicU64::new(NO_SPAN + 1),
            full: AtomicBool::new(false),
        }
    }

    fn spans(&self) -> MutexGuard<'_, HashMap<u64, OpenSpan>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The span of a number, apart from the table: the subscriber is never called under its lock.
    fn span(&self, number: u64) -> Option<Span> {
        self.spans().get(&number).map(|open| open.span.clone())
    }

    /// The span that was given as parent, or else the one that the thread is in.
    fn parent(&self, given: Option<u64>, root: bool) -> Option<span::Id> {
        if root {
            return None;
        }
        given
            .and_then(|number| self.span(number))
            .unwrap_or_else(Span::current)
            .id()
    }

    fn replay(&self, event: &message::Event) {
        let message::Event {
            level,
            target,
            message,
            fields,
            file,
            line,
            parent,
            root,
        } = event;
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(
                    target: TARGET,
                    parent: self.parent(*parent, *root),
                    Level::$level,
                    plugin = self.plugin,
                    plugin_target = target,
                    fields = json(fields).map(display),
                    file = file.as_deref(),
                    line = line,
                    "{message}"
                )
            };
        }
        match level {
            1 => event!(ERROR),
            2 => event!(WARN),
            3 => event!(INFO),
            4 => event!(DEBUG),
            _ => event!(TRACE),
        }
    }

    fn open(&self, span: &message::Span) -> Span {
        let message::Span {
            level,
            target,
            name,
            fields,
            parent,
            root,
        } = span;
        macro_rules! span {
            ($level:ident) => {
                tracing::span!(
                    target: TARGET,
                    parent: self.parent(*parent, *root),
                    Level::$level,
                    "plugin_span",
                    plugin = self.plugin,
                    plugin_target = target,
                    span = name,
                    fields = json(fields).map(display),
                )
            };
        }
        match level {
            1 => span!(ERROR),
            2 => span!(WARN),
            3 => span!(INFO),
            4 => span!(DEBUG),
            _ => span!(TRACE),
        }
    }
}

impl HostServices for HostLog {
    fn item(&self) -> &str {
        "log"
    }

    fn event(&self, record: RString) -> Result<(), CallError> {
        self.replay(&read(&record)?);
        Ok(())
    }

    fn open_span(&self, record: RString) -> Result<u64, CallError> {
        let record: message::Span = read(&record)?;
        if self.spans().len() >= MAX_OPEN_SPANS {
            if !self.full.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    target: TARGET,
                    plugin = self.plugin,
                    "{MAX_OPEN_SPANS} spans are open; further ones are not recorded"
                );
            }
            return Ok(NO_SPAN);
        }
        let span = self.open(&record);
        if span.is_disabled() {
            return Ok(NO_SPAN);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let fields = record.fields;
        self.spans().insert(number, OpenSpan { span, fields });
        Ok(number)
    }

    fn record_span(&self, span: u64, fields: RString) -> Result<(), CallError> {
        let fields: Map<String, Value> = read(&fields)?;
        let recorded = {
            let mut spans = self.spans();
            spans.get_mut(&span).map(|open| {
                open.fields.extend(fields);
                (open.span.clone(), json(&open.fields))
            })
        };
        if let Some((span, fields)) = recorded {
            span.record("fields", fields.map(display));
        }
        Ok(())
    }

    fn enter_span(&self, span: u64) -> Result<(), CallError> {
        if let Some(span) = self.span(span) {
            span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
        Ok(())
    }

    fn exit_span(&self, span: u64) -> Result<(), CallError> {
        if let Some(span) = self.span(span) {
            span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        }
        Ok(())
    }

    fn close_span(&self, span: u64) -> Result<(), CallError> {
        let closed = self.spans().remove(&span);
        drop(closed);
        Ok(())
    }
}

fn read<M: DeserializeOwned>(record: &str) -> Result<M, CallError> {
    serde_json::from_str(record)
        .map_err(|error| CallError::contract(format!("cannot read a log record: {error}")))
}

fn json(fields: &Map<String, Value>) -> Option<String> {
    (!fields.is_empty()).then(|| Value::Object(fields.clone()).to_string())
}
