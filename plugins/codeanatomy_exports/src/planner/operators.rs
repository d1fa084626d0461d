//! `->` and `->>` on structs, `@>` and `<@` on lists.

use arrow::datatypes::DataType;
use datafusion_common::{DFSchema, Result, plan_err};
use datafusion_expr::{
    Expr, ExprSchemable, cast, lit,
    planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
};
use datafusion_functions::core::get_field;
use datafusion_functions_nested::array_has::array_has_all_udf;
use sqlparser::ast::BinaryOperator;

/// `s -> 'f'` is the field `f` of the struct `s`, `s ->> 'f'` its text; `a @> b` and `b <@ a` are
/// whether the list `a` has all elements of `b`. Operands of other types are left to others.
#[derive(Debug)]
pub struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let planned = match &expr.op {
            BinaryOperator::Arrow => field(&expr, schema)?,
            BinaryOperator::LongArrow => {
                field(&expr, schema)?.map(|field| cast(field, DataType::Utf8))
            }
            BinaryOperator::AtArrow => has_all(&expr.left, &expr.right, schema)?,
            BinaryOperator::ArrowAt => has_all(&expr.right, &expr.left, schema)?,
            _ => None,
        };
        Ok(match planned {
            Some(planned) => PlannerResult::Planned(planned),
            None => PlannerResult::Original(expr),
        })
    }
}

fn field(expr: &RawBinaryExpr, schema: &DFSchema) -> Result<Option<Expr>> {
    let DataType::Struct(fields) = expr.left.get_type(schema)? else {
        return Ok(None);
    };
    let name = match &expr.right {
        Expr::Literal(name, _) => name.try_as_str().flatten(),
        _ => None,
    };
    let Some(name) = name else {
        return plan_err!(
            "the name of a struct's field is {}, expected a literal string",
            expr.right
        );
    };
    if fields.find(name).is_none() {
        let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
        return plan_err!(
            "the struct {} has no field '{name}', expected one of {}",
            expr.left,
            names.join(", ")
        );
    }
    Ok(Some(get_field().call(vec![expr.left.clone(), lit(name)])))
}

fn has_all(whole: &Expr, part: &Expr, schema: &DFSchema) -> Result<Option<Expr>> {
    let lists = whole.get_type(schema)?.is_list() && part.get_type(schema)?.is_list();
    let call = || array_has_all_udf().call(vec![whole.clone(), part.clone()]);
    Ok(lists.then(call))
}
