//! A query for each method that panics.

/// How a panic is told.
pub(super) enum Told {
    /// The query fails with it.
    Error,
    /// The query succeeds; the host's subscriber has it.
    Event,
}

/// A function of the fixture, which panics in the method that its name says.
pub(super) struct Case {
    pub(super) function: &'static str,
    pub(super) sql: &'static str,
    pub(super) told: Told,
}

const fn error(function: &'static str, sql: &'static str) -> Case {
    Case {
        function,
        sql,
        told: Told::Error,
    }
}

/// DataFusion's method has no result, or DataFusion itself passes over its error.
const fn event(function: &'static str, sql: &'static str) -> Case {
    Case {
        function,
        sql,
        told: Told::Event,
    }
}

pub(super) const CASES: &[Case] = &[
    error(
        "scalar_coerce_types",
        "select scalar_coerce_types(x) from t",
    ),
    error(
        "scalar_return_field",
        "select scalar_return_field(x) from t",
    ),
    error("scalar_return_type", "select scalar_return_type(x) from t"),
    error("scalar_invoke", "select scalar_invoke(x) from t"),
    error("scalar_invoke", "select scalar_invoke(1)"),
    error("scalar_invoke", "select panicking.scalar_invoke(x) from t"),
    event(
        "scalar_output_ordering",
        "select x from t order by scalar_output_ordering(x)",
    ),
    event(
        "scalar_evaluate_bounds",
        "select x from t order by scalar_evaluate_bounds(x)",
    ),
    event(
        "scalar_preserves_lex_ordering",
        "select x from t order by scalar_preserves_lex_ordering(x)",
    ),
    event(
        "scalar_strictly_order_preserving",
        "select x from t order by scalar_strictly_order_preserving(x)",
    ),
    event(
        "scalar_struct_field_mapping",
        "select scalar_struct_field_mapping(x) s from t",
    ),
    event(
        "scalar_with_updated_config",
        "set datafusion.execution.time_zone = '+01:00'",
    ),
    error("scalar_simplify", "select scalar_simplify(x) from t"),
    error(
        "scalar_preimage",
        "select x from t where scalar_preimage(x) = 3",
    ),
    event("scalar_placement", "select scalar_placement(x) from t"),
    event(
        "scalar_conditional_arguments",
        "select scalar_conditional_arguments(x + 1), x + 1 from t",
    ),
    error("async_return_type", "select async_return_type(x) from t"),
    error("async_first_poll", "select async_first_poll(x) from t"),
    error("async_later_poll", "select async_later_poll(x) from t"),
    error("async_drop", "select async_drop(x) from t"),
    error(
        "aggregate_coerce_types",
        "select aggregate_coerce_types(x) from t",
    ),
    error(
        "aggregate_return_field",
        "select aggregate_return_field(x) from t",
    ),
    error(
        "aggregate_state_fields",
        "select aggregate_state_fields(x) from t",
    ),
    error(
        "aggregate_accumulator",
        "select aggregate_accumulator(x) from t",
    ),
    error(
        "aggregate_accumulator",
        "select k, aggregate_accumulator(x) from t group by k",
    ),
    error(
        "aggregate_sliding_accumulator",
        "select aggregate_sliding_accumulator(x) over \
         (order by x rows between 1 preceding and current row) from t",
    ),
    error("aggregate_update", "select aggregate_update(x) from t"),
    error(
        "aggregate_update",
        "select k, aggregate_update(x) from t group by k",
    ),
    error("aggregate_merge", "select aggregate_merge(x) from t"),
    error(
        "aggregate_merge",
        "select k, aggregate_merge(x) from t group by k",
    ),
    error("aggregate_evaluate", "select aggregate_evaluate(x) from t"),
    error(
        "aggregate_evaluate",
        "select k, aggregate_evaluate(x) from t group by k",
    ),
    error("aggregate_state", "select aggregate_state(x) from t"),
    error(
        "aggregate_retract",
        "select aggregate_retract(x) over \
         (order by x rows between 1 preceding and current row) from t",
    ),
    error(
        "aggregate_supports_retract",
        "select aggregate_supports_retract(x) from t",
    ),
    event("aggregate_size", "select aggregate_size(x) from t"),
    // The SDK's own accumulator of many groups asks as it is updated.
    error(
        "aggregate_size",
        "select k, aggregate_size(x) from t group by k",
    ),
    event("aggregate_drop", "select aggregate_drop(x) from t"),
    // Several accumulators, each of which panics as they are dropped.
    event(
        "aggregate_drop",
        "select k, aggregate_drop(x) from t group by k",
    ),
    error(
        "groups_supported",
        "select k, groups_supported(x) from t group by k",
    ),
    error(
        "groups_create",
        "select k, groups_create(x) from t group by k",
    ),
    error(
        "groups_update",
        "select k, groups_update(x) from t group by k",
    ),
    error(
        "groups_merge",
        "select k, groups_merge(x) from t group by k",
    ),
    error(
        "groups_evaluate",
        "select k, groups_evaluate(x) from t group by k",
    ),
    error(
        "groups_state",
        "select k, groups_state(x) from t group by k",
    ),
    event("groups_size", "select k, groups_size(x) from t group by k"),
    event("groups_drop", "select k, groups_drop(x) from t group by k"),
    error(
        "window_coerce_types",
        "select window_coerce_types(x) over () from t",
    ),
    error("window_field", "select window_field(x) over () from t"),
    error(
        "window_partition_evaluator",
        "select window_partition_evaluator(x) over () from t",
    ),
    error(
        "window_evaluate_all",
        "select window_evaluate_all(x) over () from t",
    ),
    error(
        "window_rank",
        "select window_rank(x) over (order by x) from t",
    ),
    error(
        "window_evaluate",
        "select window_evaluate(x) over (order by x) from t",
    ),
    error(
        "window_get_range",
        "select window_get_range(x) over (order by x) from t",
    ),
    error(
        "window_memoize",
        "select window_memoize(x) over (order by x) from t",
    ),
    error("window_traits", "select window_traits(x) over () from t"),
    event("window_drop", "select window_drop(x) over () from t"),
    error("table_call", "select value from table_call()"),
    error("table_schema", "select value from table_schema()"),
    error("table_scan", "select value from table_scan()"),
    error("table_later_scan", "select value from table_later_scan()"),
    error("table_execute", "select value from table_execute()"),
    error("table_first_batch", "select value from table_first_batch()"),
    error("table_later_batch", "select value from table_later_batch()"),
    error(
        "table_later_batch",
        "select value from panicking.table_later_batch()",
    ),
    error("table_stream_drop", "select value from table_stream_drop()"),
    event("table_plan_drop", "select value from table_plan_drop()"),
    event("table_table_drop", "select value from table_table_drop()"),
];
