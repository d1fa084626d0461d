//! The relation planner.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::{Column, DFSchema, Result, ScalarValue, plan_err};
use datafusion_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, ScalarUDF, WindowUDF, cast, col,
    expr::WindowFunction,
    lit,
    planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
};
use sqlparser::ast::{ObjectName, TableFactor};

use super::{
    call::Call,
    window::{AlignedRow, MATCH_KIND, MATCH_SCORE},
};

const PATH: &str = "__path";
const START: &str = "__start";
const END: &str = "__end";
const OF_RIGHT: &str = "__of_right";
const MATCH: &str = "__match";

/// Plans `interval_align(left, right [, mode => ...])`: for each row of the left relation the best row
/// of the right one with the same path.
///
/// Both sides become one relation, ordered by path and start, over whose paths a window function goes.
/// A filter on the path goes below it, to both sides; DataFusion keeps every other above.
#[derive(Debug)]
pub struct IntervalAlign;

impl RelationPlanner for IntervalAlign {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        match relation {
            TableFactor::Table {
                name,
                alias,
                args: Some(args),
                ..
            } if is_ours(&name) => {
                let call = Call::read(args)?;
                let left = side("left", &call.left, context)?;
                let left = Side::new("left", left, &call)?;
                let right = side("right", &call.right, context)?;
                let right = Side::new("right", right, &call)?;
                let Some(get_field) = context.context_provider().get_function_meta("get_field")
                else {
                    return plan_err!("interval_align needs the function get_field");
                };
                let plan = planned(&call, left, right, &get_field)?;
                let planned = PlannedRelation::new(plan, alias);
                Ok(RelationPlanning::Planned(Box::new(planned)))
            }
            other => Ok(RelationPlanning::Original(Box::new(other))),
        }
    }
}

/// Before it plans, DataFusion looks up the tables that a statement has in its `FROM`s, and a name among
/// arguments is in none.
fn side(
    side: &str,
    relation: &TableFactor,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    context
        .plan(relation.clone())
        .map_err(|error| match relation {
            TableFactor::Table { name, .. } => error.context(format!(
                "interval_align: the {side} relation; a table is given as (SELECT * FROM {name})"
            )),
            _ => error,
        })
}

/// `interval_align` or `codeanatomy.interval_align`.
fn is_ours(name: &ObjectName) -> bool {
    let parts: Option<Vec<_>> = name.0.iter().map(|part| part.as_ident()).collect();
    let is = |ident: &sqlparser::ast::Ident, name: &str| ident.value.eq_ignore_ascii_case(name);
    match parts.as_deref() {
        Some([name]) => is(name, "interval_align"),
        Some([plugin, name]) => is(plugin, "codeanatomy") && is(name, "interval_align"),
        _ => false,
    }
}

/// One of the two relations.
struct Side {
    plan: LogicalPlan,
    path: Expr,
    path_type: DataType,
    start: Expr,
    end: Expr,
}

impl Side {
    fn new(side: &str, plan: LogicalPlan, call: &Call) -> Result<Self> {
        let schema = plan.schema();
        let (path, path_type) = column(side, schema, &call.path)?;
        let whole_number = |name: &str| {
            let (column, data_type) = column(side, schema, name)?;
            match data_type.is_integer() {
                true => Ok(cast(column, DataType::Int64)),
                false => plan_err!(
                    "interval_align: column '{name}' of the {side} relation is of type {data_type}, \
                     expected an integer type"
                ),
            }
        };
        let (start, end) = (whole_number(&call.start)?, whole_number(&call.end)?);
        Ok(Self {
            path,
            path_type,
            start,
            end,
            plan,
        })
    }

    /// The columns with which both sides are told apart and compared.
    fn own(&self, path_type: &DataType, of_right: bool) -> Vec<Expr> {
        let path = match self.path_type == *path_type {
            true => self.path.clone(),
            false => cast(self.path.clone(), path_type.clone()),
        };
        vec![
            path.alias(PATH),
            self.start.clone().alias(START),
            self.end.clone().alias(END),
            lit(of_right).alias(OF_RIGHT),
        ]
    }

    /// The relation's columns under names that nothing else has, or nulls of their types.
    fn columns(&self, prefix: &str, present: bool) -> Result<Vec<Expr>> {
        let columns = self.plan.schema().iter().enumerate();
        let columns = columns.map(|(at, (qualifier, field))| {
            let expr = match present {
                true => Expr::Column(Column::new(qualifier.cloned(), field.name())),
                false => lit(ScalarValue::try_new_null(field.data_type())?),
            };
            Ok(expr.alias(internal(prefix, at)))
        });
        columns.collect()
    }

    fn len(&self) -> usize {
        self.plan.schema().fields().len()
    }

    fn name(&self, at: usize) -> &str {
        self.plan.schema().field(at).name()
    }
}

fn internal(prefix: &str, at: usize) -> String {
    format!("__{prefix}_{at}")
}

fn column(side: &str, schema: &DFSchema, name: &str) -> Result<(Expr, DataType)> {
    let mut found = schema.iter().filter(|(_, field)| field.name() == name);
    match (found.next(), found.next()) {
        (Some((qualifier, field)), None) => {
            let column = Column::new(qualifier.cloned(), field.name());
            Ok((Expr::Column(column), field.data_type().clone()))
        }
        (Some(_), Some(_)) => {
            plan_err!("interval_align: the {side} relation has several columns '{name}'")
        }
        (None, _) => {
            let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            plan_err!(
                "interval_align: the {side} relation has no column '{name}', expected one of {}",
                names.join(", ")
            )
        }
    }
}

fn planned(
    call: &Call,
    left: Side,
    right: Side,
    get_field: &Arc<ScalarUDF>,
) -> Result<LogicalPlan> {
    for tie in &call.ties {
        column("right", right.plan.schema(), &tie.column)?;
    }
    let own_names = (0..right.len()).map(|at| right.name(at).to_owned());
    let own_names: Vec<_> = own_names.collect();
    let path_type = left.path_type.clone();

    let mut of_left = left.own(&path_type, false);
    of_left.extend(left.columns("left", true)?);
    of_left.extend(right.columns("right", false)?);
    let mut of_right = right.own(&path_type, true);
    of_right.extend(left.columns("left", false)?);
    of_right.extend(right.columns("right", true)?);
    // A null is equal to nothing.
    let known = right.path.clone().is_not_null();
    let right_plan = LogicalPlanBuilder::from(right.plan.clone())
        .filter(known)?
        .project(of_right)?
        .build()?;

    let mut arguments = vec![col(OF_RIGHT), col(START), col(END)];
    arguments.extend((0..right.len()).map(|at| col(internal("right", at))));
    let function = AlignedRow::new(call.mode, own_names, call.ties.clone());
    let function = Arc::new(WindowUDF::from(function));
    let aligned = Expr::from(WindowFunction::new(function, arguments))
        .partition_by(vec![col(PATH)])
        .order_by(vec![col(START).sort(true, false)])
        .build()?
        .alias(MATCH);

    // The path that both sides are ordered by, so that a filter on it goes below the window function.
    let left_column = |at: usize| match left.name(at) {
        name if name == call.path => col(PATH),
        _ => col(internal("left", at)),
    };
    let mut output: Vec<_> = (0..left.len())
        .map(|at| left_column(at).alias(left.name(at)))
        .collect();
    let of_match = |name: &str| get_field.call(vec![col(MATCH), lit(name)]);
    output.extend((0..right.len()).map(|at| {
        let name = right.name(at);
        of_match(name).alias(format!("right_{name}"))
    }));
    output.push(of_match(MATCH_KIND).alias(MATCH_KIND));
    output.push(of_match(MATCH_SCORE).alias(MATCH_SCORE));

    let builder = LogicalPlanBuilder::from(left.plan.clone())
        .project(of_left)?
        .union(right_plan)?
        .window(vec![aligned])?
        .filter(Expr::Not(Box::new(col(OF_RIGHT))))?;
    let builder = match call.keeps_left {
        true => builder,
        false => builder.filter(col(MATCH).is_not_null())?,
    };
    builder.project(output)?.build()
}
