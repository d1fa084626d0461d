//! Type planners.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::Result,
    logical_expr::planner::TypePlanner,
    prelude::SessionContext,
    sql::sqlparser::ast::DataType as SqlType,
};

use super::{builder, error, host};

/// What the session had before.
#[derive(Debug)]
struct Own;

impl TypePlanner for Own {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let name = sql_type.to_string();
        Ok((name == "own").then(|| Arc::new(Field::new("", DataType::Float32, true))))
    }
}

async fn column(context: &SessionContext, sql_type: &str) -> Field {
    let sql = format!("CREATE OR REPLACE TABLE typed (c {sql_type})");
    context.sql(&sql).await.unwrap().collect().await.unwrap();
    let table = context.table("typed").await.unwrap();
    table.schema().field(0).as_ref().clone()
}

async fn check(context: &SessionContext) {
    let tagged = column(context, "tagged").await;
    assert_eq!(tagged.data_type(), &DataType::Utf8View);
    // Two planners know the type: the first is asked first.
    let by = |planner: &str| HashMap::from([("planned by".to_owned(), planner.to_owned())]);
    assert_eq!(tagged.metadata(), &by("first"));
    assert_eq!(column(context, "other").await.metadata(), &by("third"));
    let money = column(context, "MONEY").await;
    assert_eq!(money.data_type(), &DataType::Decimal128(19, 4));
    assert_eq!(money.metadata()["semantics"], "money");
    assert_eq!(column(context, "own").await.data_type(), &DataType::Float32);
    assert_eq!(column(context, "INT").await.data_type(), &DataType::Int32);
    let unknown = error(context, "SELECT CAST(1 AS unheard_of)").await;
    assert!(
        unknown.contains("Unsupported SQL type unheard_of"),
        "{unknown}"
    );
    let panic = error(context, "SELECT CAST('' AS panicking)").await;
    for part in ["a type planner panics", "planners", "tagged", "named.rs:"] {
        assert!(panic.contains(part), "{part}: {panic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_types_come_before_those_of_a_live_session() {
    let state = builder().with_type_planner(Arc::new(Own)).build();
    let context = SessionContext::new_with_state(state);
    host().install(&context);
    check(&context).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_types_come_before_those_of_a_session_being_built() {
    let builder = builder().with_type_planner(Arc::new(Own));
    let (builder, _) = host().install_into(builder);
    check(&SessionContext::new_with_state(builder.build())).await;
}
