//! Plans and rows of queries over a plugin's tables.

use datafusion::physical_plan::ExecutionPlanProperties;

use super::*;

#[tokio::test]
async fn queries_are_planned_and_answered_as_linked_in() {
    for sql in [
        "select * from tables.books order by id",
        "select id, price from tables.books where id between 10 and 20 order by id",
        // The order of the partitions is merged, not sorted again.
        "select id from tables.books order by id limit 5",
        "select title from tables.books order by id desc limit 3",
        "select count(*), sum(price), min(id), max(id) from tables.books",
        "select title, count(*) c from tables.books group by title order by title",
        // Statistics decide which side is built.
        "select b.id, l.amount from tables.books b join tables.ledger l on b.id = l.account
            order by 1",
        "select l.account from tables.ledger l join tables.books b on b.id = l.account
            where b.price is not null order by 1",
        "select * from shelf(30, 'inexact') where title = 'title 3' order by id",
        "select * from shelf(30, 'unsupported') where price > 5 order by id",
        "select id, row_number() over (order by id) from tables.books order by id limit 4",
        "with cheap as (select * from tables.books where price < 3)
            select count(*) from cheap where id in (select account from tables.ledger)",
        "select count(*) from tables.books a join tables.books b using (id) where a.id % 2 = 0",
        "select * from library.stacks.maps order by account",
        "select id from library.stacks.books where id = 7 or id is null",
        "select id + 1 as next, id from tables.books order by id limit 2",
        "select count(distinct title) from tables.books where title like '%3'",
        "select * from (select id from tables.books limit 10) order by id",
        "select id from tables.books order by id limit 3 offset 4",
    ] {
        same(sql).await;
    }
}

#[tokio::test]
async fn exact_statistics_answer_without_a_scan() {
    let context = loaded();
    let plan = plan(&context, "select count(*) from tables.books")
        .await
        .unwrap();
    assert!(plan.contains("PlaceholderRowExec"), "{plan}");
}

#[tokio::test]
async fn views_statements_and_copies_read_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let [linked_in, loaded] = both();
    let mut copies = Vec::new();
    for (i, context) in [linked_in, loaded].into_iter().enumerate() {
        let run = |sql: String| {
            let context = &context;
            async move { context.sql(&sql).await.unwrap().collect().await.unwrap() }
        };
        run("create view dear as select * from tables.books where price > 200".into()).await;
        run("prepare dearer(double) as select id from dear where price > $1 order by id".into())
            .await;
        let file = folder.path().join(format!("{i}.csv"));
        let query = "select id, price from dear order by id";
        run(format!("copy ({query}) to '{}'", file.display())).await;
        let rows = run("execute dearer(240)".into()).await;
        let rows = pretty_format_batches(&rows).unwrap().to_string();
        copies.push((std::fs::read_to_string(file).unwrap(), rows));
    }
    assert_eq!(copies[0], copies[1]);
    assert!(copies[0].0.lines().count() > 100);
}

#[tokio::test]
async fn two_sessions_use_one_table_at_once() {
    let (one, other) = (loaded(), loaded());
    let sql = "select count(*) from tables.books a, tables.books b where a.id = b.id";
    let (a, b) = tokio::join!(answer(&one, sql), answer(&other, sql));
    assert!(a.contains("1000"), "{a}");
    assert_eq!(a, b);
}

/// Orders, constants, equalities and partitions of expressions spare the same work as linked in.
#[tokio::test]
async fn what_is_known_of_expressions_is_used() {
    let [linked_in, loaded] = both();
    for (sql, spared) in [
        ("select * from tables.spread order by a + b", "SortExec"),
        (
            "select a, b from tables.spread order by a + b, upper(word) desc",
            "SortExec",
        ),
        // DataFusion does not see through the order of these columns.
        (
            "select word, b, a from tables.spread order by abs(b), a + b",
            "",
        ),
        (
            "select upper(word) as loud, count(*) from tables.spread group by upper(word)",
            "",
        ),
        (
            "select a, twice from tables.spread where a * 2 = twice order by a + b",
            "",
        ),
        // Nothing is known of these.
        ("select * from tables.spread order by a - b, word", ""),
        (
            "select a, count(*) from tables.spread group by a order by a",
            "",
        ),
    ] {
        let expected = plan(&linked_in, sql).await.unwrap();
        assert_eq!(plan(&loaded, sql).await.unwrap(), expected, "{sql}");
        if !spared.is_empty() {
            assert!(!expected.contains(spared), "{sql}: {expected}");
        }
        let sorted = |answer: String| {
            let mut lines: Vec<_> = answer.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let rows = sorted(answer(&linked_in, sql).await);
        assert_eq!(sorted(answer(&loaded, sql).await), rows, "{sql}");
    }
    let known = async |context: &SessionContext| {
        let scan = context.table("tables.spread").await.unwrap();
        let scan = scan.create_physical_plan().await.unwrap();
        let properties = scan.equivalence_properties();
        let constants = properties.constants().into_iter();
        let constants = constants
            .map(|constant| format!("{} {:?}", constant.expr, constant.across_partitions))
            .collect::<Vec<_>>()
            .join(", ");
        let group = properties.eq_group();
        format!(
            "{properties}, {group}, {constants}, {}",
            scan.output_partitioning()
        )
    };
    let expected = known(&linked_in).await;
    assert_eq!(known(&loaded).await, expected);
    for part in ["abs(b@1)", "a@0 * 2", "upper(word@3) DESC"] {
        assert!(expected.contains(part), "{part}: {expected}");
    }
}
