//! What it costs to inspect, load and install.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "benches")]

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use criterion::Criterion;
use datafusion::prelude::SessionContext;
use datafusion_plugin_host::{PluginHost, artifact::Artifact};

/// The library of `plugins/example`, which Cargo builds beside this bench.
fn example() -> PathBuf {
    let name = format!(
        "{}datafusion_plugin_example{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    std::env::current_exe().unwrap().with_file_name(name)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().unwrap();
    let copy = |number: usize| {
        let path = folder.path().join(format!("{number}.so"));
        fs::copy(example(), &path).unwrap();
        path
    };

    let artifacts: Vec<_> = (0..100).map(copy).collect();
    criterion.bench_function("inspect_100_artifacts", |bencher| {
        bencher.iter(|| {
            for path in &artifacts {
                Artifact::read(path).unwrap();
            }
        });
    });

    // A library that is mapped already loads at once, so each load is of a copy of its own.
    let mut next = 100;
    criterion.bench_function("load_and_install_example", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            for _ in 0..iterations {
                let path = copy(next);
                next += 1;
                let context = SessionContext::new();
                let start = Instant::now();
                let host = PluginHost::builder().plugin_file(&path).load().unwrap();
                host.install(&context);
                spent += start.elapsed();
                fs::remove_file(&path).unwrap();
            }
            spent
        });
    });
    criterion.final_summary();
}
