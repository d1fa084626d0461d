//! Apache Spark's functions as a plugin: everything that the `datafusion-spark` crate has, its
//! expression planner with it.

use std::sync::Arc;

use datafusion_plugin_api::prelude::*;
use datafusion_spark::{self as spark, planner::SparkFunctionPlanner};

fn activate(_context: &ActivationContext) -> Result<Plugin> {
    Ok(Plugin::new()
        .scalar_functions(spark::all_default_scalar_functions())
        .aggregate_functions(spark::all_default_aggregate_functions())
        .window_functions(spark::all_default_window_functions())
        .table_functions(spark::all_default_table_functions())
        .expr_planner("spark", Arc::new(SparkFunctionPlanner))
        .planning_hooks([ExpressionHookKind::Extract, ExpressionHookKind::Substring]))
}

// datafusion-spark 55.2 has no window and no table function yet: what is declared must be exported.
export_plugin! {
    name: "spark",
    capabilities: [scalar_function, scalar_function_simplify, aggregate_function, expr_planner],
    activate: activate,
}
