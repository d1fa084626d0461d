//! Source code as tables: the crate `datafusion-codeanatomy` as a plugin.

mod allocator;

use std::sync::Arc;

use datafusion_codeanatomy::{
    IntervalAlign, Macros, Operators, Options, PythonSyntax, RedundantSorts, SnapshotFilter,
    TableMacros, Types, aggregate_functions, scalar_functions, window_functions,
};
use datafusion_plugin_api::prelude::*;

fn activate(context: &ActivationContext) -> Result<Plugin> {
    let options: Options = context.parse_options()?;
    options.check()?;
    allocator::serve_the_parser();
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
        .relation_planner("table_macros", Arc::new(TableMacros))
        .planning_relations([RelationKind::TableCall])
        .function_factory("macros", Arc::new(Macros::new(&options)))
        .expr_planner("operators", Arc::new(Operators))
        .planning_hooks([ExpressionHookKind::BinaryOp])
        .type_planner("types", Arc::new(Types))
        .rule(snapshot_filter(&options))
        .rule(redundant_sorts(&options))
        .options_beginning_with(options))
}

/// A session may name tables at any time, and none of them may be seen whole: a plan that cannot be
/// carried is refused.
fn snapshot_filter(options: &Options) -> Rule {
    let rule = Rule::analyzer(Arc::new(SnapshotFilter::new(options))).before("type_coercion");
    rule.policy().interested_in([NodeKind::TableScan])
}

fn redundant_sorts(options: &Options) -> Rule {
    let rule = Rule::physical(Arc::new(RedundantSorts::new(options)));
    rule.interested_in_nodes(["SortExec"])
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
        physical_optimizer_rule,
        function_factory,
        session_options,
    ],
    activate: activate,
}
