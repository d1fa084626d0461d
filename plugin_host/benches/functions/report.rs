//! The measured figures as the Markdown table of `docs/performance.md`.

use std::{fs, path::PathBuf};

use super::{aggregate, measured::Place, scalar, table};

/// Criterion's estimate of the median, in nanoseconds.
fn median(group: &str, place: Place, id: &str) -> Option<f64> {
    // `target/PROFILE/deps/functions-HASH`
    let target: PathBuf = std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned();
    let file = target
        .join("criterion")
        .join(group)
        .join(place.name())
        .join(id)
        .join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn row(group: &str, id: &str, per: f64, bar: &str) {
    let value = |place| median(group, place, id).map(|nanoseconds| nanoseconds / per);
    let Some((linked, plugin)) = value(Place::LinkedIn).zip(value(Place::Plugin)) else {
        return;
    };
    let micros = |value: f64| format!("{:.3}", value / 1000.0);
    let (raw, against) = match value(Place::RawFfi) {
        Some(raw) => {
            let times = (raw - linked) / (plugin - linked);
            (micros(raw), format!("{times:.0}"))
        }
        None => ("-".to_owned(), "-".to_owned()),
    };
    println!(
        "| {group} {id} | {} | {} | {} | {} | {:.3} | {against} | {bar} |",
        micros(linked),
        micros(plugin),
        raw,
        micros(plugin - linked),
        plugin / linked,
    );
}

pub fn print() {
    println!(
        "| what | linked in (µs) | plugin (µs) | raw datafusion-ffi (µs) | added (µs) | ratio | \
         times less added than raw | bar |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for kind in ["scalar_columns", "scalar_literal"] {
        for rows in scalar::ROWS {
            row(kind, &rows.to_string(), 1.0, "added 1.5 µs, 25 times less");
        }
    }
    for (columns, bar) in table::COLUMNS.into_iter().zip(["6 µs", "90 µs"]) {
        let bar = format!("added {bar} per batch");
        row(
            "table_stream",
            &columns.to_string(),
            table::BATCHES as f64,
            &bar,
        );
    }
    for groups in aggregate::GROUPS {
        row("grouped_aggregate", &groups.to_string(), 1.0, "ratio 1.05");
    }
    for id in ["whole_partition", "row_by_row"] {
        row("window", id, 1.0, "ratio 1.05");
    }
    row("tpch_q1", "0.1", 1.0, "ratio 1.03");
}
