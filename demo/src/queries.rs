//! The queries of the demo: at least one for each kind of function.
//!
//! None has a double quote in it, because the demo shows them in double quotes.

/// What a query shows, and the query. The tables are Parquet files, queried by path.
pub const QUERIES: &[(&str, &str)] = &[
    (
        "a scalar function of the example plugin",
        "SELECT example.greet(n_name) AS greeting FROM 'tpch/nation.parquet' ORDER BY n_name LIMIT 3",
    ),
    (
        "an async scalar function",
        "SELECT r_name, example.slow_greet(r_name) AS greeting FROM 'tpch/region.parquet' ORDER BY r_name",
    ),
    (
        "an aggregate function",
        "SELECT l_returnflag, example.geometric_mean(l_quantity) AS quantity \
         FROM 'tpch/lineitem.parquet' GROUP BY l_returnflag ORDER BY l_returnflag",
    ),
    (
        "a window function",
        "SELECT o_orderkey, o_totalprice, example.smooth(o_totalprice) OVER (ORDER BY o_orderkey) AS smoothed \
         FROM 'tpch/orders.parquet' ORDER BY o_orderkey LIMIT 5",
    ),
    ("a table function", "SELECT * FROM example_countdown(3)"),
    (
        "Spark's functions, over the line items of TPC-H",
        "SELECT format_string('%s, %s', l_returnflag, l_linestatus) AS line, \
         count(*) AS items, try_sum(l_linenumber) AS lines, sha2(max(l_shipmode), 224) AS digest \
         FROM 'tpch/lineitem.parquet' GROUP BY l_returnflag, l_linestatus ORDER BY line",
    ),
    ("what the host knows about them", "SELECT * FROM plugins()"),
];

#[cfg(test)]
mod tests {
    use super::QUERIES;

    #[test]
    fn queries_can_be_shown_in_double_quotes() {
        for (title, sql) in QUERIES {
            assert!(!sql.contains(['"', '$', '`', '\\', '!']), "{title}: {sql}");
        }
    }
}
