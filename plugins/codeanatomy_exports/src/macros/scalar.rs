//! Scalar macros: a call is replaced by the body.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion_common::{
    DFSchema, Result, plan_datafusion_err, plan_err,
    tree_node::{Transformed, TransformedResult, TreeNode},
};
use datafusion_expr::{
    Cast, ColumnarValue, CreateFunction, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, TypeSignature, Volatility,
    simplify::{ExprSimplifyResult, SimplifyContext},
};

use super::body::Body;

pub(super) fn made(
    statement: CreateFunction,
    arguments: &SchemaRef,
    body: Body,
) -> Result<ScalarUDF> {
    let schema = DFSchema::try_from(Arc::clone(arguments))?;
    // A call is replaced after types were made to fit.
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .build();
    let body = ExprSimplifier::new(context).coerce(body.expr, &schema)?;
    let own_type = body.get_type(&schema)?;
    let return_type = statement.return_type.unwrap_or_else(|| own_type.clone());
    let body = match return_type == own_type {
        true => body,
        false => Expr::Cast(Cast::new(Box::new(body), return_type.clone())),
    };
    let types: Vec<_> = arguments
        .fields()
        .iter()
        .map(|f| f.data_type().clone())
        .collect();
    let args = statement.args.unwrap_or_default().into_iter();
    let defaults: Vec<_> = args.filter_map(|arg| arg.default_expr).collect();
    let required = types.len() - defaults.len();
    let signatures = (required..=types.len()).map(|count| match count {
        0 => TypeSignature::Nullary,
        _ => TypeSignature::Exact(types[..count].to_vec()),
    });
    let signatures: Vec<_> = signatures.collect();
    let volatility = statement.params.behavior.unwrap_or(Volatility::Volatile);
    let names = arguments.fields().iter().map(|field| field.name().clone());
    Ok(ScalarUDF::from(ScalarMacro {
        name: statement.name,
        names: names.collect(),
        types,
        defaults,
        signature: Signature::one_of(signatures, volatility),
        return_type,
        body,
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ScalarMacro {
    name: String,
    names: Vec<String>,
    types: Vec<DataType>,
    /// Of the last arguments.
    defaults: Vec<Expr>,
    signature: Signature,
    return_type: DataType,
    body: Expr,
}

impl ScalarUDFImpl for ScalarMacro {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.return_type.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        plan_err!("macro '{}' was not replaced by its body", self.name)
    }

    fn simplify(&self, mut args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let missing = self.names.len().saturating_sub(args.len());
        let first = self.names.len() - missing;
        let defaults = self.defaults[self.defaults.len() - missing..].iter();
        let types = self.types[first..].iter();
        args.extend(defaults.zip(types).map(|(default, data_type)| {
            // A default was not made to fit with the call.
            Expr::Cast(Cast::new(Box::new(default.clone()), data_type.clone()))
        }));
        let replaced = self.body.clone().transform(|expr| {
            let Expr::Column(column) = &expr else {
                return Ok(Transformed::no(expr));
            };
            let at = self.names.iter().position(|name| *name == column.name);
            let argument = at.and_then(|at| args.get(at)).cloned();
            argument.map(Transformed::yes).ok_or_else(|| {
                plan_datafusion_err!("macro '{}' has no argument {column}", self.name)
            })
        });
        Ok(ExprSimplifyResult::Simplified(replaced.data()?))
    }
}
