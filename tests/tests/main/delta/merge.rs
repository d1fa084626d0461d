//! `MERGE`.

use datafusion::prelude::SessionContext;

use super::{Copy, failure, linked_in, loaded, rows, run, value};

#[tokio::test(flavor = "multi_thread")]
async fn linked_in_merges() {
    rows_are_merged(&linked_in()).await;
    a_row_that_matches_twice_is_an_error(&linked_in()).await;
    a_source_that_fails_writes_nothing(&linked_in()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loaded_merges() {
    rows_are_merged(&loaded()).await;
    a_row_that_matches_twice_is_an_error(&loaded()).await;
    a_source_that_fails_writes_nothing(&loaded()).await;
}

async fn rows_are_merged(context: &SessionContext) {
    let copy = Copy::of("orders");
    copy.as_t(context).await;
    run(
        context,
        "create table s as values (2, 5.5, 'x'), (3, -1.0, 'y'), (20, 6.5, 'z')",
    )
    .await
    .unwrap();
    let sql = "merge into t using s on t.id = s.column1 \
               when matched and s.column2 < 0 then delete \
               when matched then update set amount = s.column2, note = concat(t.region, s.column3) \
               when not matched then insert (id, amount, region) values (s.column1, s.column2 * 2, s.column3)";
    assert_eq!(value(context, sql).await, "3");
    assert_eq!(copy.version(), 6);
    assert_eq!(
        value(context, "select amount, note from t where id = 2").await,
        "5.5 | northx"
    );
    assert_eq!(
        value(context, "select count(*) from t where id = 3").await,
        "0"
    );
    assert_eq!(
        value(context, "select amount, region, note from t where id = 20").await,
        "13.0 | z | NULL"
    );
    assert_eq!(value(context, "select count(*) from t").await, "9");

    // Aliases, a source that is a join with names twice, and rows that the source lacks.
    let sql = "merge into t as o using (select a.column1 as id, b.column1 as other from s a join s b \
               on a.column1 = b.column1 where a.column1 > 2) as n on o.id = n.id \
               when not matched by source and o.region = 'north' then update set note = 'left' \
               when not matched by source then delete \
               when matched then update set amount = n.other";
    let touched = value(context, sql).await;
    assert_eq!(
        rows(context, "select id, amount, note from t").await,
        [
            "1 | 10.0 | left",
            "2 | 5.5 | left",
            "20 | 20.0 | NULL",
            "8 | 80.0 | left",
        ]
    );
    assert_eq!(touched, "9");
}

async fn a_row_that_matches_twice_is_an_error(context: &SessionContext) {
    let copy = Copy::of("orders");
    copy.as_t(context).await;
    let sql = "merge into t using (values (2, 1), (2, 2)) s(id, x) on t.id = s.id \
               when matched then update set amount = s.x";
    let message = failure(context, sql).await;
    assert!(message.to_lowercase().contains("match"), "{message}");
    assert_eq!(copy.version(), 5);
    assert_eq!(
        value(context, "select amount from t where id = 2").await,
        "22.0"
    );
}

async fn a_source_that_fails_writes_nothing(context: &SessionContext) {
    let copy = Copy::of("orders");
    copy.as_t(context).await;
    let sql = "merge into t using (select id, 10 / (id - 3) as x from t) s on t.id = s.id \
               when matched then update set amount = s.x";
    let message = failure(context, sql).await;
    assert!(message.contains("Divide by zero"), "{message}");
    let message = failure(context, "insert into t (id) select 10 / (id - 3) from t").await;
    assert!(message.contains("Divide by zero"), "{message}");
    assert_eq!(copy.version(), 5);
}
