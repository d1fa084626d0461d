//! Source code as tables: the crate `datafusion-codeanatomy` as a plugin.

use std::sync::Arc;

use datafusion_codeanatomy::{
    IntervalAlign, Operators, Options, PythonSyntax, SnapshotFilter, Types, aggregate_functions,
    scalar_functions, window_functions,
};
use datafusion_plugin_api::prelude::*;

fn activate(context: &ActivationContext) -> Result<Plugin> {
    let options: Options = context.parse_options()?;
    options.check()?;
    Ok(Plugin::new()
        .scalar_functions(scalar_functions(&options))
        .aggregate_functions(aggregate_functions())
        .window_functions(window_functions())
        .table_function(
            "python_syntax",
            PythonSyntax,
            Some(PythonSyntax::documentation()),
        )
        .relation_planner("interval_align", Arc::new(IntervalAlign))
        .planning_relations([RelationKind::TableCall])
        .expr_planner("operators", Arc::new(Operators))
        .planning_hooks([ExpressionHookKind::BinaryOp])
        .type_planner("types", Arc::new(Types))
        .rule(snapshot_filter(&options)))
}

/// Without tables in its options the rule has nothing to do, and no plan is carried to it.
fn snapshot_filter(options: &Options) -> Rule {
    let rule = Rule::analyzer(Arc::new(SnapshotFilter::new(options))).before("type_coercion");
    match options.snapshot_tables.is_empty() {
        true => rule.interested_in([]),
        false => rule.policy().interested_in([NodeKind::TableScan]),
    }
}

export_plugin! {
    name: "codeanatomy",
    capabilities: [
        scalar_function,
        aggregate_function,
        window_function,
        table_function,
        table_expressions,
        relation_planner,
        expr_planner,
        type_planner,
        analyzer_rule,
    ],
    activate: activate,
}
