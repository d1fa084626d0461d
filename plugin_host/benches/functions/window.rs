//! Window functions over a million rows in a hundred partitions.

use criterion::Criterion;

use super::aggregate::{bench_query, table};

pub fn bench(criterion: &mut Criterion) {
    let table = table(100);
    for (id, function) in [
        ("whole_partition", "running_total"),
        ("row_by_row", "previous"),
    ] {
        let sql = format!(
            "select max(w) from (select {function}(x) over (partition by g order by x) w from t)"
        );
        bench_query(criterion, "window", id, &table, &sql);
    }
}
