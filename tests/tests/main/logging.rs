//! What a loaded plugin logs reaches the host's subscriber, on the thread that logged it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

use datafusion::{arrow::array::AsArray, arrow::datatypes::Int64Type, prelude::SessionContext};
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::plugin;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

type Fields = BTreeMap<String, String>;

#[derive(Debug, Clone)]
struct Seen {
    thread: ThreadId,
    level: Level,
    fields: Fields,
    /// The spans around it, outermost first: the plugin's by the name it gave them.
    scope: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Captured(Arc<Mutex<Vec<Seen>>>);

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Captured {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Fields::new();
        attributes.record(&mut Visitor(&mut fields));
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        values.record(&mut Visitor(extensions.get_mut::<Fields>().unwrap()));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::new();
        event.record(&mut Visitor(&mut fields));
        let spans = context.event_scope(event).into_iter().flatten();
        let mut scope: Vec<String> = spans
            .map(|span| {
                let extensions = span.extensions();
                let fields = extensions.get::<Fields>();
                let own = fields.and_then(|fields| {
                    let rest = fields.get("fields").map_or("", String::as_str);
                    Some(format!("{} {rest}", fields.get("span")?))
                });
                own.unwrap_or_else(|| span.name().to_owned())
            })
            .collect();
        scope.reverse();
        // The host's own events have no plugin.
        if fields.get("plugin").map(String::as_str) == Some("logging") {
            self.0.lock().unwrap().push(Seen {
                thread: thread::current().id(),
                level: *event.metadata().level(),
                fields,
                scope,
            });
        }
    }
}

/// A plugin has one level, that of the host that came last: tests of it take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Loads the plugin and speaks under a subscriber of `level`; what was logged, and how many fields
/// the plugin was asked for.
fn spoken(level: LevelFilter) -> (Vec<Seen>, i64) {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::registry().with(captured.clone().with_filter(level));
    let read = tracing::subscriber::with_default(subscriber, || {
        let host = PluginHost::builder().plugin_file(plugin("fixture-logging"));
        let context = SessionContext::new();
        host.load().unwrap().install(&context);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let _query = tracing::error_span!("query").entered();
            let frame = context.sql("select speak('weather')").await.unwrap();
            let batches = frame.collect().await.unwrap();
            batches[0].column(0).as_primitive::<Int64Type>().value(0)
        })
    });
    let seen = std::mem::take(&mut *captured.0.lock().unwrap());
    (seen, read)
}

fn messages(seen: &[Seen]) -> Vec<(Level, &str)> {
    seen.iter()
        .map(|seen| (seen.level, seen.fields["message"].as_str()))
        .collect()
}

#[test]
fn events_and_spans_arrive_on_the_same_thread_inside_the_host_s_span() {
    let _turn = turn();
    let (seen, read) = spoken(LevelFilter::INFO);
    assert_eq!(
        messages(&seen),
        [
            (Level::INFO, "activated"),
            (Level::ERROR, "an error"),
            (Level::WARN, "a warning of weather: read"),
            (Level::INFO, "inside"),
            (Level::INFO, "after"),
            (Level::WARN, "outside"),
        ]
    );
    assert_eq!(read, 3, "the fields of what is enabled, each once");
    for event in &seen {
        assert_eq!(event.thread, thread::current().id(), "{event:?}");
        assert_eq!(
            event.fields["plugin_target"], "fixture_logging",
            "{event:?}"
        );
        assert!(event.fields["file"].ends_with("lib.rs"), "{event:?}");
    }
    assert_eq!(
        seen[1].fields["fields"],
        r#"{"field":"read","topic":"weather"}"#
    );
    let scopes: Vec<Vec<&str>> = seen
        .iter()
        .map(|s| s.scope.iter().map(String::as_str).collect())
        .collect();
    let outer = r#"outer {"topic":"weather"}"#;
    assert_eq!(scopes[1], ["query"]);
    assert_eq!(scopes[3], ["query", outer, r#"inner {"depth":2}"#]);
    assert_eq!(
        scopes[4],
        ["query", r#"outer {"late":7,"topic":"weather"}"#]
    );
    assert_eq!(scopes[5], ["query"]);
}

/// A level that the host does not want is decided in the plugin: not even the fields are read.
#[test]
fn a_disabled_level_costs_nothing() {
    let _turn = turn();
    let (seen, read) = spoken(LevelFilter::ERROR);
    assert_eq!(messages(&seen), [(Level::ERROR, "an error")]);
    assert_eq!(read, 1);
    let (seen, read) = spoken(LevelFilter::TRACE);
    // The host's own event of the call is one more.
    let own = seen
        .iter()
        .filter(|event| event.fields.contains_key("plugin_target"));
    assert_eq!((own.count(), read), (9, 6), "{seen:?}");
}
