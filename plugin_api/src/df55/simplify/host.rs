//! The host's side: sends arguments, reads what became of the call.

use std::{collections::HashSet, sync::Arc};

use datafusion_common::{
    Column, Result, TableReference,
    tree_node::{TreeNode, TreeNodeRecursion},
};
use datafusion_expr::{
    Expr, ExprSchemable, ScalarUDF,
    interval_arithmetic::Interval,
    preimage::PreimageResult,
    simplify::{ExprSimplifyResult, SimplifyContext},
};
use serde::de::DeserializeOwned;

use super::KEPT;
use crate::{
    abi::{
        CallError, Parcel,
        message::{
            ExpressionList, ExpressionSlot, FunctionReference, PreimageReply, Rewrite, Settings,
            SimplifyReply, SimplifyRequest, VolatileArgument,
        },
    },
    df55::{
        builtins::Builtins,
        error::from_call_error,
        expressions::{Arrival, Departure, breach, is_faithful, pack, unpack},
        names::table_name,
        parcel::{ParcelBuilder, ParcelContent},
    },
};

/// How deep an argument is shown to the plugin; what is deeper stays on the host.
const SHOWN_DEPTH: usize = 32;

/// What the host knows of functions when it deals with one plugin.
pub trait HostFunctions {
    /// How the plugin knows `function`, if it is one of that plugin's.
    fn reference(&self, function: &ScalarUDF) -> Option<FunctionReference>;

    /// The host's function for one that the plugin exports.
    fn exported(&self, reference: &FunctionReference) -> Option<Arc<ScalarUDF>>;

    /// The functions that the host has without any plugin.
    fn builtins(&self) -> &Builtins;

    /// A function that the plugin was lent when it made the called one.
    ///
    /// # Errors
    /// A breach of the contract when there is none.
    fn lent(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>>;

    /// A function that only the plugin has.
    ///
    /// # Errors
    /// When the plugin does not hand it out.
    fn derived(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>>;
}

/// `ScalarUDFImpl::simplify` of a plugin's function, where `call` takes the request over and
/// brings the reply.
///
/// # Errors
/// Those of `call`, and a breach of the contract by the other side.
pub fn simplify_call(
    args: Vec<Expr>,
    info: &SimplifyContext,
    settings: Settings,
    functions: &dyn HostFunctions,
    call: impl FnOnce(Parcel) -> std::result::Result<Parcel, CallError>,
) -> Result<ExprSimplifyResult> {
    let (request, kept) = request(args.iter().cloned(), info, settings, functions)?;
    let reply: ParcelContent<SimplifyReply> = read(call(request).map_err(from_call_error)?)?;
    let list = &reply.message.expressions;
    match reply.message.rewrite {
        Rewrite::None => Ok(ExprSimplifyResult::Original(args)),
        Rewrite::Arguments => {
            let args = expressions(&reply, list, &kept, functions)?;
            Ok(ExprSimplifyResult::Original(args))
        }
        Rewrite::Call => {
            only(expressions(&reply, list, &kept, functions)?).map(ExprSimplifyResult::Simplified)
        }
    }
}

/// `ScalarUDFImpl::preimage` of a plugin's function.
///
/// # Errors
/// As for [`simplify_call`].
pub fn preimage_of_call(
    args: &[Expr],
    literal: &Expr,
    info: &SimplifyContext,
    settings: Settings,
    functions: &dyn HostFunctions,
    call: impl FnOnce(Parcel) -> std::result::Result<Parcel, CallError>,
) -> Result<PreimageResult> {
    let sent = args.iter().chain([literal]).cloned();
    let (request, kept) = request(sent, info, settings, functions)?;
    let reply: ParcelContent<PreimageReply> = read(call(request).map_err(from_call_error)?)?;
    let Some((lower, upper)) = reply.message.bounds else {
        return Ok(PreimageResult::None);
    };
    let expr = only(expressions(
        &reply,
        &reply.message.expressions,
        &kept,
        functions,
    )?)?;
    let bound = |position| reply.value(position).cloned().map_err(from_call_error);
    let interval = Interval::try_new(bound(lower)?, bound(upper)?)?;
    Ok(PreimageResult::Range {
        expr,
        interval: Box::new(interval),
    })
}

fn request(
    sent: impl Iterator<Item = Expr>,
    info: &SimplifyContext,
    settings: Settings,
    functions: &dyn HostFunctions,
) -> Result<(Parcel, Kept)> {
    let mut parcel = ParcelBuilder::new();
    let mut departure = Sending {
        info,
        functions,
        kept: Kept::default(),
        fields: Vec::new(),
        volatile: Vec::new(),
    };
    let reference = |function: &ScalarUDF| {
        functions
            .reference(function)
            .ok_or_else(|| breach(format!("function '{}' was to stay", function.name())))
    };
    let (expressions, blob) = pack(sent, &mut departure, &reference, &mut parcel)?;
    let Sending {
        kept,
        fields,
        volatile,
        ..
    } = departure;
    let message = SimplifyRequest {
        expressions,
        qualifiers: fields
            .iter()
            .map(|(qualifier, _)| table_name(qualifier.as_ref()))
            .collect(),
        query_start: info
            .query_execution_start_time()
            .and_then(|start| start.timestamp_nanos_opt()),
        settings,
        volatile,
    };
    let parcel = parcel
        .fields(fields.iter().map(|(_, field)| field))
        .blob(blob)
        .finish(&message)
        .map_err(from_call_error)?;
    Ok((parcel, kept))
}

type QualifiedField = (Option<TableReference>, arrow::datatypes::FieldRef);

struct Sending<'a> {
    info: &'a SimplifyContext,
    functions: &'a dyn HostFunctions,
    kept: Kept,
    /// The schema as far as the plugin needs it.
    fields: Vec<QualifiedField>,
    volatile: Vec<VolatileArgument>,
}

impl Departure for Sending<'_> {
    fn instead_of(&mut self, expr: &Expr, depth: usize) -> Result<Option<ExpressionSlot>> {
        let travels = match expr {
            // A column of this name would be taken for one that was kept.
            Expr::Column(column) => !column.name.starts_with(KEPT),
            Expr::Literal(..) => true,
            Expr::ScalarFunction(call) => {
                depth < SHOWN_DEPTH && self.functions.reference(&call.func).is_some()
            }
            Expr::SimilarTo(_) => false,
            _ => depth < SHOWN_DEPTH && is_faithful(expr),
        };
        if !travels {
            return Ok(Some(ExpressionSlot::Kept(self.keep(expr))));
        }
        if let Expr::Column(column) = expr {
            self.show(column);
        }
        Ok(None)
    }
}

impl Sending<'_> {
    /// Equal expressions are kept once, so that they are equal to the plugin too.
    fn keep(&mut self, expr: &Expr) -> usize {
        if let Some(number) = self.kept.expressions.iter().position(|kept| kept == expr) {
            return number;
        }
        let number = self.kept.expressions.len();
        self.kept.expressions.push(expr.clone());
        self.volatile
            .extend(volatile_function(expr).map(|function| VolatileArgument {
                kept: number,
                function,
            }));
        // Without a type it is a column that is in no schema: only who asks for its type fails.
        if let Ok((_, field)) = expr.to_field(self.info.schema().as_ref()) {
            let field = field.as_ref().clone().with_name(format!("{KEPT}{number}"));
            self.fields.push((None, Arc::new(field)));
        }
        number
    }

    fn show(&mut self, column: &Column) {
        if !self.kept.columns.insert(column.clone()) {
            return;
        }
        if let Ok((qualifier, field)) = self.info.schema().qualified_field_from_column(column) {
            let shown = self
                .fields
                .iter()
                .any(|(q, f)| q.as_ref() == qualifier && f.name() == field.name());
            if !shown {
                self.fields.push((qualifier.cloned(), Arc::clone(field)));
            }
        }
    }
}

/// The first function that has another value each time.
fn volatile_function(expr: &Expr) -> Option<String> {
    let mut name = None;
    let found = expr.apply(|expr| {
        Ok(match expr {
            Expr::ScalarFunction(call) if expr.is_volatile_node() => {
                name = Some(call.name().to_owned());
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Continue,
        })
    });
    found.ok().and(name)
}

/// What the host puts in again.
#[derive(Default)]
struct Kept {
    expressions: Vec<Expr>,
    /// Columns with their places in the SQL text, which do not cross.
    columns: HashSet<Column>,
}

impl Arrival for Kept {
    fn kept(&self, number: usize) -> Result<Expr> {
        self.expressions
            .get(number)
            .cloned()
            .ok_or_else(|| breach(format!("argument {number} was not sent")))
    }

    fn column(&self, column: Column) -> Result<Column> {
        if column.name.starts_with(KEPT) {
            // A name that stands for a kept expression must not get into a plan.
            return Err(breach(format!(
                "column '{column}' in a rewritten expression"
            )));
        }
        Ok(self.columns.get(&column).cloned().unwrap_or(column))
    }
}

fn read<M: DeserializeOwned>(reply: Parcel) -> Result<ParcelContent<M>> {
    ParcelContent::read(reply).map_err(from_call_error)
}

fn expressions<M>(
    reply: &ParcelContent<M>,
    list: &ExpressionList,
    kept: &Kept,
    functions: &dyn HostFunctions,
) -> Result<Vec<Expr>> {
    let resolved = list
        .functions
        .iter()
        .map(|reference| {
            if reference.creation.is_some() {
                return functions.lent(reference);
            }
            match functions
                .exported(reference)
                .or_else(|| functions.builtins().find(reference))
            {
                Some(function) => Ok(function),
                None => functions.derived(reference),
            }
        })
        .collect::<Result<_>>()?;
    unpack(list, &reply.blob, &reply.values, resolved, kept)
}

fn only(mut exprs: Vec<Expr>) -> Result<Expr> {
    match (exprs.pop(), exprs.len()) {
        (Some(expr), 0) => Ok(expr),
        (last, rest) => Err(breach(format!(
            "expected one expression, found {}",
            rest + usize::from(last.is_some())
        ))),
    }
}
