//! What DataFusion would run for the body of an aggregate macro.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion_common::{
    Result, internal_err, plan_err,
    tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
};
use datafusion_expr::{
    EmptyRelation, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Volatility,
    utils::{expr_as_column_expr, find_aggregate_exprs},
};
use datafusion_physical_expr::{PhysicalExpr, aggregate::AggregateFunctionExpr};
use datafusion_physical_plan::{
    ExecutionPlan,
    aggregates::{AggregateExec, AggregateMode},
    projection::ProjectionExec,
};

use crate::macros::{as_declared, body::Body};

/// One aggregate of the body.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: Arc<AggregateFunctionExpr>,
    pub(super) filter: Option<Arc<dyn PhysicalExpr>>,
}

/// What of the aggregates makes the result: an expression over their results as columns.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) expr: Arc<dyn PhysicalExpr>,
    /// Of the aggregates' results.
    pub(super) schema: SchemaRef,
    pub(super) data_type: DataType,
}

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) arguments: SchemaRef,
    pub(super) calls: Vec<Call>,
    pub(super) result: Outcome,
}

impl Parts {
    /// DataFusion plans `SELECT body FROM arguments`; what it would run is in the plan.
    pub(super) async fn plan(
        name: &str,
        arguments: SchemaRef,
        body: Body,
        return_type: Option<DataType>,
    ) -> Result<Self> {
        let Body { expr, state } = body;
        if expr.exists(|expr| Ok(!is_immutable(expr)))? {
            return plan_err!(
                "macro '{name}': an aggregate has no functions whose results change from call to call"
            );
        }
        let input = LogicalPlan::EmptyRelation(EmptyRelation {
            produce_one_row: false,
            schema: Arc::new(arguments.as_ref().clone().try_into()?),
        });
        let aggregates = find_aggregate_exprs([&expr]);
        let plan = LogicalPlanBuilder::from(input)
            .aggregate(Vec::<Expr>::new(), aggregates.clone())?
            .build()?;
        let expr = expr.transform_down(|expr| match aggregates.contains(&expr) {
            true => {
                let column = expr_as_column_expr(&expr, &plan)?;
                Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
            }
            false => Ok(Transformed::no(expr)),
        });
        let expr = expr.data()?;
        let own_type = expr.get_type(plan.schema())?;
        let expr = as_declared(expr, &own_type, return_type.as_ref());
        let plan = LogicalPlanBuilder::from(plan)
            .project(vec![expr.alias(name)])?
            .build()?;
        let planned = state.create_physical_plan(&plan).await?;
        Self::of(name, arguments, &planned)
    }

    fn of(name: &str, arguments: SchemaRef, plan: &Arc<dyn ExecutionPlan>) -> Result<Self> {
        let Some(projection) = plan.downcast_ref::<ProjectionExec>() else {
            return internal_err!("macro '{name}' is planned as {}", plan.name());
        };
        let [result] = projection.expr() else {
            return internal_err!("macro '{name}' has several results");
        };
        let Some(aggregate) = partial(projection.input()) else {
            return internal_err!("macro '{name}' is planned without its aggregates");
        };
        let schema = projection.input().schema();
        let filters = aggregate.filter_expr().iter().cloned();
        let functions = aggregate.aggr_expr().iter().cloned();
        let calls: Vec<_> = functions
            .zip(filters)
            .map(|(function, filter)| Call { function, filter })
            .collect();
        if let Some(call) = calls
            .iter()
            .find(|call| !call.function.order_bys().is_empty())
        {
            return plan_err!(
                "macro '{name}': an aggregate with an order of its own, {}",
                call.function.name()
            );
        }
        Ok(Self {
            arguments,
            calls,
            result: Outcome {
                data_type: result.expr.data_type(&schema)?,
                expr: Arc::clone(&result.expr),
                schema,
            },
        })
    }
}

/// `now()` is one value in each query, and the body's are made once.
fn is_immutable(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(call) => call.func.signature().volatility == Volatility::Immutable,
        _ => true,
    }
}

/// The aggregation that reads the arguments.
fn partial(plan: &Arc<dyn ExecutionPlan>) -> Option<&AggregateExec> {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>()
        && matches!(
            aggregate.mode(),
            AggregateMode::Partial | AggregateMode::Single | AggregateMode::SinglePartitioned
        )
    {
        return Some(aggregate);
    }
    plan.children().into_iter().find_map(partial)
}
