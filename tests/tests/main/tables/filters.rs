//! Filters: every family of predicates against every kind of pushdown, with the rows of the same
//! query over a table that applies none.

use super::*;

const PREDICATES: &[&str] = &[
    "id = 7",
    "id <> 7",
    "id < 10 and id >= 3",
    "id < 3 or id > 95",
    "not (id < 90)",
    "id in (1, 2, 3, 500)",
    "id not in (1, 2, 3)",
    "id between 10 and 20",
    "id not between 10 and 90",
    "price is null",
    "price is not null",
    "price > 10.5",
    "price > 10.5 is not true",
    "price > 10.5 is unknown",
    "title like 'title 3%'",
    "title not like '%3'",
    "title ilike 'TITLE 3'",
    "title = 'title 3' and price is not null",
    "cast(id as varchar) = '12'",
    "try_cast(title as bigint) is null",
    "case when id > 50 then price else -price end > 3",
    "id + 1 = 8",
    "-id < -90",
    "id % 7 = 0",
    "upper(title) = 'TITLE 4'",
    "array_length([id, 1]) = 2 and id < 4",
    "regexp_like(title, '[34]$')",
    "date_part('year', to_timestamp(id)) = 1970 and id > 95",
    "abs(price - 10) < 1",
    "coalesce(price, 0) = 0",
    "title similar to '%(3|4)'",
    "title ~ '[34]$'",
    "id = (select max(account) from tables.ledger)",
    "exists (select 1 from tables.ledger where account = id)",
    "id in (select account from tables.ledger)",
    "arrow_cast(id, 'Int8') = 5",
    "price = 'NaN'::double or id = 1",
    "null::boolean",
    "false",
    "true",
];

#[tokio::test]
async fn no_row_is_lost_or_added() {
    let [linked_in, loaded] = both();
    for predicate in PREDICATES {
        let query = |pushdown| {
            format!("select * from shelf(100, '{pushdown}') where {predicate} order by id")
        };
        let expected = answer(&linked_in, &query("unsupported")).await;
        assert!(!expected.starts_with("error"), "{predicate}: {expected}");
        for pushdown in ["exact", "inexact", "unsupported"] {
            let sql = query(pushdown);
            assert_eq!(answer(&loaded, &sql).await, expected, "{sql}");
            assert_eq!(answer(&linked_in, &sql).await, expected, "{sql}, linked in");
        }
    }
}

#[tokio::test]
async fn each_answer_keeps_or_drops_the_filter_above() {
    let context = loaded();
    for (pushdown, above, inside) in [
        ("exact", false, true),
        ("inexact", true, false),
        ("unsupported", true, false),
    ] {
        let sql = format!("select * from shelf(100, '{pushdown}') where id > 90");
        let plan = plan(&context, &sql).await.unwrap();
        assert_eq!(plan.contains("FilterExec"), above, "{pushdown}: {plan}");
        assert_eq!(
            plan.contains("filter=id@0 > 90"),
            inside,
            "{pushdown}: {plan}"
        );
    }
}

#[tokio::test]
async fn filters_with_functions_of_datafusion_are_pushed_down() {
    let context = loaded();
    let sql = "select * from shelf(100, 'exact') where upper(title) = 'TITLE 3'";
    let plan = plan(&context, sql).await.unwrap();
    assert!(!plan.contains("FilterExec"), "{plan}");
    assert!(plan.contains("filter=upper(title"), "{plan}");
}

#[tokio::test]
async fn a_filter_that_the_plugin_does_not_know_stays_above() {
    let context = loaded();
    // Functions of lists are not among those that plugins bring along.
    let sql = "select * from shelf(100, 'exact') where id > 90 and array_length([id, 1]) = 2";
    let plan = plan(&context, sql).await.unwrap();
    assert!(plan.contains("FilterExec: array_length("), "{plan}");
    assert!(plan.contains("filter=id@0 > 90"), "{plan}");
}
