//! Calling every function of a plugin.

use std::{io::Write, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema},
};
use datafusion::{
    catalog::TableFunctionArgs,
    common::{DataFusionError, Result, ScalarValue},
    logical_expr::{Expr, expr::WindowFunction},
    prelude::{DataFrame, SessionContext, col},
};
use datafusion_plugin_api::abi::message::{FunctionDescriptor, FunctionKind};
use datafusion_plugin_host::{LoadedPlugin, PluginHost};
use tokio::runtime::Runtime;

use super::{Answer, Call, Checked, arguments};
use crate::{child, exit::CliError};

/// A function is called with arguments of at most so many lists of types.
const MAX_CALLS: usize = 4;

/// Calls every function with empty, null and one-row input.
pub(super) fn call_all(host: &PluginHost, out: &mut dyn Write) -> Result<Answer, CliError> {
    let ctx = SessionContext::new();
    host.install(&ctx);
    let mut check = Check {
        ctx,
        runtime: Runtime::new().map_err(CliError::Runtime)?,
        answer: Answer::default(),
        out,
    };
    for plugin in host.plugins() {
        let (exports, _) = plugin.exports();
        for function in exports
            .scalar_functions
            .iter()
            .chain(&exports.aggregate_functions)
            .chain(&exports.window_functions)
        {
            check.function(plugin, function)?;
        }
        for function in &exports.table_functions {
            check.table_function(&format!("{}.{}", plugin.name(), function.name))?;
        }
    }
    Ok(check.answer)
}

struct Check<'a> {
    ctx: SessionContext,
    runtime: Runtime,
    answer: Answer,
    out: &'a mut dyn Write,
}

impl Check<'_> {
    fn function(
        &mut self,
        plugin: &LoadedPlugin,
        function: &FunctionDescriptor,
    ) -> Result<(), CliError> {
        let (_, types) = plugin.exports();
        let name = format!("{}.{}", plugin.name(), function.name);
        let mut calls = Vec::new();
        for guess in arguments::guesses(&function.signature.accepts, types) {
            if calls.len() == MAX_CALLS {
                break;
            }
            child::step(self.out, format!("planning {name}{}", text(&guess)))?;
            let planned = self.frame(&name, function.kind, &guess, 0);
            // Plans that fail show that the guess was wrong, unless the plugin panicked.
            if let Err(error) = planned {
                self.judge(&name, &guess, "planning", &error);
                continue;
            }
            let mut outcomes = Vec::new();
            for (input, rows) in [("empty", 0), ("null", 1), ("one-row", 2)] {
                child::step(
                    self.out,
                    format!("calling {name}{} on {input} input", text(&guess)),
                )?;
                outcomes.push(self.call(&name, function.kind, &guess, input, rows));
            }
            let mut outcomes = outcomes.into_iter();
            let mut next = || outcomes.next().unwrap_or_default();
            calls.push(Call {
                arguments: guess.iter().map(ToString::to_string).collect(),
                empty: next(),
                null: next(),
                one_row: next(),
            });
        }
        self.answer.functions.push(Checked {
            kind: kind_name(function.kind).to_owned(),
            name,
            calls,
        });
        Ok(())
    }

    /// How a call went, in words.
    fn call(
        &mut self,
        name: &str,
        kind: FunctionKind,
        types: &[DataType],
        input: &str,
        rows: usize,
    ) -> String {
        let result = self
            .frame(name, kind, types, rows)
            .and_then(|frame| self.runtime.block_on(frame.collect()));
        match result {
            Ok(batches) => {
                let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
                let expected = match kind {
                    FunctionKind::Aggregate => 1,
                    _ => rows.min(1),
                };
                if found != expected {
                    self.answer.findings.push(format!(
                        "{name}{}: expected {expected} rows for {input} input, found {found}",
                        text(types)
                    ));
                }
                "ok".to_owned()
            }
            Err(error) => {
                self.judge(name, types, input, &error);
                error.strip_backtrace()
            }
        }
    }

    /// An error is a finding when it is no answer to the input, but a panic or a breach.
    fn judge(&mut self, name: &str, types: &[DataType], input: &str, error: &DataFusionError) {
        let message = error.strip_backtrace();
        // Breaches of the contract come as FFI errors.
        let at_fault =
            message.contains("panic in ") || matches!(error.find_root(), DataFusionError::Ffi(_));
        if at_fault {
            let finding = format!("{name}{} on {input} input: {message}", text(types));
            self.answer.findings.push(finding);
        }
    }

    /// The query that calls a function on a table: of no rows, one of nulls (`rows` is 1) or one
    /// of values (2).
    fn frame(
        &self,
        name: &str,
        kind: FunctionKind,
        types: &[DataType],
        rows: usize,
    ) -> Result<DataFrame> {
        let state = self.ctx.state();
        let missing = || DataFusionError::Plan(format!("function '{name}' is not installed"));
        let columns: Vec<Expr> = (0..types.len()).map(|i| col(format!("a{i}"))).collect();
        let table = self.ctx.read_batch(input(types, rows)?)?;
        match kind {
            FunctionKind::Aggregate => {
                let function = state.aggregate_functions().get(name).ok_or_else(missing)?;
                table.aggregate(vec![], vec![function.call(columns)])
            }
            FunctionKind::Window => {
                let function = state.window_functions().get(name).ok_or_else(missing)?;
                let call = WindowFunction::new(Arc::clone(function), columns);
                table.select(vec![Expr::from(call)])
            }
            _ => {
                let function = state.scalar_functions().get(name).ok_or_else(missing)?;
                table.select(vec![function.call(columns)])
            }
        }
    }

    /// Calls a table function without arguments; it may well want some.
    fn table_function(&mut self, name: &str) -> Result<(), CliError> {
        child::step(self.out, format!("calling table function {name}()"))?;
        let state = self.ctx.state();
        let result = state
            .table_functions()
            .get(name)
            .ok_or_else(|| DataFusionError::Plan(format!("function '{name}' is not installed")))
            .and_then(|function| {
                let args = TableFunctionArgs::new(&[], &state);
                function.create_table_provider_with_args(args)
            })
            .and_then(|table| self.ctx.read_table(table))
            .and_then(|frame| frame.limit(0, Some(1)))
            .and_then(|frame| self.runtime.block_on(frame.collect()));
        let outcome = match result {
            Ok(_) => "ok".to_owned(),
            Err(error) => {
                self.judge(name, &[], "no", &error);
                error.strip_backtrace()
            }
        };
        self.answer.functions.push(Checked {
            kind: "table".to_owned(),
            name: name.to_owned(),
            calls: vec![Call {
                arguments: Vec::new(),
                empty: outcome.clone(),
                null: outcome.clone(),
                one_row: outcome,
            }],
        });
        Ok(())
    }
}

/// A batch with a column per type; the additional column gives a call without arguments its rows.
fn input(types: &[DataType], rows: usize) -> Result<RecordBatch> {
    let mut fields = vec![Field::new("row", DataType::Int64, true)];
    let mut columns = vec![ScalarValue::Int64(None).to_array_of_size(rows.min(1))?];
    for (position, of) in types.iter().enumerate() {
        fields.push(Field::new(format!("a{position}"), of.clone(), true));
        let value = match rows {
            2 => arguments::sample(of),
            _ => ScalarValue::try_new_null(of)?,
        };
        columns.push(value.to_array_of_size(rows.min(1))?);
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}

/// `(Utf8, Int64)`
fn text(types: &[DataType]) -> String {
    let types: Vec<_> = types.iter().map(ToString::to_string).collect();
    format!("({})", types.join(", "))
}

fn kind_name(kind: FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Aggregate => "aggregate",
        FunctionKind::Window => "window",
        FunctionKind::AsyncScalar => "async_scalar",
        _ => "scalar",
    }
}
