//! Scalar macros: a call is replaced by the body.

use std::sync::Arc;

use arrow::datatypes::{DataType, Fields, SchemaRef};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion_common::{
    DFSchema, Result, plan_datafusion_err, plan_err,
    tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
};
use datafusion_expr::{
    ColumnarValue, CreateFunction, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
    simplify::{ExprSimplifyResult, SimplifyContext},
};

use super::{
    aliases, arguments, as_declared,
    body::{Body, has_aggregates, owned},
};

pub(super) fn made(
    statement: CreateFunction,
    arguments: &SchemaRef,
    body: Body,
) -> Result<ScalarUDF> {
    let name = statement.name;
    let Body { expr, state } = body;
    let schema = DFSchema::try_from(Arc::clone(arguments))?;
    let body = fitted(expr, &schema, statement.return_type.as_ref())?;
    let mut defaults = Vec::new();
    for arg in statement.args.unwrap_or_default() {
        let Some(default) = arg.default_expr else {
            continue;
        };
        let is_open = default.exists(|expr| Ok(matches!(expr, Expr::Placeholder(_))))?;
        if is_open || has_aggregates(&default)? {
            return plan_err!("macro '{name}': the default {default} is no value");
        }
        let default = owned(&state, default)?;
        let fitted = fitted(default, &DFSchema::empty(), Some(&arg.data_type));
        defaults.push(fitted.map_err(|error| error.context(format!("macro '{name}': a default")))?);
    }
    let volatility = statement.params.behavior.unwrap_or(Volatility::Volatile);
    Ok(ScalarUDF::from(ScalarMacro {
        aliases: aliases(&name),
        name,
        arguments: arguments.fields().clone(),
        defaults,
        signature: Signature::user_defined(volatility),
        return_type: body.get_type(&schema)?,
        body,
    }))
}

/// The expression, whose parts fit together, as `wanted`: a call is replaced after DataFusion has made
/// types fit.
fn fitted(expr: Expr, schema: &DFSchema, wanted: Option<&DataType>) -> Result<Expr> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .build();
    let expr = ExprSimplifier::new(context).coerce(expr, schema)?;
    let own_type = expr.get_type(schema)?;
    Ok(as_declared(expr, &own_type, wanted))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ScalarMacro {
    name: String,
    aliases: Vec<String>,
    arguments: Fields,
    /// Of the last arguments.
    defaults: Vec<Expr>,
    signature: Signature,
    return_type: DataType,
    body: Expr,
}

impl ScalarMacro {
    fn position(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Column(column) => Some(self.arguments.find(&column.name)?.0),
            _ => None,
        }
    }

    /// A volatile argument has one value in each row, however often the body names it.
    fn check(&self, args: &[Expr]) -> Result<()> {
        let mut uses = vec![0; args.len()];
        self.body.apply(|expr| {
            if let Some(uses) = self.position(expr).and_then(|at| uses.get_mut(at)) {
                *uses += 1;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        for ((arg, uses), field) in args.iter().zip(uses).zip(&self.arguments) {
            if uses > 1 && arg.is_volatile() {
                return plan_err!(
                    "macro '{}' uses its argument '{}' {uses} times, and {arg} would be another \
                     value each time: compute it in a subquery",
                    self.name,
                    field.name()
                );
            }
        }
        Ok(())
    }
}

impl ScalarUDFImpl for ScalarMacro {
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
        let required = self.arguments.len() - self.defaults.len();
        arguments::coerced(&self.name, &self.arguments, required, given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.return_type.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        plan_err!("macro '{}' was not replaced by its body", self.name)
    }

    fn simplify(&self, mut args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let missing = self.arguments.len().saturating_sub(args.len());
        let given = self.defaults.len().saturating_sub(missing);
        args.extend_from_slice(&self.defaults[given..]);
        self.check(&args)?;
        let replaced = self.body.clone().transform(|expr| {
            if !matches!(expr, Expr::Column(_)) {
                return Ok(Transformed::no(expr));
            }
            let argument = self.position(&expr).and_then(|at| args.get(at)).cloned();
            argument
                .map(Transformed::yes)
                .ok_or_else(|| plan_datafusion_err!("macro '{}' has no argument {expr}", self.name))
        });
        Ok(ExprSimplifyResult::Simplified(replaced.data()?))
    }
}
