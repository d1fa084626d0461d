//! Relation planners that panic, fail and break the contract.

use std::sync::Arc;

use datafusion::{
    common::Result,
    logical_expr::{
        Extension, LogicalPlan,
        planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    },
    prelude::SessionContext,
    sql::sqlparser::ast::{Ident, TableFactor},
};
use fixture_planners::Matches;

use super::{error, linked_in, loaded, rows};

/// Plans `held` as an extension node of the host's.
#[derive(Debug)]
struct Held;

impl RelationPlanner for Held {
    fn plan_relation(
        &self,
        mut relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match &mut relation {
            TableFactor::Table { name, .. } if name.to_string() == "held" => {
                *name = vec![Ident::new("numbers")].into();
            }
            _ => return Ok(RelationPlanning::Original(Box::new(relation))),
        }
        let node = Matches {
            input: context.plan(relation)?,
            conditions: Vec::new(),
            pattern: "held".to_owned(),
        };
        let plan = LogicalPlan::Extension(Extension {
            node: Arc::new(node),
        });
        let planned = PlannedRelation::new(plan, None);
        Ok(RelationPlanning::Planned(Box::new(planned)))
    }
}

async fn with_held(context: SessionContext) -> SessionContext {
    context.register_relation_planner(Arc::new(Held)).unwrap();
    context
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_error_that_names_plugin_planner_and_place() {
    let loaded = loaded().await;
    let error = error(&loaded, "SELECT * FROM panicking").await;
    for part in [
        "a relation planner panics",
        "planners",
        "faulty",
        "faulty.rs:",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(rows(&loaded, "SELECT * FROM claimed").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_keeps_its_kind() {
    let (linked_in, loaded) = (linked_in().await, loaded().await);
    for sql in ["SELECT * FROM failing", "SELECT * FROM missing"] {
        let kind =
            |error: datafusion::error::DataFusionError| std::mem::discriminant(error.find_root());
        let expected = rows(&linked_in, sql).await.unwrap_err();
        let found = rows(&loaded, sql).await.unwrap_err();
        let text = found.strip_backtrace();
        assert!(text.starts_with(&expected.strip_backtrace()), "{text}");
        assert_eq!(kind(found), kind(expected), "{text}");
        assert!(
            text.contains("planners") && text.contains("faulty"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_an_earlier_call_is_refused() {
    let loaded = loaded().await;
    rows(
        &loaded,
        "SELECT * FROM keeping WHERE EXISTS (SELECT 1 FROM numbers)",
    )
    .await
    .unwrap();
    let error = error(&loaded, "SELECT * FROM kept").await;
    for part in ["of another call", "planners", "faulty"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_the_hosts_comes_back_as_itself_and_once() {
    let loaded = with_held(loaded().await).await;
    let plan = loaded
        .state()
        .create_logical_plan("SELECT * FROM once WHERE EXISTS (SELECT 1 FROM numbers)")
        .await
        .unwrap();
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Extension(extension) = node {
            found |= extension.node.as_any().is::<Matches>();
        }
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })
    .unwrap();
    assert!(found, "{plan}");
    let error = error(
        &loaded,
        "SELECT * FROM doubled WHERE EXISTS (SELECT 1 FROM numbers)",
    )
    .await;
    for part in ["came back twice", "planners", "faulty"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
