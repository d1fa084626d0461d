//! What a call is planned as.

use std::{collections::HashSet, sync::Arc};

use arrow::{compute::SortOptions, datatypes::FieldRef, row::RowConverter};
use datafusion_common::{Column, Result, UnnestOptions, plan_err};
use datafusion_expr::{
    AggregateUDF, Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, ScalarUDF, WindowUDF,
    col,
    expr::{WindowFunction, WindowFunctionDefinition},
    lit, when,
};

use super::{
    aligned::{Aligned, Alignment, MATCH_KIND, MATCH_SCORE, START},
    call::Call,
    rank::Compared,
    side::{CONSTANT, OF_RIGHT, PATH, Places, Side, column},
};

const NUMBER: &str = "__number";
const MATCHES: &str = "__matches";

/// Functions of the session.
pub(super) struct Functions {
    pub(super) get_field: Arc<ScalarUDF>,
    pub(super) row_number: Arc<WindowUDF>,
}

pub(super) fn planned(
    call: &Call,
    left: &Side,
    right: &Side,
    functions: Functions,
) -> Result<LogicalPlan> {
    check_names(left, right)?;
    let places = Places::new(left, right)?;
    let aligned = AggregateUDF::from(Aligned::new(alignment(call, left, right, &places)?));

    // A null is equal to nothing.
    let known = right.column(right.path).is_not_null();
    let of_right = LogicalPlanBuilder::from(right.plan.clone())
        .filter(known)?
        .project(right.row(true, &places)?)?
        .build()?;

    // The number is of no use. It makes DataFusion bring rows in this order, to which an aggregate of a
    // path can then go without holding other paths, and, unlike an order asked for by the aggregate,
    // has it done in one phase.
    let row_number = WindowFunctionDefinition::WindowUDF(functions.row_number);
    let number = Expr::from(WindowFunction::new(row_number, Vec::new()))
        .partition_by(vec![col(PATH), col(CONSTANT)])
        .order_by(vec![col(Places::name(START)).sort(true, false)])
        .build()?
        .alias(NUMBER);

    let mut arguments = vec![col(NUMBER), col(OF_RIGHT)];
    arguments.extend((0..places.types.len()).map(|at| col(Places::name(at))));
    let matches = aligned.call(arguments).alias(MATCHES);

    LogicalPlanBuilder::from(left.plan.clone())
        .project(left.row(false, &places)?)?
        .union(of_right)?
        .window(vec![number])?
        .aggregate(vec![col(PATH), col(CONSTANT)], vec![matches])?
        .unnest_columns_with_options(
            vec![Column::from_name(MATCHES)],
            UnnestOptions::new().with_preserve_nulls(false),
        )?
        .project(output(call, left, right, &places, &functions.get_field)?)?
        .build()
}

/// The names of columns in a row of matches, where the sides' own may be the same.
fn name(side: &str, at: usize) -> String {
    format!("{side}_{at}")
}

fn alignment(call: &Call, left: &Side, right: &Side, places: &Places) -> Result<Alignment> {
    let columns = |name_of: &str, side: &Side, places: &[Option<usize>]| {
        let columns = places.iter().enumerate();
        let columns = columns.filter_map(|(at, place)| {
            let field = side.field(at).as_ref().clone();
            let field: FieldRef = Arc::new(field.with_name(name(name_of, at)));
            place.map(|place| (place, field))
        });
        columns.collect::<Vec<_>>()
    };
    // The path is the same for all rows that are compared.
    let compared = |at: usize, descending: bool| {
        let data_type = right.field(at).data_type().clone();
        places.right[at].map(|place| Compared {
            place,
            data_type,
            options: SortOptions {
                descending,
                nulls_first: false,
            },
        })
    };
    let mut ties = Vec::new();
    for tie in &call.ties {
        let at = column("right", right.plan.schema(), &tie.column)?;
        ties.extend(compared(at, tie.descending));
    }
    let rest = (0..right.len()).filter_map(|at| compared(at, false));
    let first = (0..right.len()).find(|&at| places.right[at].is_some());
    let alignment = Alignment {
        mode: call.mode,
        keeps_left: call.keeps_left,
        left: columns("left", left, &places.left),
        right: columns("right", right, &places.right),
        ties,
        rest: rest.collect(),
        start_leads: first == Some(right.start),
    };
    if !RowConverter::supports_fields(&alignment.sort_fields()) {
        return plan_err!("interval_align: the right side has a column that is not compared");
    }
    Ok(alignment)
}

/// Makes sure that no two columns of the result have one name.
fn check_names(left: &Side, right: &Side) -> Result<()> {
    let of_left: Vec<_> = (0..left.len()).map(|at| left.field(at).name()).collect();
    let own = [MATCH_KIND, MATCH_SCORE].map(str::to_owned);
    let names = of_left.iter().map(|name| name.to_string());
    let names = names.chain((0..right.len()).map(|at| right_name(right, at)));
    let mut seen = HashSet::new();
    for name in names.chain(own) {
        if seen.contains(&name) {
            let side = match of_left.contains(&&name) {
                true => "left",
                false => "right",
            };
            return plan_err!(
                "interval_align: the result would have two columns '{name}': give one in the {side} \
                 relation another name"
            );
        }
        seen.insert(name);
    }
    Ok(())
}

fn right_name(right: &Side, at: usize) -> String {
    format!("right_{}", right.field(at).name())
}

fn output(
    call: &Call,
    left: &Side,
    right: &Side,
    places: &Places,
    get_field: &Arc<ScalarUDF>,
) -> Result<Vec<Expr>> {
    let of_match = |name: &str| get_field.call(vec![col(MATCHES), lit(name)]);
    let mut output = Vec::with_capacity(left.len() + right.len() + 2);
    for (at, place) in places.left.iter().enumerate() {
        // What rows are grouped by, so that a filter on it goes below.
        let expr = match place {
            Some(_) => of_match(&name("left", at)),
            None => col(PATH),
        };
        output.push(expr.alias(left.field(at).name()));
    }
    for (at, place) in places.right.iter().enumerate() {
        let expr = match place {
            Some(_) => of_match(&name("right", at)),
            None if call.keeps_left => when(of_match(MATCH_KIND).is_not_null(), col(PATH)).end()?,
            None => col(PATH),
        };
        output.push(expr.alias(right_name(right, at)));
    }
    output.push(of_match(MATCH_KIND).alias(MATCH_KIND));
    output.push(of_match(MATCH_SCORE).alias(MATCH_SCORE));
    Ok(output)
}
