//! What a relation planner costs that declines: per relation of a query, beside the same planner linked
//! in. Half of the pairs measure one first, half the other.

#![allow(missing_docs, reason = "a bench")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "benches")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::PluginHost;
use declining::Declining;

/// Relations of the query.
const RELATIONS: usize = 20;
/// Queries planned per measurement.
const QUERIES: usize = 50;
/// Pairs of measurements.
const PAIRS: usize = 20;

/// The library of the crate `declining`, which Cargo builds beside this bench.
fn library() -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    std::env::current_exe()
        .unwrap()
        .with_file_name(format!("{prefix}declining{suffix}"))
}

fn main() {
    // `cargo test --benches` wants to know that it runs, not how fast.
    let pairs = if std::env::args().any(|argument| argument == "--test") {
        1
    } else {
        PAIRS
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let linked_in = SessionContext::new();
    linked_in
        .register_relation_planner(Arc::new(Declining))
        .unwrap();
    let loaded = SessionContext::new();
    let host = PluginHost::builder()
        .grant_every_capability()
        .plugin_file(library())
        .load()
        .unwrap();
    host.install(&loaded);
    let relations: Vec<_> = (0..RELATIONS).map(|n| format!("t AS t{n}")).collect();
    let sql = format!("SELECT t0.a FROM {}", relations.join(", "));
    for context in [&linked_in, &loaded] {
        runtime
            .block_on(context.sql("CREATE TABLE t (a INT)"))
            .unwrap();
    }
    let measure = |context: &SessionContext| {
        let state = context.state();
        let start = Instant::now();
        for _ in 0..QUERIES {
            runtime.block_on(state.create_logical_plan(&sql)).unwrap();
        }
        start.elapsed().as_secs_f64() * 1e6 / (QUERIES * RELATIONS) as f64
    };
    let mut added = Vec::new();
    let (mut plugins, mut twins) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        let (plugin, twin) = match pair % 2 {
            0 => (measure(&loaded), measure(&linked_in)),
            _ => {
                let twin = measure(&linked_in);
                (measure(&loaded), twin)
            }
        };
        added.push(plugin - twin);
        plugins.push(plugin);
        twins.push(twin);
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "declined relation: plugin {:.1} us, linked in {:.1} us, added {:.1} us (median of {pairs} pairs)",
        median(&mut plugins),
        median(&mut twins),
        median(&mut added),
    );
}
