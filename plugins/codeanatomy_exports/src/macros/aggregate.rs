//! Aggregate macros: an expression over aggregates of the arguments.

mod accumulator;
mod plan;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, CreateFunction, Expr, Signature, Volatility,
    function::{AccumulatorArgs, StateFieldsArgs},
};
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;

use super::{aliases, arguments, body::Body};
use accumulator::{Create, MacroAccumulator};
use plan::Parts;

pub(super) async fn made(
    statement: CreateFunction,
    arguments: SchemaRef,
    body: Body,
) -> Result<AggregateUDF> {
    let name = statement.name;
    if arguments.fields().is_empty() {
        return plan_err!("macro '{name}': an aggregate has arguments");
    }
    let mut args = statement.args.iter().flatten();
    if args.any(|arg| arg.default_expr.is_some()) {
        return plan_err!("macro '{name}': arguments of an aggregate have no defaults");
    }
    let written = body.expr.clone();
    let parts = Parts::plan(&name, arguments, body, statement.return_type).await?;
    // Other functions are refused when the parts are planned.
    let volatility = statement.params.behavior.unwrap_or(Volatility::Immutable);
    Ok(AggregateUDF::from(AggregateMacro {
        aliases: aliases(&name),
        name,
        signature: Signature::user_defined(volatility),
        written,
        parts: Arc::new(parts),
    }))
}

#[derive(Debug)]
struct AggregateMacro {
    name: String,
    aliases: Vec<String>,
    signature: Signature,
    /// The body, by which macros are told apart.
    written: Expr,
    parts: Arc<Parts>,
}

impl AggregateMacro {
    fn identity(&self) -> (&str, &Signature, &Expr, &SchemaRef, &DataType) {
        let Parts {
            arguments, result, ..
        } = self.parts.as_ref();
        let data_type = &result.data_type;
        (
            &self.name,
            &self.signature,
            &self.written,
            arguments,
            data_type,
        )
    }

    fn accumulated(&self, args: &AccumulatorArgs, create: Create) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct || !args.order_bys.is_empty() {
            return plan_err!("macro '{}' takes no DISTINCT and no ORDER BY", self.name);
        }
        Ok(Box::new(MacroAccumulator::new(&self.parts, create)?))
    }
}

impl PartialEq for AggregateMacro {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for AggregateMacro {}

impl Hash for AggregateMacro {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl AggregateUDFImpl for AggregateMacro {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let declared = self.parts.arguments.fields();
        arguments::coerced(&self.name, declared, declared.len(), given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.parts.result.data_type.clone())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.accumulated(&args, AggregateFunctionExpr::create_accumulator)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.accumulated(&args, AggregateFunctionExpr::create_sliding_accumulator)
    }

    /// What the body is of no rows.
    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        MacroAccumulator::new(&self.parts, AggregateFunctionExpr::create_accumulator)?.evaluate()
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let mut fields = Vec::new();
        for (at, call) in self.parts.calls.iter().enumerate() {
            for field in call.function.state_fields()? {
                let name = format!("{}[{at}:{}]", args.name, field.name());
                fields.push(Arc::new(field.as_ref().clone().with_name(name)));
            }
        }
        Ok(fields)
    }
}
