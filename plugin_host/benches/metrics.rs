//! What counting costs a call: the look at the quarantine, the counters and the clock, in one thread
//! and in two that call the same function.

#![allow(missing_docs, reason = "criterion's macros")]

use criterion::{Criterion, criterion_group, criterion_main};
use datafusion_plugin_host::bench::Counting;

fn counting(c: &mut Criterion) {
    let mut group = c.benchmark_group("counting");
    let counting = Counting::default();
    group.bench_function("one_thread", |b| b.iter(|| counting.call(8192)));
    group.bench_function("two_threads", |b| {
        b.iter_custom(|iterations| {
            let begun = std::time::Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..iterations {
                            counting.call(8192);
                        }
                    });
                }
            });
            begun.elapsed()
        });
    });
    group.finish();
}

criterion_group!(benches, counting);
criterion_main!(benches);
