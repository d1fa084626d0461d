//! What a call of `interval_align` says.

use datafusion_common::{Result, plan_err};
use sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, ObjectName, TableFactor, TableFunctionArgs,
    Value,
};

use super::mode::Mode;

/// A right column that decides between equally good intervals.
pub(super) struct TieBreaker {
    pub(super) column: String,
    pub(super) descending: bool,
}

/// The arguments, read.
pub(super) struct Call {
    pub(super) left: TableFactor,
    pub(super) right: TableFactor,
    pub(super) mode: Mode,
    /// Keeps left rows without a match.
    pub(super) keeps_left: bool,
    /// Names of path, start and end, the same on both sides.
    pub(super) path: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) ties: Vec<TieBreaker>,
}

const NAMES: &str = "mode, how, path, bstart, bend, tie_breakers";

impl Call {
    pub(super) fn read(args: TableFunctionArgs) -> Result<Self> {
        let mut tables = Vec::new();
        let mut options = Vec::new();
        for arg in args.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => tables.push(table(expr)?),
                FunctionArg::Named {
                    name,
                    arg: FunctionArgExpr::Expr(value),
                    ..
                } => options.push((name.value.to_ascii_lowercase(), text(&name.value, &value)?)),
                FunctionArg::ExprNamed {
                    name: SqlExpr::Identifier(name),
                    arg: FunctionArgExpr::Expr(value),
                    ..
                } => options.push((name.value.to_ascii_lowercase(), text(&name.value, &value)?)),
                other => return plan_err!("interval_align takes no argument {other}"),
            }
        }
        let Ok([left, right]) = <[TableFactor; 2]>::try_from(tables) else {
            return plan_err!(
                "interval_align takes two relations, left and right, each a query in parentheses, and any \
                 of {NAMES} by name"
            );
        };
        let mut call = Self {
            left,
            right,
            mode: Mode::OverlapMax,
            keeps_left: false,
            path: "path".to_owned(),
            start: "bstart".to_owned(),
            end: "bend".to_owned(),
            ties: Vec::new(),
        };
        for (at, (name, value)) in options.iter().enumerate() {
            if options[..at].iter().any(|(before, _)| before == name) {
                return plan_err!("interval_align: the argument '{name}' is given twice");
            }
            call.set(name, value.clone())?;
        }
        Ok(call)
    }

    fn set(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "mode" => self.mode = value.parse()?,
            "how" => {
                self.keeps_left = match value.to_ascii_lowercase().as_str() {
                    "inner" => false,
                    "left" => true,
                    _ => {
                        return plan_err!(
                            "interval_align: the argument 'how' is '{value}', expected inner or left"
                        );
                    }
                }
            }
            "path" => self.path = value,
            "bstart" => self.start = value,
            "bend" => self.end = value,
            "tie_breakers" => {
                let ties = value.split(',').map(tie_breaker);
                self.ties = ties.collect::<Result<_>>()?;
            }
            _ => {
                return plan_err!(
                    "interval_align has no argument '{name}', expected one of {NAMES}"
                );
            }
        }
        Ok(())
    }
}

/// A relation given as an argument: a query, or the name of a query of `WITH`.
fn table(expr: SqlExpr) -> Result<TableFactor> {
    let name = match expr {
        SqlExpr::Identifier(name) => vec![name],
        SqlExpr::CompoundIdentifier(names) => names,
        SqlExpr::Subquery(subquery) => {
            return Ok(TableFactor::Derived {
                lateral: false,
                subquery,
                alias: None,
                sample: None,
            });
        }
        other => {
            return plan_err!(
                "interval_align takes a query in parentheses or the name of one, not {other}"
            );
        }
    };
    Ok(TableFactor::Table {
        name: ObjectName::from(name),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    })
}

fn text(name: &str, value: &SqlExpr) -> Result<String> {
    match value {
        SqlExpr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Ok(text.clone()),
            other => {
                plan_err!("interval_align: the argument '{name}' is {other}, expected a string")
            }
        },
        // A column can be named as one.
        SqlExpr::Identifier(ident) => Ok(ident.value.clone()),
        other => plan_err!("interval_align: the argument '{name}' is {other}, expected a string"),
    }
}

/// `column`, `column ASC` or `column DESC`.
fn tie_breaker(text: &str) -> Result<TieBreaker> {
    let mut words = text.split_whitespace();
    let (column, direction) = (words.next(), words.next().map(str::to_ascii_uppercase));
    let descending = match direction.as_deref() {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(other) => {
            return plan_err!("interval_align: a tie breaker is '{other}', expected ASC or DESC");
        }
    };
    match (column, words.next()) {
        (Some(column), None) => Ok(TieBreaker {
            column: column.to_owned(),
            descending,
        }),
        _ => {
            plan_err!("interval_align: '{text}' is no tie breaker, expected a column, ASC or DESC")
        }
    }
}
