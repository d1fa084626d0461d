//! Calling every function of a plugin, and reading every table.

mod factories;

use std::{io::Write, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema},
};
use datafusion::{
    catalog::TableFunctionArgs,
    common::{DataFusionError, Result, ScalarValue, TableReference},
    logical_expr::{Expr, expr::WindowFunction, lit},
    prelude::{DataFrame, SessionContext, col},
};
use datafusion_plugin_api::abi::message::{FunctionDescriptor, FunctionKind};
use datafusion_plugin_host::PluginHost;
use tokio::runtime::Runtime;

use super::{Call, Part, arguments};
use crate::{child, exit::CliError};

/// A function is called with arguments of at most so many lists of types.
const MAX_CALLS: usize = 4;

/// Calls every function with empty, null and one-row input, and then reads every table, but for the
/// first `skip` of them all.
pub(super) fn call_all(
    host: &PluginHost,
    skip: usize,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let ctx = SessionContext::new();
    host.install(&ctx);
    let mut check = Check {
        ctx,
        runtime: Runtime::new().map_err(CliError::Runtime)?,
        out,
    };
    let mut position = 0;
    let mut skipped = || {
        position += 1;
        position <= skip
    };
    for plugin in host.plugins().iter() {
        let (exports, types) = plugin.exports();
        for function in exports
            .scalar_functions
            .iter()
            .chain(&exports.aggregate_functions)
            .chain(&exports.window_functions)
        {
            if !skipped() {
                check.function(plugin.name(), function, types)?;
            }
        }
        for function in &exports.table_functions {
            if !skipped() {
                check.table_function(&format!("{}.{}", plugin.name(), function.name))?;
            }
        }
        let factories = exports.function_factories.as_slice();
        if !factories.is_empty() && !skipped() {
            check.factories(plugin.name(), factories)?;
        }
        for table in &exports.tables {
            if !skipped() {
                check.table(TableReference::partial(plugin.name(), table.as_str()))?;
            }
        }
        for catalog in &exports.catalogs {
            for table in check.tables_of(catalog)? {
                if !skipped() {
                    check.table(table)?;
                }
            }
        }
    }
    Ok(())
}

struct Check<'a> {
    ctx: SessionContext,
    runtime: Runtime,
    out: &'a mut dyn Write,
}

impl Check<'_> {
    fn begin(&mut self, kind: &str, name: &str) -> Result<(), CliError> {
        let part = Part::Function {
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        Ok(child::answer(self.out, part)?)
    }

    fn function(
        &mut self,
        plugin: &str,
        function: &FunctionDescriptor,
        types: &[DataType],
    ) -> Result<(), CliError> {
        let name = format!("{plugin}.{}", function.name);
        self.begin(kind_name(function.kind), &name)?;
        let mut calls = 0;
        for guess in arguments::guesses(&function.signature.accepts, types) {
            if calls == MAX_CALLS {
                break;
            }
            child::step(self.out, format!("planning {name}{}", text(&guess)))?;
            let planned = self.frame(&name, function.kind, &guess, 0);
            // Plans that fail show that the guess was wrong, unless the plugin panicked.
            if let Err(error) = planned {
                self.judge(&name, &guess, "planning", &error)?;
                continue;
            }
            calls += 1;
            let mut outcome = |input, rows| {
                let step = format!("calling {name}{} on {input} input", text(&guess));
                child::step(self.out, step)?;
                self.call(&name, function.kind, &guess, input, rows)
                    .map(Some)
            };
            let call = Call {
                arguments: guess.iter().map(ToString::to_string).collect(),
                empty: outcome("empty", 0)?,
                null: outcome("null", 1)?,
                one_row: outcome("one-row", 2)?,
            };
            child::answer(self.out, Part::Call(call))?;
        }
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
    ) -> Result<String, CliError> {
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
                    let finding = format!(
                        "{name}{}: expected {expected} rows for {input} input, found {found}",
                        text(types)
                    );
                    child::answer(self.out, Part::Finding(finding))?;
                }
                Ok("ok".to_owned())
            }
            Err(error) => {
                self.judge(name, types, input, &error)?;
                Ok(error.strip_backtrace())
            }
        }
    }

    /// An error is a finding when it is no answer to the input, but a panic or a breach.
    fn judge(
        &mut self,
        name: &str,
        types: &[DataType],
        input: &str,
        error: &DataFusionError,
    ) -> Result<(), CliError> {
        let message = error.strip_backtrace();
        // Breaches of the contract come as FFI errors.
        let at_fault =
            message.contains("panic in ") || matches!(error.find_root(), DataFusionError::Ffi(_));
        if at_fault {
            let finding = format!("{name}{} on {input} input: {message}", text(types));
            child::answer(self.out, Part::Finding(finding))?;
        }
        Ok(())
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

    /// Calls a table function without arguments, and with those that many take.
    fn table_function(&mut self, name: &str) -> Result<(), CliError> {
        self.begin("table", name)?;
        let mut calls = 0;
        for types in arguments::literals() {
            if calls == MAX_CALLS {
                break;
            }
            let arguments = types.iter().map(ToString::to_string).collect();
            let mut call = Call {
                arguments,
                ..Call::default()
            };
            if types.is_empty() {
                call.empty = Some(self.scan(name, &types, "no", Vec::new())?);
            } else {
                let nulls = types.iter().map(ScalarValue::try_new_null);
                let nulls: Result<Vec<_>> = nulls.collect();
                call.null = Some(self.scan(name, &types, "null", nulls?)?);
                let values = arguments::distinct(&types);
                call.one_row = Some(self.scan(name, &types, "one-row", values)?);
            }
            // Errors show that the guess was wrong.
            if [&call.empty, &call.one_row].contains(&&Some("ok".to_owned())) {
                calls += 1;
                child::answer(self.out, Part::Call(call))?;
            }
        }
        Ok(())
    }

    /// The tables of a catalog.
    fn tables_of(&mut self, name: &str) -> Result<Vec<TableReference>, CliError> {
        child::step(self.out, format!("listing the tables of catalog {name}"))?;
        let Some(catalog) = self.ctx.catalog(name) else {
            let finding = format!("catalog '{name}' is not installed");
            child::answer(self.out, Part::Finding(finding))?;
            return Ok(Vec::new());
        };
        let mut tables = Vec::new();
        for schema in catalog.schema_names() {
            let names = catalog.schema(&schema).map(|schema| schema.table_names());
            let full = |table| TableReference::full(name, schema.as_str(), table);
            tables.extend(names.unwrap_or_default().into_iter().map(full));
        }
        Ok(tables)
    }

    /// Reads no row and one row of a table.
    fn table(&mut self, table: TableReference) -> Result<(), CliError> {
        let name = table.to_string();
        let part = Part::Table {
            kind: "table_provider".to_owned(),
            name: name.clone(),
        };
        child::answer(self.out, part)?;
        let mut read = |input: &str, rows| {
            child::step(self.out, format!("reading {input} row of {name}"))?;
            let result = self.runtime.block_on(async {
                let frame = self.ctx.table(table.clone()).await?;
                frame.limit(0, Some(rows))?.collect().await
            });
            match result {
                Ok(_) => Ok("ok".to_owned()),
                Err(error) => {
                    self.judge(&name, &[], input, &error)?;
                    Ok::<_, CliError>(error.strip_backtrace())
                }
            }
        };
        let call = Call {
            empty: Some(read("no", 0)?),
            one_row: Some(read("one", 1)?),
            ..Call::default()
        };
        Ok(child::answer(self.out, Part::Call(call))?)
    }

    /// Reads a row of a table function's table, and says how that went.
    fn scan(
        &mut self,
        name: &str,
        types: &[DataType],
        input: &str,
        values: Vec<ScalarValue>,
    ) -> Result<String, CliError> {
        let step = format!(
            "calling table function {name}{} on {input} input",
            text(types)
        );
        child::step(self.out, step)?;
        let state = self.ctx.state();
        let values: Vec<Expr> = values.into_iter().map(lit).collect();
        let result = state
            .table_functions()
            .get(name)
            .ok_or_else(|| DataFusionError::Plan(format!("function '{name}' is not installed")))
            .and_then(|function| {
                let args = TableFunctionArgs::new(&values, &state);
                function.create_table_provider_with_args(args)
            })
            .and_then(|table| self.ctx.read_table(table))
            .and_then(|frame| frame.limit(0, Some(1)))
            .and_then(|frame| self.runtime.block_on(frame.collect()));
        match result {
            Ok(_) => Ok("ok".to_owned()),
            Err(error) => {
                self.judge(name, types, input, &error)?;
                Ok(error.strip_backtrace())
            }
        }
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
