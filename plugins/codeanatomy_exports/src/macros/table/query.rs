//! The query of a table macro, as SQL.

use std::ops::ControlFlow;

use arrow::datatypes::Fields;
use datafusion_common::{Result, plan_err};
use sqlparser::{
    ast::{
        Expr as SqlExpr, Query, Statement, TableFactor, Value, VisitMut, VisitorMut,
        visit_expressions_mut,
    },
    dialect::GenericDialect,
    parser::Parser,
};

use crate::macros::arguments;

/// How many macros' queries may call each other. Where a host bounds the time of planning, each waits on a thread
/// of eight.
const DEEPEST: usize = 6;
/// Before the depth at which a call stands.
const DEPTH: &str = "codeanatomy.macro.depth ";

/// The one query of a text.
pub(super) fn parsed(macro_name: &str, sql: &str) -> Result<Box<Query>> {
    let parsed = Parser::parse_sql(&GenericDialect {}, sql);
    match parsed.as_deref() {
        Ok([Statement::Query(query)]) => Ok(query.clone()),
        Ok(_) => plan_err!("macro '{macro_name}': the body is not one query"),
        Err(error) => plan_err!("macro '{macro_name}': {error}"),
    }
}

/// Puts the values of arguments in the places of `$1` or `$name`.
pub(super) fn fill(
    macro_name: &str,
    query: &mut Query,
    arguments: &Fields,
    values: &[SqlExpr],
) -> Result<()> {
    let flow = visit_expressions_mut(query, |expr| {
        let SqlExpr::Value(value) = expr else {
            return ControlFlow::Continue(());
        };
        let Value::Placeholder(placeholder) = &value.value else {
            return ControlFlow::Continue(());
        };
        let at = arguments::position(arguments, placeholder);
        match at.and_then(|at| values.get(at)) {
            Some(value) => {
                *expr = value.clone();
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(placeholder.clone()),
        }
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(unknown) => {
            plan_err!("macro '{macro_name}' names {unknown}, which is no argument")
        }
    }
}

/// Tells the calls in the query of a macro, which was itself called with `hints`, how deep they stand.
///
/// A hint goes wherever the call is planned; a session may ask its planners on different threads.
pub(super) fn nest(macro_name: &str, query: &mut Query, hints: &[SqlExpr]) -> Result<()> {
    let depth = depth(hints).unwrap_or(0) + 1;
    if depth > DEEPEST {
        return plan_err!(
            "macro '{macro_name}' is called from {DEEPEST} macros' queries, one in another, which is as \
             deep as they may be"
        );
    }
    let hint = Value::SingleQuotedString(format!("{DEPTH}{depth}"));
    let flow = query.visit(&mut Calls(SqlExpr::value(hint)));
    debug_assert!(flow.is_continue());
    Ok(())
}

fn depth(hints: &[SqlExpr]) -> Option<usize> {
    let [SqlExpr::Value(hint)] = hints else {
        return None;
    };
    match &hint.value {
        Value::SingleQuotedString(text) => text.strip_prefix(DEPTH)?.parse().ok(),
        _ => None,
    }
}

struct Calls(SqlExpr);

impl VisitorMut for Calls {
    type Break = ();

    fn pre_visit_table_factor(&mut self, relation: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            args: Some(_),
            with_hints,
            ..
        } = relation
        {
            *with_hints = vec![self.0.clone()];
        }
        ControlFlow::Continue(())
    }
}
