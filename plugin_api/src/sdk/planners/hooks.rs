//! The hooks of an author's expression planner.

use std::sync::Arc;

use datafusion_common::{DFSchema, DFSchemaRef, Result};
use datafusion_expr::{
    Expr, GetFieldAccess,
    expr::{AggregateFunctionParams, WindowFunctionParams},
    planner::{
        ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawDictionaryExpr,
        RawFieldAccessExpr, RawWindowExpr,
    },
};

use crate::{
    abi::message::{ExpressionHook, FieldAccess},
    df55::{expressions::breach, plans::ReadPlans, syntax::syntax_from_json},
};

/// Asks the hook; nothing when it declines.
pub(super) fn plan(
    planner: &dyn ExprPlanner,
    hook: &ExpressionHook,
    read: ReadPlans,
) -> Result<Option<Expr>> {
    let schema = read.schemas.first().map(DFSchemaRef::clone);
    let schema = schema.unwrap_or_else(|| Arc::new(DFSchema::empty()));
    let mut exprs = read.exprs;
    match hook {
        ExpressionHook::BinaryOp { operator } => {
            let [left, right] = exactly(exprs)?;
            let op = syntax_from_json(operator.as_bytes())?;
            let raw = RawBinaryExpr { op, left, right };
            planned(planner.plan_binary_op(raw, &schema))
        }
        ExpressionHook::FieldAccess(access) => {
            let raw = field_access(*access, exprs)?;
            planned(planner.plan_field_access(raw, &schema))
        }
        ExpressionHook::ArrayLiteral => planned(planner.plan_array_literal(exprs, &schema)),
        ExpressionHook::Position => planned(planner.plan_position(exprs)),
        ExpressionHook::DictionaryLiteral => {
            let values = exprs.split_off(exprs.len() / 2);
            let keys = exprs;
            let raw = RawDictionaryExpr { keys, values };
            planned(planner.plan_dictionary_literal(raw, &schema))
        }
        ExpressionHook::Extract => planned(planner.plan_extract(exprs)),
        ExpressionHook::Substring => planned(planner.plan_substring(exprs)),
        ExpressionHook::StructLiteral { named } => {
            planned(planner.plan_struct_literal(exprs, *named))
        }
        ExpressionHook::Overlay => planned(planner.plan_overlay(exprs)),
        ExpressionHook::MakeMap => planned(planner.plan_make_map(exprs)),
        ExpressionHook::CompoundIdentifier { nested } => {
            let (qualifier, field) = schema
                .iter()
                .next()
                .ok_or_else(|| breach("a compound identifier without its field".to_owned()))?;
            planned(planner.plan_compound_identifier(field, qualifier, nested))
        }
        ExpressionHook::Aggregate => {
            let [Expr::AggregateFunction(call)] = exactly(exprs)? else {
                return Err(breach("an aggregate that is none".to_owned()));
            };
            let AggregateFunctionParams {
                args,
                distinct,
                filter,
                order_by,
                null_treatment,
            } = call.params;
            planned(planner.plan_aggregate(RawAggregateExpr {
                func: call.func,
                args,
                distinct,
                filter,
                order_by,
                null_treatment,
            }))
        }
        ExpressionHook::Window => {
            let [Expr::WindowFunction(call)] = exactly(exprs)? else {
                return Err(breach("a window function that is none".to_owned()));
            };
            let WindowFunctionParams {
                args,
                partition_by,
                order_by,
                window_frame,
                filter,
                null_treatment,
                distinct,
            } = call.params;
            planned(planner.plan_window(RawWindowExpr {
                func_def: call.fun,
                args,
                partition_by,
                order_by,
                window_frame,
                filter,
                null_treatment,
                distinct,
            }))
        }
    }
}

fn planned<T>(result: Result<PlannerResult<T>>) -> Result<Option<Expr>> {
    Ok(match result? {
        PlannerResult::Planned(expr) => Some(expr),
        PlannerResult::Original(_) => None,
    })
}

fn exactly<const N: usize>(exprs: Vec<Expr>) -> Result<[Expr; N]> {
    exprs
        .try_into()
        .map_err(|exprs: Vec<Expr>| breach(format!("{} expressions for {N}", exprs.len())))
}

fn field_access(access: FieldAccess, exprs: Vec<Expr>) -> Result<RawFieldAccessExpr> {
    Ok(match access {
        FieldAccess::NamedStructField => {
            let [expr, name] = exactly(exprs)?;
            let Expr::Literal(name, _) = name else {
                return Err(breach(format!("a field named {name}")));
            };
            let field_access = GetFieldAccess::NamedStructField { name };
            RawFieldAccessExpr { field_access, expr }
        }
        FieldAccess::ListIndex => {
            let [expr, key] = exactly(exprs)?;
            let key = Box::new(key);
            let field_access = GetFieldAccess::ListIndex { key };
            RawFieldAccessExpr { field_access, expr }
        }
        FieldAccess::ListRange => {
            let [expr, start, stop, stride] = exactly(exprs)?;
            let field_access = GetFieldAccess::ListRange {
                start: Box::new(start),
                stop: Box::new(stop),
                stride: Box::new(stride),
            };
            RawFieldAccessExpr { field_access, expr }
        }
    })
}
