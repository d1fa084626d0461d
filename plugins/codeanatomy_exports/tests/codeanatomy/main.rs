//! Tests of everything that the crate has, in sessions that have it linked in.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod aggregates;
mod documentation;
mod hashes;
mod intervals;
mod macros;
mod planning;
mod python;
mod scalars;
mod settings;
mod windows;

use datafusion::{
    arrow::array::RecordBatch,
    error::Result,
    execution::FunctionRegistry,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_codeanatomy::{Options, aggregate_functions, scalar_functions, window_functions};

/// A session with all functions.
fn session() -> SessionContext {
    session_with(SessionConfig::new())
}

fn session_with(config: SessionConfig) -> SessionContext {
    let context = SessionContext::new_with_config(config);
    let mut state = context.state();
    for function in scalar_functions(&Options::default()) {
        state.register_udf(function).unwrap();
    }
    for function in aggregate_functions() {
        state.register_udaf(function).unwrap();
    }
    for function in window_functions() {
        state.register_udwf(function).unwrap();
    }
    SessionContext::new_with_state(state)
}

async fn batches(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    context.sql(sql).await?.collect().await
}

/// Each row's values, joined by `|`; a null is `NULL`.
async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = batches(context, sql).await;
    shown(&batches.unwrap_or_else(|error| panic!("{sql}: {error}")))
}

fn shown(batches: &[RecordBatch]) -> Vec<String> {
    use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::new().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(values.join("|"));
        }
    }
    rows
}

/// The error of a statement that must not be planned.
async fn planning_error(context: &SessionContext, sql: &str) -> String {
    match context.sql(sql).await {
        Ok(frame) => match frame.into_optimized_plan() {
            Ok(plan) => panic!("{sql} is planned as\n{plan}"),
            Err(error) => error.strip_backtrace(),
        },
        Err(error) => error.strip_backtrace(),
    }
}

/// A batch as a table of a session.
fn register(context: &SessionContext, name: &str, batch: RecordBatch) {
    context.deregister_table(name).unwrap();
    context.register_batch(name, batch).unwrap();
}

/// A function's documentation is there for those who read it.
type Documented = (String, Option<datafusion::logical_expr::Documentation>);

fn documented() -> Vec<Documented> {
    let scalar = scalar_functions(&Options::default()).into_iter();
    let scalar = scalar.map(|f| (f.name().to_owned(), f.documentation().cloned()));
    let aggregate = aggregate_functions().into_iter();
    let aggregate = aggregate.map(|f| (f.name().to_owned(), f.documentation().cloned()));
    let window = window_functions().into_iter();
    let window = window.map(|f| (f.name().to_owned(), f.documentation().cloned()));
    scalar.chain(aggregate).chain(window).collect()
}
