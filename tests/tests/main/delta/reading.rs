//! Tables of another writer, row for row.

use datafusion::{
    physical_plan::statistics::{StatisticsArgs, StatisticsContext},
    prelude::{ParquetReadOptions, SessionContext},
};

use super::{create, facts, linked_in, original, rows, run, same_as_expected, value};

const VERSIONS: [(&str, u64); 5] = [
    ("orders", 5),
    ("changes", 4),
    ("types", 0),
    ("vectors", 2),
    ("mapped", 1),
];

pub(super) async fn every_version_is_read_as_its_writer_reads_it(context: &SessionContext) {
    for (table, latest) in VERSIONS {
        let uri = original(table);
        for version in 0..=latest {
            let sql = format!("select * from read_delta('{uri}', {version})");
            same_as_expected(context, &sql, &format!("{table}.{version}.json")).await;
        }
        let sql = format!("select * from read_delta('{uri}')");
        same_as_expected(context, &sql, &format!("{table}.{latest}.json")).await;
    }
}

pub(super) async fn registered_tables_are_read_too(context: &SessionContext) {
    for (table, latest) in VERSIONS {
        create(context, table, &original(table), "").await.unwrap();
        let sql = format!("select * from {table}");
        same_as_expected(context, &sql, &format!("{table}.{latest}.json")).await;
    }
    create(
        context,
        "then",
        &original("orders"),
        "options (version '1')",
    )
    .await
    .unwrap();
    same_as_expected(context, "select * from then", "orders.1.json").await;
}

/// Predicates of every family; each holds the same rows whether the table or DataFusion applies it.
const PREDICATES: [&str; 24] = [
    "id = 2",
    "id <> 2",
    "id in (1, 2, 77)",
    "id not in (1, 2)",
    "id between 3 and 7",
    "id > 5 and id < 9",
    "id = 1 or region = 'east'",
    "amount > 9.0",
    "amount is null",
    "not (amount > 9.0)",
    "amount + 1 > 10",
    "region = 'north'",
    "region <> 'north'",
    "region is null",
    "region is not null and id > 3",
    "region in ('north', 'east')",
    "region not in ('north', 'east')",
    "region like 'south%'",
    "region = 'a/b=c%d'",
    "coalesce(region, 'none') = 'none'",
    "region is distinct from 'north'",
    "day >= date '2024-01-04'",
    "note is null and region = 'north'",
    "upper(note) = 'NEW'",
];

pub(super) async fn filters_lose_and_add_no_row(context: &SessionContext) {
    let uri = original("orders");
    let columns = "id, region, amount, day, note";
    for predicate in PREDICATES {
        let filtered = format!("select {columns} from read_delta('{uri}') where {predicate}");
        // No filter passes a window function to the scan.
        let after = format!(
            "select {columns} from (select *, row_number() over () from read_delta('{uri}')) \
             where {predicate}"
        );
        assert_eq!(
            rows(context, &filtered).await,
            rows(context, &after).await,
            "{predicate}"
        );
    }
}

pub(super) async fn the_functions_say_what_the_writer_says(context: &SessionContext) {
    for (table, latest) in VERSIONS {
        let (uri, facts) = (original(table), facts(table));
        let sql = format!(
            "select version, num_files, size_in_bytes, min_reader_version, min_writer_version \
             from delta_snapshot('{uri}')"
        );
        let expected = format!(
            "{} | {} | {} | {} | {}",
            facts["version"],
            facts["files"].as_array().unwrap().len(),
            facts["bytes"],
            facts["reader"],
            facts["writer"]
        );
        assert_eq!(value(context, &sql).await, expected, "{table}");
        let sql = format!("select properties from delta_snapshot('{uri}')");
        let properties: serde_json::Value =
            serde_json::from_str(&value(context, &sql).await).unwrap();
        assert_eq!(properties, facts["properties"], "{table}");
        let sql = format!("select path from delta_add_actions('{uri}')");
        let files: Vec<_> = facts["files"].as_array().unwrap().iter().collect();
        assert_eq!(
            rows(context, &sql).await,
            files
                .iter()
                .map(|file| file.as_str().unwrap())
                .collect::<Vec<_>>(),
            "{table}"
        );
        let sql =
            format!("select count(*), min(version), max(version) from delta_history('{uri}')");
        let counted = value(context, &sql).await;
        assert_eq!(counted, format!("{} | 0 | {latest}", latest + 1), "{table}");
        for (back, operation) in facts["operations"].as_array().unwrap().iter().enumerate() {
            let version = latest - back as u64;
            let sql =
                format!("select operation from delta_history('{uri}') where version = {version}");
            assert_eq!(
                value(context, &sql).await,
                operation.as_str().unwrap(),
                "{table}"
            );
        }
    }
    let orders = original("orders");
    let sql = format!(
        "select name, description, num_rows, array_to_string(partition_columns, ',') from \
         delta_snapshot('{orders}')"
    );
    assert_eq!(
        value(context, &sql).await,
        "orders | Orders of a shop | 9 | region"
    );
    let sql = format!(
        "select num_rows, array_to_string(writer_features, ',') from delta_snapshot('{}')",
        original("vectors")
    );
    let said = value(context, &sql).await;
    assert!(
        said.starts_with("11 | ") && said.contains("deletionVectors"),
        "{said}"
    );
}

pub(super) async fn tables_join_and_project(context: &SessionContext) {
    let uri = original("orders");
    for (sql, expected) in [
        (format!("select count(*) from read_delta('{uri}')"), "9"),
        (
            format!("select sum(id) from (select id from read_delta('{uri}') order by id limit 3)"),
            "6",
        ),
        (
            format!(
                "select count(*) from read_delta('{uri}') a join read_delta('{uri}', 0) b \
                 on a.region = b.region"
            ),
            "8",
        ),
        (
            format!(
                "with o as (select region, count(*) n from read_delta('{uri}') group by region) \
                 select n from o where region = (select max(region) from o)"
            ),
            "2",
        ),
    ] {
        assert_eq!(value(context, &sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn linked_in_reads_every_version() {
    every_version_is_read_as_its_writer_reads_it(&linked_in()).await;
    registered_tables_are_read_too(&linked_in()).await;
}

#[tokio::test]
async fn linked_in_filters() {
    filters_lose_and_add_no_row(&linked_in()).await;
}

#[tokio::test]
async fn linked_in_describes() {
    the_functions_say_what_the_writer_says(&linked_in()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_in_joins() {
    tables_join_and_project(&linked_in()).await;
}

/// Files whose partition or statistics exclude all rows are not opened.
#[tokio::test]
async fn files_are_pruned() {
    let context = linked_in();
    create(&context, "orders", &original("orders"), "")
        .await
        .unwrap();
    for (predicate, files) in [
        ("true", 8),
        ("region = 'north'", 2),
        ("region is null", 1),
        ("id >= 9", 2),
        ("day = date '2024-01-06'", 1),
        ("region = 'nowhere'", 0),
    ] {
        let sql = format!("explain analyze select * from orders where {predicate}");
        let plan = rows(&context, &sql).await.join("\n");
        let counted = plan.split("count_files_scanned=").nth(1);
        let counted = counted.and_then(|rest| rest.split([',', ']']).next());
        assert_eq!(
            counted,
            Some(files.to_string().as_str()),
            "{predicate}: {plan}"
        );
    }
}

/// The exact count of rows is known without reading a file.
#[tokio::test]
async fn statistics_reach_the_plan() {
    let context = linked_in();
    create(&context, "orders", &original("orders"), "")
        .await
        .unwrap();
    let frame = context.sql("select * from orders").await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let statistics = StatisticsContext::new();
    let statistics = statistics
        .compute(plan.as_ref(), &StatisticsArgs::new())
        .unwrap();
    assert_eq!(statistics.num_rows.get_value(), Some(&9), "{statistics:?}");
}

/// What is registered is seen as other tables are.
#[tokio::test]
async fn registered_tables_behave_as_tables() {
    let context = linked_in();
    create(&context, "orders", &original("orders"), "")
        .await
        .unwrap();
    let sql = "select column_name, is_nullable from information_schema.columns \
               where table_name = 'orders'";
    assert_eq!(rows(&context, sql).await.len(), 5);
    run(
        &context,
        "create view large as select id from orders where amount > 30",
    )
    .await
    .unwrap();
    assert_eq!(value(&context, "select count(*) from large").await, "4");
    run(
        &context,
        "prepare one(bigint) as select amount from orders where id = $1",
    )
    .await
    .unwrap();
    assert_eq!(value(&context, "execute one(2)").await, "22.0");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.parquet").display().to_string();
    run(
        &context,
        &format!("copy (select * from orders) to '{file}'"),
    )
    .await
    .unwrap();
    let copied = context
        .read_parquet(file, ParquetReadOptions::default())
        .await
        .unwrap();
    assert_eq!(copied.count().await.unwrap(), 9);
}
