//! The conformance suite, over every real plugin.

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF, async_udf::AsyncScalarUDF};
use datafusion_plugin_example::{GeometricMean, Greet, RunLength, Sampled, SlowSquare};
use plugin_tests::{
    conformance::{LinkedIn, check},
    plugins::plugin,
};

#[tokio::test(flavor = "multi_thread")]
async fn example() {
    let slow_square = AsyncScalarUDF::new(Arc::new(SlowSquare::new()));
    let linked_in = LinkedIn {
        scalar: vec![
            Arc::new(ScalarUDF::from(Greet::new())),
            Arc::new(slow_square.into_scalar_udf()),
            Arc::new(ScalarUDF::from(Sampled::new())),
        ],
        aggregate: vec![Arc::new(AggregateUDF::from(GeometricMean::new()))],
        window: vec![Arc::new(WindowUDF::from(RunLength::new()))],
    };
    check(&plugin("datafusion-plugin-example"), Some(&linked_in), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spark() {
    let linked_in = LinkedIn {
        scalar: datafusion_spark::all_default_scalar_functions(),
        aggregate: datafusion_spark::all_default_aggregate_functions(),
        window: datafusion_spark::all_default_window_functions(),
    };
    // datafusion-spark 55.2's shuffle.rs:189 copies the first element for a null list, be there none; linked in
    // it panics just so, which the comparison with what is linked in makes sure of.
    let findings = ["spark.shuffle(List(Int64)) on null input"];
    check(
        &plugin("datafusion-plugin-spark"),
        Some(&linked_in),
        &findings,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delta() {
    check(&plugin("datafusion-plugin-delta"), None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policy() {
    check(&plugin("datafusion-plugin-policy"), None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codeanatomy() {
    let linked_in = LinkedIn {
        scalar: datafusion_codeanatomy::scalar_functions(
            &datafusion_codeanatomy::Options::default(),
        ),
        aggregate: datafusion_codeanatomy::aggregate_functions(),
        window: datafusion_codeanatomy::window_functions(),
    };
    let plugin = plugin("datafusion-plugin-codeanatomy");
    check(&plugin, Some(&linked_in), &[]).await;
}
