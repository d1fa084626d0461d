//! Inserts, deletes and updates.

use super::*;

/// Runs statements in both sessions and compares each answer.
async fn same_after(statements: &[&str]) -> Vec<String> {
    let [linked_in, loaded] = both();
    let mut answers = Vec::new();
    for sql in statements {
        let expected = answer(&linked_in, sql).await;
        let found = answer(&loaded, sql).await;
        // A plugin's error says where it comes from.
        match expected.strip_prefix("error: ") {
            Some(error) => assert!(found.contains(error), "{sql}: {found}, expected {error}"),
            None => assert_eq!(found, expected, "{sql}"),
        }
        answers.push(found);
    }
    answers
}

#[tokio::test]
async fn rows_are_inserted_deleted_and_updated() {
    let create = "create external table t (id bigint, name varchar default 'nobody')
        stored as memory location 'anywhere'";
    let answers = same_after(&[
        create,
        "insert into t select id, title from tables.books where id < 100",
        "select count(*), min(name) from t",
        "insert into t (id) values (1000)",
        "select * from t where id = 1000",
        "delete from t where id between 10 and 19",
        "select count(*) from t",
        "update t set name = 'old', id = id + 1000 where id < 5",
        "select * from t where name = 'old' order by id",
        "update t set name = upper(name) where id = 1004",
        "delete from t where upper(name) = 'NOBODY'",
        "insert overwrite t values (1, 'one')",
        "select * from t order by id",
        "truncate table t",
        "delete from t",
        "select count(*) from t",
    ])
    .await;
    assert!(answers[4].contains("nobody"), "{}", answers[4]);
    assert!(answers[6].contains("91"), "{}", answers[6]);
}

#[tokio::test]
async fn an_insert_is_planned_as_linked_in() {
    let [linked_in, loaded] = both();
    for sql in [
        "insert into tables.ledger values (7, 8)",
        // Four partitions of input: the sink wants one.
        "insert into tables.ledger select id, id + 1 from tables.books where id % 2 = 0",
        "insert into tables.ledger select title_id, count(*) from
            (select id % 10 as title_id from tables.books) group by title_id",
    ] {
        let expected = plan(&linked_in, sql).await.unwrap();
        assert_eq!(plan(&loaded, sql).await.unwrap(), expected, "{sql}");
    }
}

#[tokio::test]
async fn a_merge_arrives_whole() {
    let answers = same_after(&[
        "merge into tables.merging as m
            using (select id as key, title, 'x' as \"Quoted\" from tables.books) as s
            on m.id = s.key and abs(s.key) > 2
            when matched and upper(s.title) = m.note or s.\"Quoted\" is null then update set note = concat(m.note, s.title)
            when matched then delete
            when not matched then insert (id, note) values (s.key + 1, trim(s.title))
            when not matched by target and s.key > 7 then insert (id) values (s.key)
            when not matched by source and m.id in (1, 2) then update set note = 'left'
            when not matched by source then delete",
        "merge into tables.merging using tables.ledger as l on merging.id = l.account
            when matched then update set note = cast(l.amount as varchar)",
        "merge into tables.ledger using tables.books on books.id = ledger.account when matched then delete",
    ])
    .await;
    for part in [
        "NotMatchedBySource",
        "Quoted",
        "\"unit\": \"line\"",
        "trim(",
    ] {
        assert!(answers[0].contains(part), "{part}: {}", answers[0]);
    }
    assert!(
        answers[2].contains("MERGE INTO not supported"),
        "{}",
        answers[2]
    );
}

#[tokio::test]
async fn an_error_in_the_input_fails_the_insert() {
    let [linked_in, loaded] = both();
    for context in [linked_in, loaded] {
        let sql = "insert into library.stacks.maps select 1 / (account - 2), 0 from tables.ledger";
        let error = answer(&context, sql).await;
        assert!(error.contains("Divide by zero"), "{error}");
    }
}

/// DataFusion 55 hands a table only the predicates that speak of the table alone.
#[tokio::test]
async fn statements_that_would_change_too_many_rows_are_refused() {
    let context = loaded();
    let create = "create external table t (id bigint) stored as memory location 'anywhere'";
    answer(&context, create).await;
    answer(
        &context,
        "insert into t select id from tables.books where id < 10",
    )
    .await;
    for sql in [
        "delete from t where id > 7 and id in (select 9)",
        "delete from t where exists (select 1 from tables.ledger where account = id)",
        "delete from t where id > 7 limit 1",
        "update t set id = 0 where id = (select max(account) from tables.ledger)",
    ] {
        let refused = answer(&context, sql).await;
        assert!(refused.contains("only a part of it"), "{sql}: {refused}");
    }
    let count = answer(&context, "select count(*) from t where id > 0").await;
    assert!(count.contains("9"), "{count}");
}
