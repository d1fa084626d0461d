//! Aggregate macros: an expression over aggregates of the arguments.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions},
    compute::filter,
    datatypes::{DataType, FieldRef, SchemaRef},
};
use datafusion_common::{
    Result, ScalarValue, internal_err, plan_err,
    tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
};
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Cast, CreateFunction, EmptyRelation, Expr,
    ExprSchemable, LogicalPlan, LogicalPlanBuilder, Signature, Volatility,
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::{expr_as_column_expr, find_aggregate_exprs},
};
use datafusion_physical_expr::{PhysicalExpr, aggregate::AggregateFunctionExpr};
use datafusion_physical_plan::{
    ExecutionPlan,
    aggregates::{AggregateExec, AggregateMode},
    projection::ProjectionExec,
};

use super::body::Body;

pub(super) async fn made(
    statement: CreateFunction,
    arguments: SchemaRef,
    body: Body,
) -> Result<AggregateUDF> {
    let name = statement.name;
    if arguments.fields().is_empty() {
        return plan_err!("macro '{name}': an aggregate has arguments");
    }
    let written = body.expr.clone();
    let Parts { calls, result } =
        Parts::plan(&name, &arguments, body, statement.return_type).await?;
    let types: Vec<_> = arguments
        .fields()
        .iter()
        .map(|f| f.data_type().clone())
        .collect();
    let volatility = statement.params.behavior.unwrap_or(Volatility::Volatile);
    Ok(AggregateUDF::from(AggregateMacro {
        name,
        signature: Signature::exact(types, volatility),
        written,
        arguments,
        calls: calls.into(),
        result,
    }))
}

/// One aggregate of the body.
#[derive(Debug, Clone)]
struct Call {
    function: Arc<AggregateFunctionExpr>,
    filter: Option<Arc<dyn PhysicalExpr>>,
}

/// What of the aggregates makes the result: an expression over their results as columns.
#[derive(Debug, Clone)]
struct Outcome {
    expr: Arc<dyn PhysicalExpr>,
    /// Of the aggregates' results.
    schema: SchemaRef,
    data_type: DataType,
}

struct Parts {
    calls: Vec<Call>,
    result: Outcome,
}

impl Parts {
    /// DataFusion plans `SELECT body FROM arguments`; what it would run is in the plan.
    async fn plan(
        name: &str,
        arguments: &SchemaRef,
        body: Body,
        return_type: Option<DataType>,
    ) -> Result<Self> {
        let Body { expr, state } = body;
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
        let expr = match return_type {
            Some(wanted) if wanted != own_type => Expr::Cast(Cast::new(Box::new(expr), wanted)),
            _ => expr,
        };
        let plan = LogicalPlanBuilder::from(plan)
            .project(vec![expr.alias(name)])?
            .build()?;
        let planned = state.create_physical_plan(&plan).await?;
        Self::of(name, &planned)
    }

    fn of(name: &str, plan: &Arc<dyn ExecutionPlan>) -> Result<Self> {
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
            calls,
            result: Outcome {
                data_type: result.expr.data_type(&schema)?,
                expr: Arc::clone(&result.expr),
                schema,
            },
        })
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

#[derive(Debug)]
struct AggregateMacro {
    name: String,
    signature: Signature,
    /// The body, by which macros are told apart.
    written: Expr,
    arguments: SchemaRef,
    calls: Arc<[Call]>,
    result: Outcome,
}

impl PartialEq for AggregateMacro {
    fn eq(&self, other: &Self) -> bool {
        let own = (&self.name, &self.signature, &self.written, &self.arguments);
        let others = (
            &other.name,
            &other.signature,
            &other.written,
            &other.arguments,
        );
        own == others && self.result.data_type == other.result.data_type
    }
}

impl Eq for AggregateMacro {}

impl Hash for AggregateMacro {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, &self.written).hash(state);
    }
}

impl AggregateUDFImpl for AggregateMacro {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.result.data_type.clone())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct || !args.order_bys.is_empty() {
            return plan_err!("macro '{}' takes no DISTINCT and no ORDER BY", self.name);
        }
        let mut states = Vec::with_capacity(self.calls.len());
        let mut accumulators = Vec::with_capacity(self.calls.len());
        for call in self.calls.iter() {
            states.push(call.function.state_fields()?.len());
            accumulators.push(call.function.create_accumulator()?);
        }
        Ok(Box::new(MacroAccumulator {
            arguments: Arc::clone(&self.arguments),
            calls: Arc::clone(&self.calls),
            result: self.result.clone(),
            states,
            accumulators,
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let mut fields = Vec::new();
        for (at, call) in self.calls.iter().enumerate() {
            for field in call.function.state_fields()? {
                let name = format!("{}[{at}:{}]", args.name, field.name());
                fields.push(Arc::new(field.as_ref().clone().with_name(name)));
            }
        }
        Ok(fields)
    }
}

/// The accumulators of the body's aggregates, and what is made of their results.
#[derive(Debug)]
struct MacroAccumulator {
    arguments: SchemaRef,
    calls: Arc<[Call]>,
    result: Outcome,
    /// How many columns of state each has.
    states: Vec<usize>,
    accumulators: Vec<Box<dyn Accumulator>>,
}

type OnBatch = fn(&mut dyn Accumulator, &[ArrayRef]) -> Result<()>;

impl MacroAccumulator {
    fn each(&mut self, values: &[ArrayRef], on_batch: OnBatch) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let arguments = Arc::clone(&self.arguments);
        let batch = RecordBatch::try_new_with_options(arguments, values.to_vec(), &options)?;
        for (call, accumulator) in self.calls.iter().zip(&mut self.accumulators) {
            let kept = match &call.filter {
                Some(filter) => Some(filter.evaluate(&batch)?.into_array(rows)?),
                None => None,
            };
            let inputs = call.function.expressions().into_iter().map(|input| {
                let input = input.evaluate(&batch)?.into_array(rows)?;
                match &kept {
                    Some(kept) => Ok(filter(&input, kept.as_boolean())?),
                    None => Ok(input),
                }
            });
            on_batch(accumulator.as_mut(), &inputs.collect::<Result<Vec<_>>>()?)?;
        }
        Ok(())
    }
}

impl Accumulator for MacroAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |accumulator, values| {
            accumulator.update_batch(values)
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |accumulator, values| {
            accumulator.retract_batch(values)
        })
    }

    fn supports_retract_batch(&self) -> bool {
        let mut accumulators = self.accumulators.iter();
        accumulators.all(|accumulator| accumulator.supports_retract_batch())
    }

    fn merge_batch(&mut self, mut states: &[ArrayRef]) -> Result<()> {
        for (count, accumulator) in self.states.iter().zip(&mut self.accumulators) {
            let Some((own, rest)) = states.split_at_checked(*count) else {
                return internal_err!("a macro's state has too few columns");
            };
            accumulator.merge_batch(own)?;
            states = rest;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let states = self
            .accumulators
            .iter_mut()
            .map(|accumulator| accumulator.state());
        Ok(states.collect::<Result<Vec<_>>>()?.concat())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let results = self.accumulators.iter_mut().map(|accumulator| {
            let result = accumulator.evaluate()?;
            result.to_array()
        });
        let results = results.collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.result.schema), results)?;
        let result = self.result.expr.evaluate(&batch)?.into_array(1)?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn size(&self) -> usize {
        let accumulators = self.accumulators.iter();
        size_of_val(self)
            + accumulators
                .map(|accumulator| accumulator.size())
                .sum::<usize>()
    }
}
