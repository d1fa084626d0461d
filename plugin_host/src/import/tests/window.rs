use super::{MANY, ONE, SMALL, assert_all_same, windows};

const RUNS: [super::Run; 3] = [ONE, SMALL, MANY];

#[tokio::test]
async fn ranks() {
    let queries = [
        "SELECT id, $row_number() OVER (ORDER BY id) a, $row_number() OVER (PARTITION BY g ORDER BY id) b, \
         $rank() OVER (ORDER BY h) c, $dense_rank() OVER (PARTITION BY g ORDER BY h) d \
         FROM t ORDER BY id",
        "SELECT id, $percent_rank() OVER (PARTITION BY g ORDER BY h) a, \
         $cume_dist() OVER (ORDER BY h) b, $ntile(7) OVER (PARTITION BY g ORDER BY id) c, \
         $ntile(4) OVER (ORDER BY id DESC) d FROM t ORDER BY id",
        "SELECT id, $row_number() OVER () IS NOT NULL a FROM t ORDER BY id",
        "SELECT id, $rank() OVER (ORDER BY g, s DESC) a, $dense_rank() OVER (ORDER BY s NULLS FIRST, g) b \
         FROM t ORDER BY id",
    ];
    assert_all_same(windows, &RUNS, &queries).await;
}

#[tokio::test]
async fn lag_and_lead() {
    let queries = [
        "SELECT id, $lag(x) OVER (ORDER BY id) a, $lead(x) OVER (ORDER BY id) b, \
         $lag(s, 3) OVER (PARTITION BY g ORDER BY id) c, $lead(s, 2, 'none') OVER (PARTITION BY g ORDER BY id) d \
         FROM t ORDER BY id",
        "SELECT id, $lag(x, 1, -1) OVER (ORDER BY id DESC) a, $lead(y, 0) OVER (ORDER BY id) b, \
         $lag(d, 400) OVER (ORDER BY id) c, $lead(d, -2) OVER (ORDER BY id) e FROM t ORDER BY id",
        "SELECT id, $lag(x) IGNORE NULLS OVER (ORDER BY id) a, \
         $lag(x, 4) IGNORE NULLS OVER (PARTITION BY g ORDER BY id) b, \
         $lead(x) IGNORE NULLS OVER (ORDER BY id) c, \
         $lead(s, 3, 'none') IGNORE NULLS OVER (PARTITION BY g ORDER BY id) d FROM t ORDER BY id",
        "SELECT id, $lag(NULL, 1, false) OVER (ORDER BY id) a, $lag(x + 1, 1 + 1) OVER (ORDER BY id) b \
         FROM t ORDER BY id",
    ];
    assert_all_same(windows, &RUNS, &queries).await;
}

#[tokio::test]
async fn values_of_frames() {
    let queries = [
        "SELECT id, $first_value(x) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING) a, \
         $last_value(s) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING) b, \
         $nth_value(d, 2) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) c \
         FROM t ORDER BY id",
        "SELECT id, $first_value(x) OVER (ORDER BY id) a, $last_value(x) OVER (ORDER BY id) b, \
         $nth_value(x, 5) OVER (PARTITION BY g ORDER BY id) c, $nth_value(x, -3) OVER (ORDER BY id) d \
         FROM t ORDER BY id",
        "SELECT id, $first_value(x) IGNORE NULLS OVER (PARTITION BY g ORDER BY id) a, \
         $last_value(x) IGNORE NULLS OVER (ORDER BY id ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING) b, \
         $nth_value(x, 2) IGNORE NULLS OVER (ORDER BY id ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING) c, \
         $nth_value(x, -2) IGNORE NULLS OVER (ORDER BY id ROWS BETWEEN 5 PRECEDING AND 2 FOLLOWING) d \
         FROM t ORDER BY id",
        "SELECT id, $first_value(id) OVER (ORDER BY h, id RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) a, \
         $last_value(id) OVER (PARTITION BY g ORDER BY h, id GROUPS BETWEEN 2 PRECEDING AND 1 FOLLOWING) b, \
         $first_value(y) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING) c, \
         $last_value(y) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) d \
         FROM t ORDER BY id",
    ];
    assert_all_same(windows, &RUNS, &queries).await;
}

#[tokio::test]
async fn reversed_windows() {
    let queries = [
        "SELECT id, $lag(x) OVER (ORDER BY id) a, $lag(x) OVER (ORDER BY id DESC) b, \
         $lead(x, 2) IGNORE NULLS OVER (ORDER BY id DESC) c FROM sorted ORDER BY id",
        "SELECT id, $first_value(x) OVER (ORDER BY id DESC ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING) a, \
         $last_value(x) OVER (ORDER BY id DESC ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING) b, \
         $nth_value(x, 2) OVER (ORDER BY id DESC ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING) c \
         FROM sorted ORDER BY id",
        "SELECT id, $row_number() OVER (ORDER BY id DESC) a FROM sorted ORDER BY id",
    ];
    assert_all_same(windows, &RUNS, &queries).await;
}

#[tokio::test]
async fn orders_and_limits() {
    let queries = [
        "SELECT id, $row_number() OVER (ORDER BY id) rn FROM sorted ORDER BY rn",
        "SELECT id, $rank() OVER (ORDER BY id) r FROM sorted ORDER BY r LIMIT 10",
        "SELECT id, $row_number() OVER (ORDER BY id) rn FROM t LIMIT 5",
        "SELECT id, $lead(x, 3) OVER (ORDER BY id) l FROM t LIMIT 5",
        "SELECT id, $lead(x) OVER (ORDER BY id) l, $lag(x, 9) OVER (ORDER BY id) m FROM t LIMIT 5",
        "SELECT id, $ntile(3) OVER (ORDER BY id) n FROM t LIMIT 5",
        "SELECT id, $first_value(x) OVER (ORDER BY id) f FROM t LIMIT 5",
    ];
    assert_all_same(windows, &RUNS, &queries).await;
}
