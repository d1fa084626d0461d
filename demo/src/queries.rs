//! The queries of the demo: at least one for each kind of function.
//!
//! None has a double quote in it, because the demo shows them in double quotes.

/// What a query shows, and the query. The tables are Parquet files, queried by path.
pub const QUERIES: &[(&str, &str)] = &[
    (
        "a scalar function of the example plugin; FROM takes a file",
        "
SELECT example.greet(n_name) AS greeting
FROM 'tpch/nation.parquet' ORDER BY n_name LIMIT 3",
    ),
    (
        "an async scalar function",
        "
SELECT r_name, example.slow_square(r_regionkey) AS squared
FROM 'tpch/region.parquet' ORDER BY r_regionkey LIMIT 3",
    ),
    (
        "an aggregate function",
        "
SELECT l_returnflag, round(example.geometric_mean(l_extendedprice), 2) AS typical_price
FROM 'tpch/lineitem.parquet' GROUP BY l_returnflag ORDER BY l_returnflag",
    ),
    (
        "a window function: orders of one status in a row",
        "
SELECT o_orderkey, o_orderstatus,
  example.run_length(o_orderstatus) OVER (ORDER BY o_orderkey) AS run
FROM 'tpch/orders.parquet' ORDER BY o_orderkey LIMIT 6",
    ),
    (
        "a table function, joined with a file",
        "
SELECT value AS year, count(*) AS orders
FROM example.series(1995, 1999) JOIN 'tpch/orders.parquet' ON date_part('year', o_orderdate) = value
GROUP BY value ORDER BY value",
    ),
    (
        "Spark's functions; a bare name will do where no other function has it",
        "
SELECT l_shipmode, soundex(l_shipmode) AS soundex, try_sum(l_quantity) AS quantity,
  monthname(max(l_shipdate)) AS last_month,
  format_string('%,.2f', sum(CAST(l_extendedprice AS DOUBLE))) AS price
FROM 'tpch/lineitem.parquet' GROUP BY l_shipmode ORDER BY l_shipmode",
    ),
    (
        "what the host knows about its plugins",
        "
SELECT plugin, kind, count(*) AS functions
FROM plugin_functions() GROUP BY plugin, kind ORDER BY plugin, kind",
    ),
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
