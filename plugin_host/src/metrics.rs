//! What was counted, for those who watch: rows, Prometheus' text, events.

use std::{collections::BTreeMap, fmt::Write};

use crate::{ItemKind, MetricsSnapshot, Quarantine, RetainedLibrary, import::metrics::ItemMetrics};

/// The counters of one item of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeasuredItem {
    /// The plugin's name.
    pub plugin: String,
    /// The item's name.
    pub item: String,
    /// The item's kind.
    pub kind: ItemKind,
    /// Its counters.
    pub metrics: MetricsSnapshot,
}

impl MeasuredItem {
    pub(crate) fn new(plugin: &str, item: &str, kind: ItemKind, metrics: &ItemMetrics) -> Self {
        Self {
            plugin: plugin.to_owned(),
            item: item.to_owned(),
            kind,
            metrics: metrics.snapshot(),
        }
    }
}

type Value = fn(&MetricsSnapshot) -> u64;

/// Name, type, help and value.
const FAMILIES: [(&str, &str, &str, Value); 10] = [
    ("calls_total", "counter", "Calls on data.", |m| m.calls),
    ("batches_total", "counter", "Batches handed over.", |m| {
        m.batches
    }),
    ("rows_total", "counter", "Rows handed over.", |m| m.rows),
    ("errors_total", "counter", "Calls that failed.", |m| {
        m.errors
    }),
    ("panics_total", "counter", "Panics contained.", |m| m.panics),
    (
        "violations_total",
        "counter",
        "Answers that broke the contract.",
        |m| m.violations,
    ),
    (
        "uncarried_total",
        "counter",
        "Plans that could not be carried to a rule.",
        |m| m.uncarried,
    ),
    (
        "refused_total",
        "counter",
        "Calls not made in quarantine.",
        |m| m.refused,
    ),
    ("reserved_bytes", "gauge", "Bytes reserved now.", |m| {
        m.reserved_bytes
    }),
    (
        "reserved_bytes_peak",
        "gauge",
        "Most bytes reserved.",
        |m| m.reserved_bytes_peak,
    ),
];

/// The counters in Prometheus' exposition format.
pub(crate) fn prometheus(
    items: &[MeasuredItem],
    plugins: &[(String, Option<Quarantine>)],
    retained: &[RetainedLibrary],
) -> String {
    let mut text = String::new();
    for (name, kind, help, value) in FAMILIES {
        head(&mut text, name, kind, help);
        for item in items {
            sample(&mut text, name, item, value(&item.metrics));
        }
    }
    head(
        &mut text,
        "seconds_total",
        "counter",
        "Time spent in calls on data.",
    );
    for item in items {
        let seconds = item.metrics.nanoseconds as f64 / 1e9;
        sample(&mut text, "seconds_total", item, seconds);
    }
    head(
        &mut text,
        "quarantined",
        "gauge",
        "Whether the plugin is in quarantine.",
    );
    for (plugin, quarantine) in plugins {
        let (plugin, state) = (escaped(plugin), u8::from(quarantine.is_some()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "datafusion_plugin_quarantined{{plugin=\"{plugin}\"}} {state}"
        );
    }
    head(
        &mut text,
        "retained_bytes",
        "gauge",
        "Bytes of libraries that are mapped and not in use.",
    );
    let mut bytes: BTreeMap<&str, u64> = BTreeMap::new();
    for library in retained {
        *bytes.entry(&library.plugin).or_default() += library.bytes;
    }
    for (plugin, bytes) in bytes {
        let plugin = escaped(plugin);
        let _ = writeln!(
            text,
            "datafusion_plugin_retained_bytes{{plugin=\"{plugin}\"}} {bytes}"
        );
    }
    text
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP datafusion_plugin_{name} {help}");
    let _ = writeln!(text, "# TYPE datafusion_plugin_{name} {kind}");
}

fn sample(text: &mut String, name: &str, item: &MeasuredItem, value: impl std::fmt::Display) {
    let [plugin, function, kind] =
        [&item.plugin, &item.item, &item.kind.to_string()].map(|label| escaped(label));
    let _ = writeln!(
        text,
        "datafusion_plugin_{name}{{plugin=\"{plugin}\",item=\"{function}\",kind=\"{kind}\"}} {value}"
    );
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// The counters of items that were called, as events.
pub(crate) fn trace(items: &[MeasuredItem]) {
    for MeasuredItem {
        plugin,
        item,
        kind,
        metrics,
    } in items
    {
        if metrics.calls + metrics.errors + metrics.refused == 0 {
            continue;
        }
        tracing::info!(
            plugin,
            item,
            %kind,
            calls = metrics.calls,
            batches = metrics.batches,
            rows = metrics.rows,
            nanoseconds = metrics.nanoseconds,
            errors = metrics.errors,
            panics = metrics.panics,
            violations = metrics.violations,
            uncarried = metrics.uncarried,
            refused = metrics.refused,
            reserved_bytes = metrics.reserved_bytes,
            reserved_bytes_peak = metrics.reserved_bytes_peak,
            "metrics"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_prometheus() {
        let metrics = MetricsSnapshot {
            calls: 3,
            batches: 2,
            rows: 2048,
            nanoseconds: 1_500_000,
            errors: 1,
            panics: 1,
            ..MetricsSnapshot::default()
        };
        let items = [MeasuredItem {
            plugin: "p".to_owned(),
            item: "a \"b\"\\\n".to_owned(),
            kind: ItemKind::AsyncScalar,
            metrics,
        }];
        let text = prometheus(&items, &[("p".to_owned(), None)], &[]);
        let labels = r#"{plugin="p",item="a \"b\"\\\n",kind="async scalar"}"#;
        for line in [
            "# TYPE datafusion_plugin_calls_total counter".to_owned(),
            format!("datafusion_plugin_calls_total{labels} 3"),
            format!("datafusion_plugin_batches_total{labels} 2"),
            format!("datafusion_plugin_rows_total{labels} 2048"),
            format!("datafusion_plugin_seconds_total{labels} 0.0015"),
            format!("datafusion_plugin_errors_total{labels} 1"),
            format!("datafusion_plugin_panics_total{labels} 1"),
            format!("datafusion_plugin_violations_total{labels} 0"),
            "# TYPE datafusion_plugin_reserved_bytes gauge".to_owned(),
            "datafusion_plugin_quarantined{plugin=\"p\"} 0".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with('\n'));
        // A name's head comes once, right before its samples.
        let heads = text.lines().filter(|line| line.starts_with("# TYPE"));
        assert_eq!(heads.count(), FAMILIES.len() + 3);
    }
}
