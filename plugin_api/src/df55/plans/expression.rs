//! Expressions of plans that protobuf would alter or does not know, taken apart and put together.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion_common::{Column, Result, Spans, not_impl_err};
use datafusion_expr::{
    AggregateUDF, Expr, GroupingSet, LogicalPlan, Operator, Subquery, WindowFrame,
    WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition, WindowUDF,
    expr::{
        AggregateFunction, AggregateFunctionParams, Cast, Exists, InSubquery, Like, NullTreatment,
        Placeholder, SetComparison, SetQuantifier, Sort, TryCast, Unnest, WindowFunction,
        WindowFunctionParams,
    },
};

use super::fields::FieldList;
use crate::{
    abi::message::{
        ExpressionNode, ExpressionSlot, FrameBound, FrameUnits, GroupingKind, SortDirection,
        SubqueryKind,
    },
    df55::{
        error::from_call_error,
        expressions::{Arrival, Departure, Disassembled, breach, is_faithful},
        names::{table_name, table_reference},
    },
};

/// Whether the expression's node can be written. Others exist only where they are.
pub(super) fn crosses(expr: &Expr) -> bool {
    #[expect(deprecated, reason = "DataFusion still has it")]
    match expr {
        Expr::BinaryExpr(_) => is_faithful(expr),
        Expr::SetComparison(SetComparison { op, .. }) => operator_name(*op).is_some(),
        Expr::ScalarVariable(..)
        | Expr::Wildcard { .. }
        | Expr::HigherOrderFunction(_)
        | Expr::Lambda(_)
        | Expr::LambdaVariable(_) => false,
        _ => true,
    }
}

fn operator_name(operator: Operator) -> Option<String> {
    let name = format!("{operator:?}");
    (Operator::from_proto_name(&name) == Some(operator)).then_some(name)
}

pub(super) fn directions(sorts: &[Sort]) -> Vec<SortDirection> {
    let direction = |sort: &Sort| SortDirection {
        descending: !sort.asc,
        nulls_first: sort.nulls_first,
    };
    sorts.iter().map(direction).collect()
}

pub(super) fn sorts(
    exprs: impl Iterator<Item = Expr>,
    directions: &[SortDirection],
) -> Result<Vec<Sort>> {
    let exprs: Vec<_> = exprs.collect();
    if exprs.len() != directions.len() {
        return Err(breach(format!(
            "{} expressions with {} directions",
            exprs.len(),
            directions.len()
        )));
    }
    let sorts = exprs.into_iter().zip(directions);
    let sorts = sorts.map(|(expr, d)| Sort::new(expr, !d.descending, d.nulls_first));
    Ok(sorts.collect())
}

/// Writes expressions of plans.
#[derive(Default)]
pub(super) struct Leaves {
    pub(super) fields: FieldList,
    pub(super) aggregates: Vec<Arc<AggregateUDF>>,
    pub(super) windows: Vec<Arc<WindowUDF>>,
    /// The plans of subqueries, with their nodes.
    pub(super) subqueries: Vec<(Arc<LogicalPlan>, usize)>,
}

fn position_of<T: PartialEq>(list: &mut Vec<Arc<T>>, item: &Arc<T>) -> usize {
    let known = list.iter().position(|known| known == item);
    known.unwrap_or_else(|| {
        list.push(Arc::clone(item));
        list.len() - 1
    })
}

impl Leaves {
    fn subquery(
        &self,
        subquery: Subquery,
        kind: SubqueryKind,
        tested: Option<Expr>,
    ) -> Result<Disassembled> {
        let plan = self
            .subqueries
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, &subquery.subquery))
            .map(|(_, node)| *node)
            .ok_or_else(|| breach("a subquery that was not written".to_owned()))?;
        let parts = tested.into_iter().chain(subquery.outer_ref_columns);
        Ok(Disassembled::Node(
            ExpressionNode::Subquery { plan, kind },
            parts.collect(),
        ))
    }

    fn window(&mut self, call: WindowFunction) -> Disassembled {
        let (function, aggregate) = match &call.fun {
            WindowFunctionDefinition::AggregateUDF(udf) => {
                (position_of(&mut self.aggregates, udf), true)
            }
            WindowFunctionDefinition::WindowUDF(udf) => {
                (position_of(&mut self.windows, udf), false)
            }
        };
        let params = call.params;
        let causal = params.window_frame.is_causal();
        let (start, start_value) = bound(params.window_frame.start_bound);
        let (end, end_value) = bound(params.window_frame.end_bound);
        let node = ExpressionNode::Window {
            function,
            aggregate,
            args: params.args.len(),
            partition: params.partition_by.len(),
            order: directions(&params.order_by),
            units: match params.window_frame.units {
                WindowFrameUnits::Rows => FrameUnits::Rows,
                WindowFrameUnits::Range => FrameUnits::Range,
                WindowFrameUnits::Groups => FrameUnits::Groups,
            },
            start,
            end,
            causal,
            filter: params.filter.is_some(),
            ignores_nulls: ignores_nulls(params.null_treatment),
            distinct: params.distinct,
        };
        let order = params.order_by.into_iter().map(|sort| sort.expr);
        let parts = params.args.into_iter().chain(params.partition_by);
        let parts = parts
            .chain(order)
            .chain(params.filter.map(|filter| *filter));
        Disassembled::Node(node, parts.chain(start_value).chain(end_value).collect())
    }

    fn grouping_set(set: GroupingSet) -> Disassembled {
        let (kind, sets) = match set {
            GroupingSet::Rollup(exprs) => (GroupingKind::Rollup, vec![exprs]),
            GroupingSet::Cube(exprs) => (GroupingKind::Cube, vec![exprs]),
            GroupingSet::GroupingSets(sets) => (GroupingKind::Sets, sets),
        };
        let sizes = sets.iter().map(Vec::len).collect();
        let parts = sets.into_iter().flatten().collect();
        Disassembled::Node(ExpressionNode::GroupingSet { kind, sizes }, parts)
    }
}

fn bound(bound: WindowFrameBound) -> (FrameBound, Option<Expr>) {
    match bound {
        WindowFrameBound::Preceding(value) => {
            (FrameBound::Preceding, Some(Expr::Literal(value, None)))
        }
        WindowFrameBound::CurrentRow => (FrameBound::CurrentRow, None),
        WindowFrameBound::Following(value) => {
            (FrameBound::Following, Some(Expr::Literal(value, None)))
        }
    }
}

/// DataFusion decides once whether a frame is causal, and coerces its bounds afterwards.
fn frame(
    units: WindowFrameUnits,
    start_bound: WindowFrameBound,
    end_bound: WindowFrameBound,
    causal: bool,
) -> WindowFrame {
    // Of rows up to the current one, or of all.
    let mut frame = WindowFrame::new(causal.then_some(true));
    frame.units = units;
    frame.start_bound = start_bound;
    frame.end_bound = end_bound;
    frame
}

fn ignores_nulls(treatment: Option<NullTreatment>) -> Option<bool> {
    treatment.map(|treatment| treatment == NullTreatment::IgnoreNulls)
}

fn null_treatment(ignores: Option<bool>) -> Option<NullTreatment> {
    ignores.map(|ignores| match ignores {
        true => NullTreatment::IgnoreNulls,
        false => NullTreatment::RespectNulls,
    })
}

impl Departure for Leaves {
    fn instead_of(&mut self, _: &Expr, _: usize) -> Result<Option<ExpressionSlot>> {
        Ok(None)
    }

    fn disassemble(&mut self, expr: Expr) -> Result<Disassembled> {
        let (node, parts) = match expr {
            Expr::AggregateFunction(AggregateFunction { func, params }) => {
                let node = ExpressionNode::Aggregate {
                    function: position_of(&mut self.aggregates, &func),
                    args: params.args.len(),
                    distinct: params.distinct,
                    filter: params.filter.is_some(),
                    order: directions(&params.order_by),
                    ignores_nulls: ignores_nulls(params.null_treatment),
                };
                let order = params.order_by.into_iter().map(|sort| sort.expr);
                let filter = params.filter.map(|filter| *filter);
                (
                    node,
                    params.args.into_iter().chain(filter).chain(order).collect(),
                )
            }
            Expr::WindowFunction(call) => return Ok(self.window(*call)),
            Expr::GroupingSet(set) => return Ok(Self::grouping_set(set)),
            Expr::ScalarSubquery(subquery) => {
                return self.subquery(subquery, SubqueryKind::Scalar, None);
            }
            Expr::Exists(Exists { subquery, negated }) => {
                return self.subquery(subquery, SubqueryKind::Exists { negated }, None);
            }
            Expr::InSubquery(InSubquery {
                expr,
                subquery,
                negated,
            }) => return self.subquery(subquery, SubqueryKind::In { negated }, Some(*expr)),
            Expr::SetComparison(SetComparison {
                expr,
                subquery,
                op,
                quantifier,
            }) => {
                let kind = SubqueryKind::Comparison {
                    operator: operator_name(op).unwrap_or_default(),
                    all: quantifier == SetQuantifier::All,
                };
                return self.subquery(subquery, kind, Some(*expr));
            }
            Expr::OuterReferenceColumn(field, column) => {
                let node = ExpressionNode::OuterReference {
                    field: self.fields.add(&field),
                    relation: table_name(column.relation.as_ref()),
                    name: column.name,
                };
                (node, Vec::new())
            }
            Expr::Placeholder(Placeholder { id, field }) => {
                let field = field.map(|field| self.fields.add(&field));
                (ExpressionNode::Placeholder { id, field }, Vec::new())
            }
            Expr::Unnest(Unnest { expr, outer }) => (ExpressionNode::Unnest { outer }, vec![*expr]),
            expr if is_faithful(&expr) => return Ok(Disassembled::Whole(expr)),
            Expr::Cast(Cast { expr, field }) => {
                let field = self.fields.add(&field);
                let tries = false;
                (ExpressionNode::Cast { field, tries }, vec![*expr])
            }
            Expr::TryCast(TryCast { expr, field }) => {
                let field = self.fields.add(&field);
                let tries = true;
                (ExpressionNode::Cast { field, tries }, vec![*expr])
            }
            Expr::Like(like) => Self::like(like, false),
            Expr::SimilarTo(like) => Self::like(like, true),
            expr => {
                return not_impl_err!("the expression {expr} cannot cross between host and plugin");
            }
        };
        Ok(Disassembled::Node(node, parts))
    }
}

impl Leaves {
    fn like(like: Like, similar: bool) -> (ExpressionNode, Vec<Expr>) {
        let node = ExpressionNode::Like {
            negated: like.negated,
            escape: like.escape_char,
            case_insensitive: like.case_insensitive,
            similar,
        };
        (node, vec![*like.expr, *like.pattern])
    }
}

/// Reads expressions of plans.
pub(super) struct Arrives<'a> {
    pub(super) fields: &'a [FieldRef],
    pub(super) aggregates: &'a [Arc<AggregateUDF>],
    pub(super) windows: &'a [Arc<WindowUDF>],
    /// What stands for the plan of each node until that is read.
    pub(super) subqueries: &'a [Arc<LogicalPlan>],
}

impl Arrives<'_> {
    fn field(&self, position: usize) -> Result<FieldRef> {
        let field = self.fields.get(position).cloned();
        field.ok_or_else(|| breach(format!("field {position} of {}", self.fields.len())))
    }

    fn function<T>(list: &[Arc<T>], position: usize) -> Result<Arc<T>> {
        let function = list.get(position).cloned();
        function.ok_or_else(|| breach(format!("function {position} of {}", list.len())))
    }

    fn subquery(&self, plan: usize, kind: &SubqueryKind, parts: Vec<Expr>) -> Result<Expr> {
        let mut parts = parts.into_iter();
        let mut tested = || match parts.next() {
            Some(expr) => Ok(Box::new(expr)),
            None => Err(breach(
                "a subquery without the expression it tests".to_owned(),
            )),
        };
        let tested = match kind {
            SubqueryKind::In { .. } | SubqueryKind::Comparison { .. } => Some(tested()?),
            SubqueryKind::Scalar | SubqueryKind::Exists { .. } => None,
        };
        let stand_in = self.subqueries.get(plan).cloned();
        let subquery = Subquery {
            subquery: stand_in.ok_or_else(|| breach(format!("a subquery at node {plan}")))?,
            outer_ref_columns: parts.collect(),
            spans: Spans::new(),
        };
        Ok(match (kind, tested) {
            (SubqueryKind::Exists { negated }, _) => Expr::Exists(Exists::new(subquery, *negated)),
            (SubqueryKind::In { negated }, Some(expr)) => {
                Expr::InSubquery(InSubquery::new(expr, subquery, *negated))
            }
            (SubqueryKind::Comparison { operator, all }, Some(expr)) => {
                let operator = Operator::from_proto_name(operator)
                    .ok_or_else(|| breach(format!("the operator '{operator}'")))?;
                let quantifier = match all {
                    true => SetQuantifier::All,
                    false => SetQuantifier::Any,
                };
                Expr::SetComparison(SetComparison::new(expr, subquery, operator, quantifier))
            }
            _ => Expr::ScalarSubquery(subquery),
        })
    }
}

fn take(parts: &mut std::vec::IntoIter<Expr>, count: usize) -> Result<Vec<Expr>> {
    if parts.len() < count {
        return Err(breach(format!(
            "{} parts where {count} were announced",
            parts.len()
        )));
    }
    Ok(parts.by_ref().take(count).collect())
}

fn take_one(parts: &mut std::vec::IntoIter<Expr>) -> Result<Box<Expr>> {
    match parts.next() {
        Some(expr) => Ok(Box::new(expr)),
        None => Err(breach("an expression with too few parts".to_owned())),
    }
}

fn frame_bound(
    bound: FrameBound,
    parts: &mut std::vec::IntoIter<Expr>,
) -> Result<WindowFrameBound> {
    let (make, value): (fn(_) -> _, _) = match bound {
        FrameBound::CurrentRow => return Ok(WindowFrameBound::CurrentRow),
        FrameBound::Preceding => (WindowFrameBound::Preceding, *take_one(parts)?),
        FrameBound::Following => (WindowFrameBound::Following, *take_one(parts)?),
    };
    match value {
        Expr::Literal(value, _) => Ok(make(value)),
        other => Err(breach(format!(
            "a window frame that starts or ends at {other}"
        ))),
    }
}

impl Arrival for Arrives<'_> {
    fn kept(&self, number: usize) -> Result<Expr> {
        Err(breach(format!("expression {number} in a plan")))
    }

    fn assemble(&self, node: &ExpressionNode, parts: Vec<Expr>) -> Result<Expr> {
        let mut parts = parts.into_iter();
        let expr = match node {
            ExpressionNode::Subquery { plan, kind } => {
                return self.subquery(*plan, kind, parts.collect());
            }
            ExpressionNode::OuterReference {
                field,
                relation,
                name,
            } => {
                let relation = table_reference(relation).map_err(from_call_error)?;
                Expr::OuterReferenceColumn(self.field(*field)?, Column::new(relation, name.clone()))
            }
            ExpressionNode::Placeholder { id, field } => {
                let field = field.map(|field| self.field(field)).transpose()?;
                Expr::Placeholder(Placeholder::new_with_field(id.clone(), field))
            }
            ExpressionNode::Cast { field, tries } => {
                let (expr, field) = (take_one(&mut parts)?, self.field(*field)?);
                match tries {
                    true => Expr::TryCast(TryCast::new_from_field(expr, field)),
                    false => Expr::Cast(Cast::new_from_field(expr, field)),
                }
            }
            ExpressionNode::Unnest { outer } => Expr::Unnest(Unnest {
                expr: take_one(&mut parts)?,
                outer: *outer,
            }),
            ExpressionNode::Like {
                negated,
                escape,
                case_insensitive,
                similar,
            } => {
                let (expr, pattern) = (take_one(&mut parts)?, take_one(&mut parts)?);
                let like = Like::new(*negated, expr, pattern, *escape, *case_insensitive);
                match similar {
                    true => Expr::SimilarTo(like),
                    false => Expr::Like(like),
                }
            }
            ExpressionNode::GroupingSet { kind, sizes } => {
                let sets = sizes.iter().map(|size| take(&mut parts, *size));
                let mut sets = sets.collect::<Result<Vec<_>>>()?;
                Expr::GroupingSet(match kind {
                    GroupingKind::Sets => GroupingSet::GroupingSets(sets),
                    GroupingKind::Rollup => GroupingSet::Rollup(sets.pop().unwrap_or_default()),
                    GroupingKind::Cube => GroupingSet::Cube(sets.pop().unwrap_or_default()),
                })
            }
            ExpressionNode::Aggregate {
                function,
                args,
                distinct,
                filter,
                order,
                ignores_nulls,
            } => {
                let args = take(&mut parts, *args)?;
                let filter = filter.then(|| take_one(&mut parts)).transpose()?;
                let params = AggregateFunctionParams {
                    args,
                    distinct: *distinct,
                    filter,
                    order_by: sorts(take(&mut parts, order.len())?.into_iter(), order)?,
                    null_treatment: null_treatment(*ignores_nulls),
                };
                let func = Self::function(self.aggregates, *function)?;
                Expr::AggregateFunction(AggregateFunction { func, params })
            }
            ExpressionNode::Window {
                function,
                aggregate,
                args,
                partition,
                order,
                units,
                start,
                end,
                causal,
                filter,
                ignores_nulls,
                distinct,
            } => {
                let fun = match aggregate {
                    true => Self::function(self.aggregates, *function)?.into(),
                    false => Self::function(self.windows, *function)?.into(),
                };
                let args = take(&mut parts, *args)?;
                let partition_by = take(&mut parts, *partition)?;
                let order_by = sorts(take(&mut parts, order.len())?.into_iter(), order)?;
                let filter = filter.then(|| take_one(&mut parts)).transpose()?;
                let units = match units {
                    FrameUnits::Rows => WindowFrameUnits::Rows,
                    FrameUnits::Range => WindowFrameUnits::Range,
                    FrameUnits::Groups => WindowFrameUnits::Groups,
                };
                let start = frame_bound(*start, &mut parts)?;
                let end = frame_bound(*end, &mut parts)?;
                Expr::from(WindowFunction {
                    fun,
                    params: WindowFunctionParams {
                        args,
                        partition_by,
                        order_by,
                        window_frame: frame(units, start, end, *causal),
                        filter,
                        null_treatment: null_treatment(*ignores_nulls),
                        distinct: *distinct,
                    },
                })
            }
        };
        match parts.next() {
            None => Ok(expr),
            Some(extra) => Err(breach(format!("{expr} with a part too many, {extra}"))),
        }
    }
}
