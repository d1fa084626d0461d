//! What a call through a plugin costs, beside the same code linked in and beside raw
//! `datafusion-ffi`. Writes the table of `docs/performance.md` to standard output at its end.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "benches")]

#[path = "functions/aggregate.rs"]
mod aggregate;
#[path = "functions/measured.rs"]
mod measured;
#[path = "functions/report.rs"]
mod report;
#[path = "functions/scalar.rs"]
mod scalar;
#[path = "functions/table.rs"]
mod table;
#[path = "functions/tpch.rs"]
mod tpch;
#[path = "functions/window.rs"]
mod window;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    scalar::bench(&mut criterion);
    table::bench(&mut criterion);
    aggregate::bench(&mut criterion);
    window::bench(&mut criterion);
    tpch::bench(&mut criterion);
    criterion.final_summary();
    report::print();
}
