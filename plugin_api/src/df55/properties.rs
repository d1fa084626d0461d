//! What the optimizer asks of functions: orders, bounds, placement, monotonicity.

use arrow::compute::SortOptions;
use datafusion_common::ScalarValue;
use datafusion_expr::{
    ExpressionPlacement, LimitEffect, SetMonotonicity,
    interval_arithmetic::Interval,
    sort_properties::{ExprProperties, SortProperties},
    utils::AggregateOrderSensitivity,
};

use crate::abi::{
    CallError,
    message::{
        LimitEffectReply, MonotonicityReply, OrderSensitivity, Placement, Properties,
        SortDirection, SortOrder,
    },
};

/// A direction of sorting as a message.
pub fn sort_options_to_message(options: SortOptions) -> SortDirection {
    SortDirection {
        descending: options.descending,
        nulls_first: options.nulls_first,
    }
}

/// A direction of sorting of a message.
pub fn sort_options_from_message(direction: SortDirection) -> SortOptions {
    SortOptions {
        descending: direction.descending,
        nulls_first: direction.nulls_first,
    }
}

/// What is known of an order, as a message.
pub fn sort_properties_to_message(properties: SortProperties) -> SortOrder {
    match properties {
        SortProperties::Ordered(options) => SortOrder::Ordered(sort_options_to_message(options)),
        SortProperties::Unordered => SortOrder::Unordered,
        SortProperties::Singleton => SortOrder::Singleton,
    }
}

/// What is known of an order, of a message.
pub fn sort_properties_from_message(order: SortOrder) -> SortProperties {
    match order {
        SortOrder::Ordered(direction) => {
            SortProperties::Ordered(sort_options_from_message(direction))
        }
        SortOrder::Unordered => SortProperties::Unordered,
        SortOrder::Singleton => SortProperties::Singleton,
    }
}

/// The bounds of an interval: lower, upper.
pub fn interval_to_bounds(interval: &Interval) -> [ScalarValue; 2] {
    [interval.lower().clone(), interval.upper().clone()]
}

/// The interval of two bounds.
///
/// # Errors
/// A contract error when the bounds differ in type or the lower one is greater.
pub fn interval_from_bounds(lower: ScalarValue, upper: ScalarValue) -> Result<Interval, CallError> {
    // Asked first: DataFusion writes a backtrace into the error.
    if lower.data_type() != upper.data_type() {
        return Err(CallError::contract(format!(
            "bounds of different types: {} and {}",
            lower.data_type(),
            upper.data_type()
        )));
    }
    Interval::try_new(lower, upper)
        .map_err(|error| CallError::contract(format!("bounds that make no interval: {error}")))
}

/// Properties of an expression as a message and the bounds that go with it.
pub fn properties_to_message(properties: &ExprProperties) -> (Properties, [ScalarValue; 2]) {
    let ExprProperties {
        sort_properties,
        range,
        preserves_lex_ordering,
        strictly_order_preserving,
    } = properties;
    let message = Properties {
        order: sort_properties_to_message(*sort_properties),
        preserves_lex_ordering: *preserves_lex_ordering,
        strictly_order_preserving: *strictly_order_preserving,
    };
    (message, interval_to_bounds(range))
}

/// Properties of an expression, of a message and the bounds that go with it.
///
/// # Errors
/// Those of [`interval_from_bounds`].
pub fn properties_from_message(
    message: Properties,
    lower: ScalarValue,
    upper: ScalarValue,
) -> Result<ExprProperties, CallError> {
    Ok(ExprProperties {
        sort_properties: sort_properties_from_message(message.order),
        range: interval_from_bounds(lower, upper)?,
        preserves_lex_ordering: message.preserves_lex_ordering,
        strictly_order_preserving: message.strictly_order_preserving,
    })
}

/// Where an expression should be computed, as a message.
pub fn placement_to_message(placement: ExpressionPlacement) -> Placement {
    match placement {
        ExpressionPlacement::Literal => Placement::Literal,
        ExpressionPlacement::Column => Placement::Column,
        ExpressionPlacement::MoveTowardsLeafNodes => Placement::MoveTowardsLeafNodes,
        ExpressionPlacement::KeepInPlace => Placement::KeepInPlace,
    }
}

/// Where an expression should be computed, of a message.
pub fn placement_from_message(placement: Placement) -> ExpressionPlacement {
    match placement {
        Placement::Literal => ExpressionPlacement::Literal,
        Placement::Column => ExpressionPlacement::Column,
        Placement::MoveTowardsLeafNodes => ExpressionPlacement::MoveTowardsLeafNodes,
        Placement::KeepInPlace => ExpressionPlacement::KeepInPlace,
    }
}

/// How the order of input matters, as a message.
pub fn order_sensitivity_to_message(sensitivity: AggregateOrderSensitivity) -> OrderSensitivity {
    match sensitivity {
        AggregateOrderSensitivity::Insensitive => OrderSensitivity::Insensitive,
        AggregateOrderSensitivity::HardRequirement => OrderSensitivity::HardRequirement,
        AggregateOrderSensitivity::SoftRequirement => OrderSensitivity::SoftRequirement,
        AggregateOrderSensitivity::Beneficial => OrderSensitivity::Beneficial,
    }
}

/// How the order of input matters, of a message.
pub fn order_sensitivity_from_message(sensitivity: OrderSensitivity) -> AggregateOrderSensitivity {
    match sensitivity {
        OrderSensitivity::Insensitive => AggregateOrderSensitivity::Insensitive,
        OrderSensitivity::HardRequirement => AggregateOrderSensitivity::HardRequirement,
        OrderSensitivity::SoftRequirement => AggregateOrderSensitivity::SoftRequirement,
        OrderSensitivity::Beneficial => AggregateOrderSensitivity::Beneficial,
    }
}

/// How results change as rows are added, as a message.
pub fn monotonicity_to_message(monotonicity: SetMonotonicity) -> MonotonicityReply {
    match monotonicity {
        SetMonotonicity::Increasing => MonotonicityReply::Increasing,
        SetMonotonicity::Decreasing => MonotonicityReply::Decreasing,
        SetMonotonicity::NotMonotonic => MonotonicityReply::NotMonotonic,
    }
}

/// How results change as rows are added, of a message.
pub fn monotonicity_from_message(monotonicity: MonotonicityReply) -> SetMonotonicity {
    match monotonicity {
        MonotonicityReply::Increasing => SetMonotonicity::Increasing,
        MonotonicityReply::Decreasing => SetMonotonicity::Decreasing,
        MonotonicityReply::NotMonotonic => SetMonotonicity::NotMonotonic,
    }
}

/// How a limit may move below a window, as a message.
pub fn limit_effect_to_message(effect: &LimitEffect) -> LimitEffectReply {
    match effect {
        LimitEffect::None => LimitEffectReply::None,
        LimitEffect::Unknown => LimitEffectReply::Unknown,
        LimitEffect::Relative(rows) => LimitEffectReply::Relative(*rows),
        LimitEffect::Absolute(rows) => LimitEffectReply::Absolute(*rows),
    }
}

/// How a limit may move below a window, of a message.
pub fn limit_effect_from_message(effect: LimitEffectReply) -> LimitEffect {
    match effect {
        LimitEffectReply::None => LimitEffect::None,
        LimitEffectReply::Unknown => LimitEffect::Unknown,
        LimitEffectReply::Relative(rows) => LimitEffect::Relative(rows),
        LimitEffectReply::Absolute(rows) => LimitEffect::Absolute(rows),
    }
}

#[cfg(test)]
mod tests;
