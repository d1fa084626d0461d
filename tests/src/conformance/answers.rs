//! The answers of a plugin's functions, compared with those of the same functions linked in.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Schema},
    util::pretty::pretty_format_batches,
};
use datafusion::{
    common::{DataFusionError, Result, ScalarValue},
    execution::FunctionRegistry,
    logical_expr::Volatility,
    prelude::SessionContext,
};
use datafusion_plugin_host::PluginHost;
use serde_json::Value;

use super::LinkedIn;

/// How a call went.
#[derive(Debug, PartialEq)]
enum Answer {
    Rows(String),
    Error,
    Panic,
}

/// Calls every function with the argument types of a report of `plugin-host check`, on no rows, a
/// row of nulls and a row of values, as plugin and linked in; compares schemas and rows.
///
/// # Panics
/// If two answers differ, or if nothing could be compared.
pub(super) async fn same(host: &PluginHost, linked_in: &LinkedIn, report: &Value) {
    let (loaded, linked) = (SessionContext::new(), SessionContext::new());
    host.install(&loaded);
    let mut state = linked.state();
    for function in &linked_in.scalar {
        state.register_udf(Arc::clone(function)).unwrap();
    }
    for function in &linked_in.aggregate {
        state.register_udaf(Arc::clone(function)).unwrap();
    }
    for function in &linked_in.window {
        state.register_udwf(Arc::clone(function)).unwrap();
    }
    let linked = SessionContext::new_with_state(state);
    let volatile: HashSet<_> = linked_in
        .scalar
        .iter()
        .filter(|function| function.signature().volatility == Volatility::Volatile)
        .map(|function| function.name())
        .collect();

    let mut compared = 0;
    for function in report["functions"].as_array().unwrap() {
        let qualified = function["name"].as_str().unwrap();
        let (_, name) = qualified.split_once('.').unwrap();
        let kind = function["kind"].as_str().unwrap();
        if kind == "table" {
            continue;
        }
        for call in function["calls"].as_array().unwrap() {
            let types = call["arguments"].as_array().unwrap().iter();
            let types = types.map(|of| of.as_str().unwrap().parse::<DataType>());
            let types: Vec<_> = types.collect::<Result<_, _>>().unwrap();
            for input in inputs(&types) {
                let sql = call_of(name, kind, types.len());
                let rows = input.num_rows();
                let (loaded, linked) = (
                    answer(&loaded, input.clone(), &sql).await,
                    answer(&linked, input, &sql).await,
                );
                let differs = match (&loaded, &linked) {
                    (Answer::Rows(_), Answer::Rows(_)) if volatile.contains(name) => false,
                    _ => loaded != linked,
                };
                assert!(
                    !differs,
                    "{sql} on {rows} rows of {types:?}\nloaded: {loaded:?}\nlinked in: {linked:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 0, "nothing was compared");
}

fn call_of(name: &str, kind: &str, arguments: usize) -> String {
    let columns: Vec<_> = (0..arguments).map(|at| format!("a{at}")).collect();
    let over = if kind == "window" { " OVER ()" } else { "" };
    format!(
        "SELECT \"{name}\"({}){over} AS answer FROM input",
        columns.join(", ")
    )
}

/// No rows, a row of nulls, a row of values.
fn inputs(types: &[DataType]) -> Vec<RecordBatch> {
    let mut fields = vec![Field::new("row", DataType::Int64, true)];
    let columns = types.iter().enumerate();
    fields.extend(columns.map(|(at, of)| Field::new(format!("a{at}"), of.clone(), true)));
    let schema = Arc::new(Schema::new(fields));
    let batch = |rows: usize, value: &dyn Fn(&DataType) -> ScalarValue| {
        let row = ScalarValue::Int64(None).to_array_of_size(rows).unwrap();
        let values = types
            .iter()
            .map(|of| value(of).to_array_of_size(rows).unwrap());
        let columns = std::iter::once(row).chain(values).collect();
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    let null = |of: &DataType| ScalarValue::try_new_null(of).unwrap();
    vec![batch(0, &null), batch(1, &null), batch(1, &sample)]
}

fn sample(of: &DataType) -> ScalarValue {
    match of {
        DataType::Utf8 => ScalarValue::from("1"),
        // `ScalarValue::new_default` panics for maps.
        DataType::Map(..) => ScalarValue::try_new_null(of).unwrap(),
        _ => ScalarValue::new_one(of)
            .or_else(|_| ScalarValue::new_default(of))
            .or_else(|_| ScalarValue::try_new_null(of))
            .unwrap(),
    }
}

async fn answer(ctx: &SessionContext, input: RecordBatch, sql: &str) -> Answer {
    let ctx = ctx.clone();
    let sql = sql.to_owned();
    // What is linked in may panic, in a task as in a query.
    let task = tokio::spawn(async move {
        ctx.deregister_table("input")?;
        ctx.register_batch("input", input)?;
        let frame = ctx.sql(&sql).await?;
        let schema = frame.schema().as_arrow().clone();
        let rows = pretty_format_batches(&frame.collect().await?)?.to_string();
        Ok::<_, DataFusionError>(format!("{schema:?}\n{rows}"))
    });
    match task.await {
        Ok(Ok(rows)) => Answer::Rows(rows),
        Ok(Err(error)) if error.strip_backtrace().contains("panic in ") => Answer::Panic,
        Ok(Err(_)) => Answer::Error,
        Err(join) if join.is_panic() => Answer::Panic,
        Err(join) => panic!("{join}"),
    }
}
