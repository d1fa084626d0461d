//! Logical plans across the contract and back, in one process.

use std::sync::Arc;

use datafusion::{
    common::{
        Result, not_impl_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{AggregateUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF},
};
use datafusion_plugin_api::{
    abi::{
        CallError, Parcel,
        message::{FunctionReference, PlanReply},
    },
    df55::{
        parcel::ParcelContent,
        plans::{
            HostConnection, HostObjects, OwnFunctions, PlanWriter, PluginFunctions, PluginObjects,
            read_plans,
        },
    },
};

/// A plugin without functions, as the host sees it.
pub struct Nothing;

impl PluginFunctions for Nothing {
    fn scalar_reference(&self, _: &ScalarUDF) -> Option<FunctionReference> {
        None
    }
    fn aggregate_reference(&self, _: &AggregateUDF) -> Option<FunctionReference> {
        None
    }
    fn window_reference(&self, _: &WindowUDF) -> Option<FunctionReference> {
        None
    }
    fn scalar(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
        not_impl_err!("{}", reference.name)
    }
    fn aggregate(&self, reference: &FunctionReference) -> Result<Arc<AggregateUDF>> {
        not_impl_err!("{}", reference.name)
    }
    fn window(&self, reference: &FunctionReference) -> Result<Arc<WindowUDF>> {
        not_impl_err!("{}", reference.name)
    }
    fn source(&self, _: u64) -> Result<Arc<dyn TableSource>> {
        not_impl_err!("a table")
    }
}

/// And as it sees itself.
struct NothingOwn;

impl OwnFunctions for NothingOwn {
    fn scalar_reference(&self, _: &ScalarUDF) -> FunctionReference {
        FunctionReference::default()
    }
    fn aggregate_reference(&self, _: &Arc<AggregateUDF>) -> FunctionReference {
        FunctionReference::default()
    }
    fn window_reference(&self, _: &Arc<WindowUDF>) -> FunctionReference {
        FunctionReference::default()
    }
    fn scalar(&self, _: &FunctionReference) -> Option<Arc<ScalarUDF>> {
        None
    }
    fn aggregate(&self, _: &FunctionReference) -> Option<Arc<AggregateUDF>> {
        None
    }
    fn window(&self, _: &FunctionReference) -> Option<Arc<WindowUDF>> {
        None
    }
    fn source(&self, _: &Arc<dyn TableSource>) -> Option<u64> {
        None
    }
}

struct Asks(Arc<HostObjects>);

impl HostConnection for Asks {
    fn ask(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.0.answer(request)
    }
}

/// The plan as it comes back from a plugin that returns it, and as the plugin saw it.
pub(super) fn there_and_back(plan: &LogicalPlan) -> Result<(LogicalPlan, LogicalPlan)> {
    let (host, seen, reply) = answered(plan)?;
    let content = ParcelContent::<PlanReply>::read(reply).unwrap();
    let back = read_plans(&content, &content.message.list, host.as_ref())?.only_plan()?;
    Ok((back, seen))
}

/// The host's side, the plan as a plugin saw it, and the reply of one that returns it.
pub(super) fn answered(plan: &LogicalPlan) -> Result<(Arc<HostObjects>, LogicalPlan, Parcel)> {
    let host = HostObjects::new(Nothing);
    let plugin = PluginObjects::new(Arc::new(Asks(Arc::clone(&host))), Arc::new(NothingOwn));
    let mut writer = PlanWriter::new(host.as_ref());
    writer.plan(plan)?;
    let request = writer.finish(|list| PlanReply { list })?;
    let content = ParcelContent::<PlanReply>::read(request).unwrap();
    let seen = read_plans(&content, &content.message.list, &plugin)?.only_plan()?;
    let mut writer = PlanWriter::new(&plugin);
    writer.plan(&seen)?;
    let reply = writer.finish(|list| PlanReply { list })?;
    Ok((host, seen, reply))
}

/// The tables of a plan, subqueries' too.
fn sources(plan: &LogicalPlan) -> Vec<Arc<dyn TableSource>> {
    let mut sources = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            sources.push(Arc::clone(&scan.source));
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    sources
}

/// The reason why `plan` does not come back as it was.
pub(super) fn difference(plan: &LogicalPlan) -> Option<String> {
    let (back, seen) = match there_and_back(plan) {
        Ok(plans) => plans,
        Err(error) => return Some(error.strip_backtrace()),
    };
    if back != *plan {
        return Some(format!("comes back as\n{back:?}\nfor\n{plan:?}"));
    }
    let text = |plan: &LogicalPlan| plan.display_indent_schema().to_string();
    if text(&back) != text(plan) {
        return Some(format!("{}\nfor\n{}", text(&back), text(plan)));
    }
    let schemas = |plan: &LogicalPlan| {
        let mut schemas = Vec::new();
        plan.apply_with_subqueries(|node| {
            schemas.push(Arc::clone(node.schema()));
            Ok(TreeNodeRecursion::Continue)
        })
        .unwrap();
        schemas
    };
    if schemas(&back) != schemas(plan) || schemas(&seen) != schemas(plan) {
        return Some(format!(
            "schemas {:?}\nfor\n{:?}",
            schemas(&back),
            schemas(plan)
        ));
    }
    let (came, were) = (sources(&back), sources(plan));
    let same = came.len() == were.len() && came.iter().zip(&were).all(|(a, b)| Arc::ptr_eq(a, b));
    if !same {
        return Some("comes back with other tables".to_owned());
    }
    if back
        .check_invariants(datafusion::logical_expr::InvariantLevel::Always)
        .is_err()
        != plan
            .check_invariants(datafusion::logical_expr::InvariantLevel::Always)
            .is_err()
    {
        return Some("comes back with other invariants".to_owned());
    }
    None
}

/// A plan of a thousand filters takes no stack of a thousand frames.
#[tokio::test]
async fn deep_plans_cross() {
    let context = datafusion::prelude::SessionContext::new();
    let plan = context
        .state()
        .create_logical_plan("SELECT 1 AS a")
        .await
        .unwrap();
    let deep = (0..500).fold(plan, |plan, level| {
        let builder = datafusion::logical_expr::LogicalPlanBuilder::from(plan);
        let filter = datafusion::logical_expr::col("a").gt(datafusion::logical_expr::lit(-level));
        builder.filter(filter).unwrap().build().unwrap()
    });
    assert_eq!(difference(&deep), None);
}

/// The plugin may change a plan around what it cannot see into.
#[tokio::test]
async fn statements_come_back_with_other_inputs() {
    let context = datafusion::prelude::SessionContext::new();
    context
        .sql("CREATE TABLE t AS VALUES (1), (2)")
        .await
        .unwrap();
    let sql = "CREATE TABLE u AS SELECT column1 + 1 AS c FROM t LIMIT 1";
    let plan = context.state().create_logical_plan(sql).await.unwrap();
    let (back, seen) = there_and_back(&plan).unwrap();
    assert!(matches!(back, LogicalPlan::Ddl(_)), "{back}");
    let changed = seen
        .transform_up(|node| match node {
            LogicalPlan::Limit(limit) => Ok(Transformed::yes(Arc::unwrap_or_clone(limit.input))),
            other => Ok(Transformed::no(other)),
        })
        .unwrap();
    assert!(changed.transformed);
}
