//! What a table says of itself.

use datafusion::{
    arrow::array::AsArray, common::stats::Precision, logical_expr::TableType,
    physical_plan::ExecutionPlanProperties,
};

use super::*;

#[tokio::test]
async fn every_property_of_a_table_crosses() {
    let [linked_in, loaded] = both();
    let expected = provider(&linked_in, "tables.books").await;
    let found = provider(&loaded, "tables.books").await;
    assert_eq!(found.schema(), expected.schema());
    assert_eq!(found.schema().metadata()["owner"], "the library");
    assert_eq!(found.constraints(), expected.constraints());
    assert_eq!(found.constraints().unwrap().len(), 2);
    assert_eq!(found.table_type(), TableType::Temporary);
    assert_eq!(
        found.get_table_definition(),
        expected.get_table_definition()
    );
    assert!(found.get_table_definition().is_some());
    let default = found.get_column_default("title");
    assert_eq!(default, expected.get_column_default("title"));
    assert!(default.is_some() && found.get_column_default("id").is_none());
    assert_eq!(found.statistics(), expected.statistics());
    let statistics = found.statistics().unwrap();
    assert_eq!(statistics.num_rows, Precision::Exact(1_000));
}

#[tokio::test]
async fn every_property_of_a_scan_crosses() {
    let [linked_in, loaded] = both();
    let mut plans = Vec::new();
    for context in [&linked_in, &loaded] {
        let table = provider(context, "tables.books").await;
        let columns = vec![2, 0];
        let state = context.state();
        let scan = table.scan(&state, Some(&columns), &[], None).await;
        plans.push(scan.unwrap());
    }
    let [expected, found] = plans.try_into().unwrap();
    assert_eq!(found.schema(), expected.schema());
    assert_eq!(found.output_ordering(), expected.output_ordering());
    assert!(found.output_ordering().is_some());
    // DataFusion takes no two unknown partitionings to be equal.
    let partitioning = |plan: &Arc<dyn datafusion::physical_plan::ExecutionPlan>| {
        format!("{:?}", plan.output_partitioning())
    };
    assert_eq!(partitioning(&found), partitioning(&expected));
    assert_eq!(found.boundedness(), expected.boundedness());
    assert_eq!(found.pipeline_behavior(), expected.pipeline_behavior());
    for partition in [None, Some(0), Some(2)] {
        let statistics = |plan: &Arc<dyn datafusion::physical_plan::ExecutionPlan>| {
            let args = datafusion::physical_plan::statistics::StatisticsArgs::new();
            datafusion::physical_plan::statistics::StatisticsContext::new()
                .compute(plan.as_ref(), &args.with_partition(partition))
                .unwrap()
        };
        assert_eq!(statistics(&found), statistics(&expected), "{partition:?}");
    }
}

#[tokio::test]
async fn metrics_of_a_scan_are_shown() {
    let [linked_in, loaded] = both();
    for context in [linked_in, loaded] {
        let sql = "explain analyze select * from tables.books where id < 10";
        let shown = answer(&context, sql).await;
        assert!(shown.contains("books_looked_at=1.00 K"), "{shown}");
        assert!(shown.contains("output_rows=10"), "{shown}");
    }
}

#[tokio::test]
async fn settings_of_the_session_reach_the_scan() {
    let context = loaded();
    context
        .sql("set datafusion.execution.batch_size = 7")
        .await
        .unwrap();
    let frame = context.sql("select id from tables.books").await.unwrap();
    let partitions = frame.collect_partitioned().await.unwrap();
    let sizes = partitions.iter().flatten().map(|batch| batch.num_rows());
    assert_eq!(sizes.max(), Some(7));
}

#[tokio::test]
async fn tables_are_in_the_information_schema() {
    let [linked_in, loaded] = both();
    let sql = "select table_catalog, table_schema, table_name, table_type
        from information_schema.tables
        where table_schema in ('tables', 'stacks') order by 1, 2, 3";
    let expected = answer(&linked_in, sql).await;
    assert!(
        expected.contains("ledger") && expected.contains("maps"),
        "{expected}"
    );
    assert_eq!(answer(&loaded, sql).await, expected);
}

#[tokio::test]
async fn a_builder_has_the_tables_too() {
    let builder = SessionStateBuilder::new().with_default_features();
    let (builder, report) = host().install_into(builder);
    assert!(!report.is_unchanged());
    let context = SessionContext::new_with_state(builder.build());
    let frame = context.sql("select count(*) from tables.books, library.stacks.maps");
    let batches = frame.await.unwrap().collect().await.unwrap();
    let count = batches[0]
        .column(0)
        .as_primitive::<datafusion::arrow::datatypes::Int64Type>();
    assert_eq!(count.value(0), 3_000);
    assert!(host().install(&context).is_unchanged());
}
