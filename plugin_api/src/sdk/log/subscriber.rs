//! The `tracing` subscriber of a plugin.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
};

use serde::Serialize;
use serde_json::{Map, Value};
use tracing_core::{
    Event, Interest, Level, LevelFilter, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Current, Id, Record},
};

use crate::abi::{HostServicesObject, message};

thread_local! {
    /// The spans that this thread is in, innermost last.
    static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

/// Forwards events and spans to the host.
///
/// It is every plugin's subscriber from activation on. Without a host it discards what it gets.
/// What `follows_from` says is not forwarded.
#[derive(Clone)]
pub struct HostSubscriber(Arc<State>);

struct State {
    services: RwLock<Option<Arc<HostServicesObject>>>,
    max_level: AtomicU8,
    spans: RwLock<HashMap<u64, Arc<OpenSpan>>>,
    next: AtomicU64,
}

struct OpenSpan {
    /// The host that knows the span, which need not be the present one.
    services: Arc<HostServicesObject>,
    host_id: u64,
    metadata: &'static Metadata<'static>,
    references: AtomicUsize,
}

impl HostSubscriber {
    /// Forwards to `services` what is at most as verbose as `max_level`: 0 none, 1 error ...
    /// 5 trace.
    pub fn new(services: HostServicesObject, max_level: u8) -> Self {
        let subscriber = Self::disconnected();
        subscriber.connect(services, max_level);
        subscriber
    }

    pub(super) fn disconnected() -> Self {
        Self(Arc::new(State {
            services: RwLock::default(),
            max_level: AtomicU8::new(0),
            spans: RwLock::default(),
            next: AtomicU64::new(1),
        }))
    }

    pub(super) fn connect(&self, services: HostServicesObject, max_level: u8) {
        let services = Some(Arc::new(services));
        let former = std::mem::replace(
            &mut *self
                .0
                .services
                .write()
                .unwrap_or_else(PoisonError::into_inner),
            services,
        );
        // Outside the lock: this may call the former host.
        drop(former);
        self.0.max_level.store(max_level, Ordering::Relaxed);
    }

    pub(super) fn log_level(&self) -> ::log::LevelFilter {
        match self.0.max_level.load(Ordering::Relaxed) {
            0 => ::log::LevelFilter::Off,
            1 => ::log::LevelFilter::Error,
            2 => ::log::LevelFilter::Warn,
            3 => ::log::LevelFilter::Info,
            4 => ::log::LevelFilter::Debug,
            _ => ::log::LevelFilter::Trace,
        }
    }

    /// Sends an event, whatever its level.
    pub(super) fn send(&self, event: &message::Event) {
        if let Some(services) = self.services() {
            // A host that cannot take a record has nowhere to be told so.
            let _ = services.event(json(event).into());
        }
    }

    fn services(&self) -> Option<Arc<HostServicesObject>> {
        self.0
            .services
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn span(&self, id: &Id) -> Option<Arc<OpenSpan>> {
        self.0
            .spans
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id.into_u64())
            .cloned()
    }

    /// The host's number of a span that `services` knows.
    fn host_id(&self, id: Option<&Id>, services: &Arc<HostServicesObject>) -> Option<u64> {
        self.span(id?)
            .filter(|span| Arc::ptr_eq(&span.services, services))
            .map(|span| span.host_id)
    }

    fn wants(&self, level: &Level) -> bool {
        level_number(level) <= self.0.max_level.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for HostSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSubscriber").finish_non_exhaustive()
    }
}

impl Subscriber for HostSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.0.max_level.load(Ordering::Relaxed) {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.wants(metadata.level())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        // Never 0, which no `Id` may be.
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        if let Some(services) = self.services() {
            let metadata = attributes.metadata();
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            let host_id = services.open_span(
                json(&message::Span {
                    level: level_number(metadata.level()),
                    target: metadata.target().to_owned(),
                    name: metadata.name().to_owned(),
                    fields: fields.all(),
                    parent: self.host_id(attributes.parent(), &services),
                    root: attributes.is_root(),
                })
                .into(),
            );
            if let Ok(host_id) = host_id {
                let span = Arc::new(OpenSpan {
                    services,
                    host_id,
                    metadata,
                    references: AtomicUsize::new(1),
                });
                let mut spans = self.0.spans.write().unwrap_or_else(PoisonError::into_inner);
                spans.insert(number, span);
            }
        }
        Id::from_u64(number)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let Some(span) = self.span(id) {
            let mut fields = Fields::default();
            values.record(&mut fields);
            let fields = json(&fields.all()).into();
            let _ = span.services.record_span(span.host_id, fields);
        }
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let Some(services) = self.services() else {
            return;
        };
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let event = message::Event {
            level: level_number(metadata.level()),
            target: metadata.target().to_owned(),
            message: fields.message.unwrap_or_default(),
            fields: fields.others,
            file: metadata.file().map(str::to_owned),
            line: metadata.line(),
            parent: self.host_id(event.parent(), &services),
            root: event.is_root(),
        };
        let _ = services.event(json(&event).into());
    }

    fn enter(&self, id: &Id) {
        // A thread that is being torn down has no stack any more.
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(id.clone()));
        if let Some(span) = self.span(id) {
            let _ = span.services.enter_span(span.host_id);
        }
    }

    fn exit(&self, id: &Id) {
        let _ = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            if let Some(position) = entered.iter().rposition(|entered| entered == id) {
                entered.remove(position);
            }
        });
        if let Some(span) = self.span(id) {
            let _ = span.services.exit_span(span.host_id);
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(span) = self.span(id) {
            span.references.fetch_add(1, Ordering::Relaxed);
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let Some(span) = self.span(&id) else {
            return false;
        };
        if span.references.fetch_sub(1, Ordering::AcqRel) != 1 {
            return false;
        }
        self.0
            .spans
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id.into_u64());
        let _ = span.services.close_span(span.host_id);
        true
    }

    fn current_span(&self) -> Current {
        let innermost = ENTERED
            .try_with(|entered| entered.borrow().last().cloned())
            .ok()
            .flatten();
        innermost
            .and_then(|id| self.span(&id).map(|span| Current::new(id, span.metadata)))
            .unwrap_or_else(Current::none)
    }
}

fn level_number(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

fn json(record: &impl Serialize) -> String {
    // Strings, numbers and maps with string keys: there is nothing that JSON lacks.
    serde_json::to_string(record).unwrap_or_default()
}

/// Field values as JSON, the message apart.
#[derive(Default)]
struct Fields {
    message: Option<String>,
    others: Map<String, Value>,
}

impl Fields {
    fn all(mut self) -> Map<String, Value> {
        if let Some(message) = self.message {
            self.others.insert("message".to_owned(), message.into());
        }
        self.others
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.put(field, number),
            None => self.put(field, value.to_string()),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = Some(value.to_owned());
        } else {
            self.put(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = Some(text);
        } else {
            self.put(field, text);
        }
    }
}
