//! Metrics of execution plans.

use std::{borrow::Cow, sync::Arc};

use datafusion_physical_plan::{
    ExecutionPlan, Metric,
    metrics::{Count, Gauge, Label, MetricValue, MetricsSet, PruningMetrics, RatioMetrics, Time},
};

use crate::abi::message::{MetricUnit, ScanMetric};

/// The metrics of a plan: those of its root, and of the nodes below it those that the root does not
/// have. Timestamps and metrics of types of their own are not among them.
pub fn metrics_to_messages(plan: &Arc<dyn ExecutionPlan>) -> Vec<ScanMetric> {
    let mut found: Vec<ScanMetric> = Vec::new();
    let mut level = vec![Arc::clone(plan)];
    while !level.is_empty() {
        let above = found.len();
        for metrics in level.iter().filter_map(|node| node.metrics()) {
            for metric in metrics.iter().filter_map(|metric| to_message(metric)) {
                let known = found[..above].iter().any(|other| other.name == metric.name);
                if !known {
                    found.push(metric);
                }
            }
        }
        level = level
            .iter()
            .flat_map(|node| node.children().into_iter().cloned())
            .collect();
    }
    found
}

fn to_message(metric: &Metric) -> Option<ScanMetric> {
    let (unit, value, other) = match metric.value() {
        MetricValue::Time { time, .. } | MetricValue::ElapsedCompute(time) => {
            (MetricUnit::Time, time.value(), 0)
        }
        MetricValue::Gauge { gauge, .. }
        | MetricValue::PeakMemoryUsage { gauge, .. }
        | MetricValue::CurrentMemoryUsage(gauge) => (MetricUnit::Gauge, gauge.value(), 0),
        MetricValue::PruningMetrics {
            pruning_metrics, ..
        } => (
            MetricUnit::Pruned,
            pruning_metrics.matched(),
            pruning_metrics.pruned(),
        ),
        MetricValue::Ratio { ratio_metrics, .. } => (
            MetricUnit::Ratio,
            ratio_metrics.part(),
            ratio_metrics.total(),
        ),
        MetricValue::StartTimestamp(_)
        | MetricValue::EndTimestamp(_)
        | MetricValue::Custom { .. } => return None,
        counted => (MetricUnit::Count, counted.as_usize(), 0),
    };
    let labels = metric.labels().iter();
    Some(ScanMetric {
        name: metric.value().name().to_owned(),
        partition: metric.partition(),
        unit,
        value,
        other,
        labels: labels
            .map(|label| (label.name().to_owned(), label.value().to_owned()))
            .collect(),
    })
}

/// The metrics of messages.
pub fn metrics_from_messages(metrics: Vec<ScanMetric>) -> MetricsSet {
    let mut set = MetricsSet::new();
    for metric in metrics {
        set.push(Arc::new(from_message(metric)));
    }
    set
}

fn from_message(metric: ScanMetric) -> Metric {
    let ScanMetric {
        name,
        partition,
        unit,
        value,
        other,
        labels,
    } = metric;
    let count = || {
        let count = Count::new();
        count.add(value);
        count
    };
    let time = || {
        let time = Time::new();
        time.add_duration(std::time::Duration::from_nanos(value as u64));
        time
    };
    let gauge = || {
        let gauge = Gauge::new();
        gauge.set(value);
        gauge
    };
    let value = match (unit, name.as_str()) {
        (MetricUnit::Count, "output_rows") => MetricValue::OutputRows(count()),
        (MetricUnit::Count, "output_batches") => MetricValue::OutputBatches(count()),
        (MetricUnit::Count, "output_bytes") => MetricValue::OutputBytes(count()),
        (MetricUnit::Count, "spill_count") => MetricValue::SpillCount(count()),
        (MetricUnit::Count, "spilled_bytes") => MetricValue::SpilledBytes(count()),
        (MetricUnit::Count, "spilled_rows") => MetricValue::SpilledRows(count()),
        (MetricUnit::Time, "elapsed_compute") => MetricValue::ElapsedCompute(time()),
        (MetricUnit::Gauge, "mem_used") => MetricValue::CurrentMemoryUsage(gauge()),
        (MetricUnit::Time, _) => MetricValue::Time {
            time: time(),
            name: Cow::Owned(name),
        },
        (MetricUnit::Gauge, _) => MetricValue::Gauge {
            gauge: gauge(),
            name: Cow::Owned(name),
        },
        (MetricUnit::Pruned, _) => {
            let pruning_metrics = PruningMetrics::new();
            pruning_metrics.add_matched(value);
            pruning_metrics.add_pruned(other);
            MetricValue::PruningMetrics {
                name: Cow::Owned(name),
                pruning_metrics,
            }
        }
        (MetricUnit::Ratio, _) => {
            let ratio_metrics = RatioMetrics::new();
            ratio_metrics.set_part(value);
            ratio_metrics.set_total(other);
            MetricValue::Ratio {
                name: Cow::Owned(name),
                ratio_metrics,
            }
        }
        (MetricUnit::Count, _) => MetricValue::Count {
            count: count(),
            name: Cow::Owned(name),
        },
    };
    let labels = labels
        .into_iter()
        .map(|(name, value)| Label::new(name, value))
        .collect();
    Metric::new_with_labels(value, partition, labels)
}
