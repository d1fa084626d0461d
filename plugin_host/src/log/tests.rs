//! From the plugin's subscriber to the host's, which stands on a thread of its own: within one
//! process and one copy of `tracing`, a subscriber is not called from inside another.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        mpsc::{Sender, channel},
    },
    thread,
};

use abi_stable::std_types::RString;
use datafusion_plugin_api::{
    abi::{CallError, HostServices, HostServicesObject},
    sdk::HostSubscriber,
};
use tracing::{
    Event, Subscriber, debug, error, error_span, field::Visit, info, info_span, span, warn,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

use super::{HostLog, MAX_OPEN_SPANS, NO_SPAN};

type Job = Box<dyn FnOnce(&HostLog) + Send>;

/// A host whose calls all run on one thread, inside a span of the host.
struct HostThread(Sender<Job>);

impl HostThread {
    fn start(captured: Captured) -> Self {
        let (sender, jobs) = channel::<Job>();
        thread::spawn(move || {
            let subscriber = tracing_subscriber::registry().with(captured);
            tracing::subscriber::with_default(subscriber, || {
                let _query = info_span!("query").entered();
                let log = HostLog::new("shapes");
                while let Ok(job) = jobs.recv() {
                    job(&log);
                }
            });
        });
        Self(sender)
    }

    fn run<T: Send + 'static>(&self, job: impl FnOnce(&HostLog) -> T + Send + 'static) -> T {
        let (reply, answer) = channel();
        let job = Box::new(move |log: &HostLog| reply.send(job(log)).unwrap());
        self.0.send(job).unwrap();
        answer.recv().unwrap()
    }
}

impl HostServices for HostThread {
    fn item(&self) -> &str {
        "log"
    }
    fn event(&self, record: RString) -> Result<(), CallError> {
        self.run(|log| log.event(record))
    }
    fn open_span(&self, record: RString) -> Result<u64, CallError> {
        self.run(|log| log.open_span(record))
    }
    fn record_span(&self, span: u64, fields: RString) -> Result<(), CallError> {
        self.run(move |log| log.record_span(span, fields))
    }
    fn enter_span(&self, span: u64) -> Result<(), CallError> {
        self.run(move |log| log.enter_span(span))
    }
    fn exit_span(&self, span: u64) -> Result<(), CallError> {
        self.run(move |log| log.exit_span(span))
    }
    fn close_span(&self, span: u64) -> Result<(), CallError> {
        self.run(move |log| log.close_span(span))
    }
}

type Fields = BTreeMap<String, String>;

#[derive(Debug, Clone, Default)]
struct Seen {
    target: String,
    level: String,
    fields: Fields,
    /// `span` fields of the spans around it, innermost first; a host's span by its name.
    scope: Vec<String>,
}

/// What the host's subscriber got.
#[derive(Debug, Clone, Default)]
struct Captured {
    events: Arc<Mutex<Vec<Seen>>>,
    closed: Arc<Mutex<Vec<Fields>>>,
}

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Captured {
    fn on_new_span(&self, span: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::new();
        span.record(&mut Visitor(&mut fields));
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        values.record(&mut Visitor(extensions.get_mut::<Fields>().unwrap()));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut seen = Seen {
            target: event.metadata().target().to_owned(),
            level: event.metadata().level().to_string(),
            ..Seen::default()
        };
        event.record(&mut Visitor(&mut seen.fields));
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let name = extensions.get::<Fields>().unwrap().get("span").cloned();
            seen.scope.push(name.unwrap_or(span.name().to_owned()));
        }
        self.events.lock().unwrap().push(seen);
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        let fields = span.extensions().get::<Fields>().cloned();
        // The host's own span closes when its thread ends, which may be later than the test looks.
        let fields = fields.filter(|fields| fields.contains_key("span"));
        self.closed.lock().unwrap().extend(fields);
    }
}

/// Runs `plugin` under the plugin's subscriber; what the host got.
fn capture(max_level: u8, plugin: impl FnOnce()) -> Captured {
    let captured = Captured::default();
    let services = HostServicesObject::new(HostThread::start(captured.clone()));
    tracing::subscriber::with_default(HostSubscriber::new(services, max_level), plugin);
    captured
}

fn scopes(captured: &Captured) -> Vec<Vec<String>> {
    let events = captured.events.lock().unwrap();
    events.iter().map(|seen| seen.scope.clone()).collect()
}

#[test]
fn an_event_keeps_what_the_plugin_said() {
    let captured = capture(5, || {
        warn!(target: "shapes::area", sides = 3, exact = true, name = "tri\"angle", "area of {}", 7);
        debug!(nothing = f64::NAN);
    });
    let events = captured.events.lock().unwrap();
    let [first, second] = events.as_slice() else {
        panic!("two events were expected: {events:?}");
    };
    assert_eq!(
        (first.target.as_str(), first.level.as_str()),
        ("datafusion_plugin", "WARN")
    );
    let field = |name: &str| first.fields.get(name).map(String::as_str);
    assert_eq!(field("plugin"), Some("shapes"));
    assert_eq!(field("plugin_target"), Some("shapes::area"));
    assert_eq!(field("message"), Some("area of 7"));
    assert_eq!(field("file"), Some(file!()));
    assert!(field("line").is_some());
    assert_eq!(
        field("fields"),
        Some(r#"{"exact":true,"name":"tri\"angle","sides":3}"#)
    );
    assert_eq!(first.scope, ["query"]);
    assert_eq!(second.level, "DEBUG");
    assert_eq!(
        second.fields.get("fields").map(String::as_str),
        Some(r#"{"nothing":"NaN"}"#)
    );
}

#[test]
fn spans_nest_inside_the_host_s() {
    let captured = capture(5, || {
        let outer = info_span!("scan", table = "t", rows = tracing::field::Empty);
        outer.in_scope(|| {
            info_span!("partition").in_scope(|| info!("both"));
            outer.record("rows", 12);
            info!("one");
            info!(parent: None, "none");
        });
        info!(parent: &outer, "given");
        let elsewhere = info_span!(parent: None, "elsewhere");
        info!(parent: &elsewhere, "elsewhere");
        info!("outside");
        // The current span of the plugin is known to it.
        outer.in_scope(|| assert_eq!(tracing::Span::current(), outer));
    });
    let expected: [&[&str]; 6] = [
        &["partition", "scan", "query"],
        &["scan", "query"],
        &[],
        &["scan", "query"],
        &["elsewhere"],
        &["query"],
    ];
    assert_eq!(scopes(&captured), expected);
    let closed = captured.closed.lock().unwrap();
    let scan = closed.iter().find(|fields| fields["span"] == "scan");
    assert_eq!(scan.unwrap()["fields"], r#"{"rows":12,"table":"t"}"#);
    assert_eq!(closed.len(), 3);
}

/// A span that has clones is closed with the last of them.
#[test]
fn a_span_closes_once() {
    let captured = capture(5, || {
        let span = info_span!("shared");
        let clone = span.clone();
        drop(span);
        clone.in_scope(|| info!("still open"));
    });
    assert_eq!(scopes(&captured), [["shared", "query"]]);
    assert_eq!(captured.closed.lock().unwrap().len(), 1);
}

/// What the host does not record is not even formatted.
#[test]
fn what_is_above_the_host_s_level_costs_nothing() {
    struct Untouchable;
    impl fmt::Debug for Untouchable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("formatted")
        }
    }
    let captured = capture(2, || {
        info!(value = ?Untouchable, "hidden");
        let hidden = info_span!("hidden", value = ?Untouchable).entered();
        error_span!("shown").in_scope(|| error!("shown"));
        drop(hidden);
    });
    assert_eq!(scopes(&captured), [["shown", "query"]]);
}

/// A plugin that leaks spans does not fill the host's memory.
#[test]
fn open_spans_are_bounded() {
    let captured = Captured::default();
    let host = HostThread::start(captured.clone());
    let record = r#"{"level":1,"target":"t","name":"leaked"}"#;
    let numbers = host.run(move |log| {
        (0..MAX_OPEN_SPANS + 3)
            .map(|_| log.open_span(record.into()).unwrap())
            .collect::<Vec<_>>()
    });
    let unrecorded = numbers.iter().filter(|number| **number == NO_SPAN).count();
    assert_eq!(unrecorded, 3);
    let warnings = captured.events.lock().unwrap().len();
    assert_eq!(warnings, 1);
    // One more fits when one closes.
    let number = host.run(move |log| {
        log.close_span(numbers[0]).unwrap();
        log.open_span(record.into()).unwrap()
    });
    assert_ne!(number, NO_SPAN);
}

#[test]
fn a_record_that_is_no_json_is_a_contract_error() {
    let host = HostThread::start(Captured::default());
    let error = host.run(|log| log.event("{".into()).unwrap_err());
    assert!(error.message().contains("log record"), "{error}");
}
