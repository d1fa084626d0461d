//! An error that a plugin's function returns has the kind and the message that it has linked in, and
//! names plugin and function besides.

use std::{fmt::Debug, sync::Arc};

use arrow::error::ArrowError;
use datafusion::{
    common::DataFusionError,
    logical_expr::async_udf::AsyncScalarUDF,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_plugin_host::PluginHost;
use fixture_failures::{
    Fail, FailAggregate, FailAsync, FailPlanning, FailTable, FailWindow, KINDS,
};
use plugin_tests::plugins::plugin;

fn session() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1))
}

fn linked() -> SessionContext {
    let context = session();
    context.register_udf(Fail::default().into());
    context.register_udf(FailPlanning::default().into());
    context.register_udf(AsyncScalarUDF::new(Arc::new(FailAsync::default())).into_scalar_udf());
    context.register_udaf(FailAggregate::default().into());
    context.register_udwf(FailWindow::default().into());
    context.register_udtf("fail_table", Arc::new(FailTable));
    context
}

fn loaded() -> SessionContext {
    let host = PluginHost::builder().plugin_file(plugin("fixture-failing"));
    let context = session();
    host.load().unwrap().install(&context);
    context
}

async fn error_of(context: &SessionContext, sql: &str) -> DataFusionError {
    let result = match context.sql(sql).await {
        Ok(frame) => frame.collect().await,
        Err(error) => Err(error),
    };
    result.expect_err(sql)
}

/// The name of a variant, from its `Debug` text.
fn variant(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(', '{']).next().unwrap().to_owned()
}

/// DataFusion's error that arrow's only carries.
fn inside(error: &ArrowError) -> Option<&DataFusionError> {
    match error {
        ArrowError::ExternalError(inner) => inner.downcast_ref(),
        _ => None,
    }
}

/// The kinds of an error and of what is in it, contexts included.
fn kinds(error: &DataFusionError) -> String {
    match error {
        DataFusionError::ArrowError(inner, _) => match inside(inner) {
            Some(inner) => kinds(inner),
            None => format!("arrow {}", variant(inner)),
        },
        DataFusionError::IoError(inner) => format!("io {:?}", inner.kind()),
        DataFusionError::SchemaError(inner, _) => format!("{inner:?}"),
        DataFusionError::ObjectStore(inner) => format!("object store {}", variant(inner)),
        DataFusionError::Context(text, inner) => format!("{text}: {}", kinds(inner)),
        DataFusionError::Collection(members) => {
            // Members of a member are members.
            let members = members.iter().map(kinds).collect::<Vec<_>>();
            members.join(", ")
        }
        // What stands around these does not cross, or need not.
        DataFusionError::Shared(inner) => kinds(inner),
        DataFusionError::Diagnostic(_, inner) => kinds(inner),
        DataFusionError::External(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => kinds(inner),
            None => "External".to_owned(),
        },
        other => variant(other),
    }
}

/// The message without what DataFusion says before and after that of an error of this kind.
fn message(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Shared(inner) => message(inner),
        DataFusionError::Diagnostic(_, inner) => message(inner),
        DataFusionError::External(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => message(inner),
            None => error.to_string(),
        },
        DataFusionError::ArrowError(inner, _) => match inside(inner) {
            Some(inner) => message(inner),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}

#[tokio::test]
async fn an_error_keeps_its_kind_and_message_and_gains_its_origin() {
    let (linked, loaded) = (linked(), loaded());
    let mut wrong = Vec::new();
    for kind in KINDS {
        for (function, sql) in [
            ("fail", format!("select fail('{kind}')")),
            ("fail_planning", format!("select fail_planning('{kind}')")),
            ("fail_async", format!("select fail_async('{kind}')")),
            (
                "fail_aggregate",
                format!("select fail_aggregate(k) from (values ('{kind}')) t(k)"),
            ),
            (
                "fail_aggregate",
                format!("select k, fail_aggregate(k) from (values ('{kind}')) t(k) group by k"),
            ),
            (
                "fail_window",
                format!("select fail_window(k) over () from (values ('{kind}')) t(k)"),
            ),
            (
                "fail_table",
                format!("select * from fail_table('call', '{kind}')"),
            ),
            (
                "fail_table",
                format!("select * from fail_table('stream', '{kind}')"),
            ),
        ] {
            let expected = error_of(&linked, &sql).await;
            let found = error_of(&loaded, &sql).await;
            let origin = format!(" (plugin 'failing', '{function}')");
            let text = found.to_string();
            if kinds(&found) != kinds(&expected)
                || !text.contains(&origin)
                || message(&found).replace(&origin, "") != message(&expected)
            {
                wrong.push(format!(
                    "{sql}\n linked: {} | {}\n loaded: {} | {}",
                    kinds(&expected),
                    message(&expected),
                    kinds(&found),
                    message(&found)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
