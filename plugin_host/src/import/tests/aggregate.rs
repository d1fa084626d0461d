use super::{
    MANY, ONE, SKIPPING, SMALL, aggregates, assert_all_same, assert_results_same, install,
};

const RUNS: [super::Run; 3] = [ONE, MANY, SKIPPING];

#[tokio::test]
async fn plain_aggregates() {
    let queries = [
        "SELECT $sum(x), $avg(x), $count(x), $min(x), $max(x), $sum(y), $avg(y) FROM t",
        "SELECT $sum(d), $avg(d), $min(d), $max(d), $min(s), $max(s), $min(y), $max(y) FROM t",
        "SELECT g, $sum(x), $avg(y), $count(s), $min(s), $max(d) FROM t GROUP BY g ORDER BY g",
        "SELECT h, $sum(x), $avg(d), $count(x), $min(y) FROM t GROUP BY h ORDER BY h",
        "SELECT s, g, $sum(x), $count(y), $avg(d) FROM t GROUP BY s, g ORDER BY s, g",
        "SELECT g, $bit_and(x), $bit_or(x), $bit_xor(x) FROM t GROUP BY g ORDER BY g",
        "SELECT $bit_and(x), $bit_or(x), $bit_xor(x), $bool_and(x > 0), $bool_or(x > 0) FROM t",
        "SELECT g, $median(x), $median(y) FROM t GROUP BY g ORDER BY g",
        "SELECT $median(x), $median(d) FROM t",
        "SELECT g, $sum(x + 1), $count(x * y) FROM t GROUP BY g HAVING $sum(x) > 0 ORDER BY g",
    ];
    assert_all_same(aggregates, &RUNS, &queries).await;
}

#[tokio::test]
async fn several_arguments() {
    let queries = [
        "SELECT round($corr(x, y), 6), round($covar_samp(x, y), 3), round($covar_pop(y, x), 3) FROM t",
        "SELECT g, round($corr(x, y), 6), round($regr_slope(y, x), 6) FROM t GROUP BY g ORDER BY g",
        "SELECT g, round($stddev(x), 5), round($stddev_pop(y), 5), round($var(x), 4), \
         round($var_pop(y), 4) FROM t GROUP BY g ORDER BY g",
        "SELECT round($stddev(x), 5), round($var(y), 5), round($regr_r2(y, x), 6) FROM t",
        "SELECT h, $string_agg(s, ',' ORDER BY id) FROM t GROUP BY h ORDER BY h",
        "SELECT $string_agg(s, '; ' ORDER BY s, id) FROM t",
    ];
    assert_all_same(aggregates, &RUNS, &queries).await;
}

#[tokio::test]
async fn distinct_and_filter() {
    let queries = [
        "SELECT $count(DISTINCT x), $count(DISTINCT s), $count(DISTINCT y) FROM t",
        "SELECT $sum(DISTINCT x), $avg(DISTINCT y), $median(DISTINCT x) FROM t",
        "SELECT g, $count(DISTINCT x), $sum(x), $count(DISTINCT s) FROM t GROUP BY g ORDER BY g",
        "SELECT g, $count(DISTINCT x) FROM t GROUP BY g ORDER BY g",
        "SELECT $count(x) FILTER (WHERE y > 100), $sum(x) FILTER (WHERE s IS NOT NULL) FROM t",
        "SELECT g, $count(DISTINCT x) FILTER (WHERE y > 100), $avg(x) FILTER (WHERE x > 0), \
         $median(x) FILTER (WHERE y < 50), $max(s) FILTER (WHERE false) \
         FROM t GROUP BY g ORDER BY g",
    ];
    assert_all_same(aggregates, &RUNS, &queries).await;
}

#[tokio::test]
async fn ordered_input() {
    let queries = [
        "SELECT $array_agg(x ORDER BY id) FROM t",
        "SELECT g, $array_agg(x ORDER BY id DESC), $array_agg(s ORDER BY s DESC, id) \
         FROM t GROUP BY g ORDER BY g",
        "SELECT g, $array_agg(DISTINCT s ORDER BY s) FROM t GROUP BY g ORDER BY g",
        "SELECT $first_value(x ORDER BY id), $last_value(s ORDER BY y NULLS FIRST, id) FROM t",
        "SELECT g, $first_value(x ORDER BY id), $last_value(x ORDER BY id), \
         $first_value(s ORDER BY x DESC NULLS LAST, id) FROM t GROUP BY g ORDER BY g",
        "SELECT g, $first_value(x ORDER BY id) IGNORE NULLS, \
         $last_value(x ORDER BY id) IGNORE NULLS FROM t GROUP BY g ORDER BY g",
        "SELECT g, $nth_value(x, 3 ORDER BY id), $nth_value(x, -2 ORDER BY id) \
         FROM t GROUP BY g ORDER BY g",
        // Over sorted input the optimizer asks for the beneficial and the reversed function.
        "SELECT $first_value(x ORDER BY id), $last_value(x ORDER BY id) FROM sorted",
        "SELECT $first_value(x ORDER BY id DESC), $last_value(s ORDER BY id DESC) FROM sorted",
        "SELECT g, $array_agg(x ORDER BY id), $array_agg(x ORDER BY id DESC), \
         $first_value(x ORDER BY id DESC), $nth_value(x, 2 ORDER BY id DESC) \
         FROM sorted GROUP BY g ORDER BY g",
        "SELECT id, $sum(x), $count(y) FROM sorted GROUP BY id ORDER BY id LIMIT 20",
    ];
    assert_all_same(aggregates, &RUNS, &queries).await;
}

#[tokio::test]
async fn constant_arguments() {
    let queries = [
        "SELECT $approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY x), \
         $approx_percentile_cont(0.9, 200) WITHIN GROUP (ORDER BY y DESC) FROM t",
        "SELECT g, $approx_percentile_cont(0.25) WITHIN GROUP (ORDER BY y), $approx_median(x), \
         $approx_distinct(s) FROM t GROUP BY g ORDER BY g",
        "SELECT $approx_percentile_cont_with_weight(g, 0.75) WITHIN GROUP (ORDER BY x) FROM t",
        "SELECT g, $percentile_cont(0.25) WITHIN GROUP (ORDER BY y DESC) FROM t GROUP BY g ORDER BY g",
        "SELECT $approx_percentile_cont(0.1 + 0.2) WITHIN GROUP (ORDER BY x) FROM t",
    ];
    // Digests depend on the order in which partitions are merged.
    assert_results_same(aggregates, &[ONE], &queries).await;
}

#[tokio::test]
async fn grouping_sets_and_no_rows() {
    let queries = [
        "SELECT g, s, $sum(x), $count(y) FROM t GROUP BY ROLLUP (g, s) ORDER BY g, s, 3, 4",
        "SELECT g, h, $avg(x), $median(y) FROM t GROUP BY GROUPING SETS ((g), (h), ()) \
         ORDER BY g, h, 3",
        "SELECT $sum(x), $count(x), $avg(y), $min(s), $median(x), $array_agg(x ORDER BY id), \
         $bit_and(x), $first_value(x ORDER BY id), $count(DISTINCT x) FROM t WHERE id < 0",
        "SELECT g, $sum(x), $count(x) FROM t WHERE id < 0 GROUP BY g",
        "SELECT g, (SELECT $count(x) FROM sorted WHERE sorted.g = t.g AND sorted.id < 3) c \
         FROM t ORDER BY g, c LIMIT 30",
    ];
    assert_all_same(aggregates, &[ONE, MANY], &queries).await;
}

#[tokio::test]
async fn statistics_answer_where_they_do_for_the_built_in() {
    let queries = [
        "SELECT $count(x), $count(id) FROM t",
        "SELECT $min(id), $max(id), $min(s) FROM t",
        "SELECT $count(1) FROM sorted",
        "SELECT $count(DISTINCT id) FROM sorted",
    ];
    assert_results_same(aggregates, &[ONE], &queries).await;
    let ctx = super::session(ONE);
    install(&ctx, aggregates());
    for sql in ["SELECT count(id) FROM t", "SELECT p_count(id) FROM t"] {
        let plan = super::rows_of(&ctx, &format!("EXPLAIN {sql}"))
            .await
            .unwrap();
        assert!(plan.contains("PlaceholderRowExec"), "{plan}");
    }
}

#[tokio::test]
async fn window_frames() {
    let queries = [
        "SELECT id, $sum(x) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) a, \
         $avg(y) OVER (ORDER BY id ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) b, \
         $count(x) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING) c, \
         $min(x) OVER (ORDER BY id ROWS BETWEEN 4 PRECEDING AND 2 PRECEDING) m, \
         $max(s) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 4 PRECEDING AND 1 FOLLOWING) n \
         FROM t ORDER BY id",
        "SELECT id, $sum(x) OVER (PARTITION BY g ORDER BY id) a, $avg(d) OVER (PARTITION BY g) b, \
         $count(x) OVER () c, $max(y) OVER (ORDER BY id DESC) e FROM t ORDER BY id",
        "SELECT id, $sum(x) OVER (ORDER BY h RANGE BETWEEN 10 PRECEDING AND 5 FOLLOWING) a, \
         $stddev_pop(g) OVER (ORDER BY h GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) IS NULL b \
         FROM t ORDER BY id",
        "SELECT id, $sum(x) FILTER (WHERE y > 100) OVER (PARTITION BY g ORDER BY id \
         ROWS BETWEEN 6 PRECEDING AND 1 PRECEDING) a FROM t ORDER BY id",
        "SELECT id, $count(DISTINCT x) OVER (PARTITION BY g ORDER BY id \
         ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) a FROM t ORDER BY id",
        "SELECT id, $sum(x) OVER (ORDER BY id) a, $median(x) OVER (ORDER BY id \
         ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) m FROM sorted ORDER BY id LIMIT 100",
        "SELECT id, $array_agg(x) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) a, \
         $bit_xor(x) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) b \
         FROM t ORDER BY id",
    ];
    assert_all_same(aggregates, &[ONE, SMALL, MANY], &queries).await;
}

#[tokio::test]
async fn equal_calls_are_computed_once() {
    let ctx = super::session(ONE);
    install(&ctx, aggregates());
    let sql = "EXPLAIN SELECT p_sum(x), p_sum(x) + 1, p_sum(x) * 2 FROM t";
    let plan = super::rows_of(&ctx, sql).await.unwrap();
    assert!(plan.contains("aggr=[[p_sum(t.x)]]"), "{plan}");
}
