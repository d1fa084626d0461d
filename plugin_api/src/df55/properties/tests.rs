#![allow(clippy::unwrap_used, clippy::expect_used)]

use arrow::datatypes::DataType;
use serde::{Serialize, de::DeserializeOwned};

use super::*;
use crate::abi::ErrorKind;

/// What the other side reads.
fn over<M: Serialize + DeserializeOwned>(message: M) -> M {
    serde_json::from_slice(&serde_json::to_vec(&message).unwrap()).unwrap()
}

fn all_orders() -> Vec<SortProperties> {
    let mut all = vec![SortProperties::Unordered, SortProperties::Singleton];
    for descending in [false, true] {
        for nulls_first in [false, true] {
            all.push(SortProperties::Ordered(SortOptions {
                descending,
                nulls_first,
            }));
        }
    }
    all
}

#[test]
fn orders_survive() {
    for order in all_orders() {
        let there = over(sort_properties_to_message(order));
        assert_eq!(sort_properties_from_message(there), order);
    }
}

#[test]
fn intervals_survive() {
    let intervals = [
        Interval::make(Some(-3_i32), Some(7)).unwrap(),
        Interval::make(Some(1.5_f64), None).unwrap(),
        Interval::make::<bool>(None, Some(true)).unwrap(),
        Interval::make_unbounded(&DataType::Null).unwrap(),
        Interval::make_unbounded(&DataType::UInt8).unwrap(),
        Interval::make_unbounded(&DataType::Utf8View).unwrap(),
    ];
    for interval in intervals {
        let [lower, upper] = interval_to_bounds(&interval);
        assert_eq!(interval_from_bounds(lower, upper).unwrap(), interval);
    }
}

#[test]
fn bounds_that_make_no_interval_are_contract_errors() {
    for (lower, upper) in [
        (ScalarValue::from(2_i32), ScalarValue::from(1_i32)),
        (ScalarValue::from(1_i32), ScalarValue::from(2_i64)),
        (ScalarValue::from(true), ScalarValue::from(1_i32)),
    ] {
        let error = interval_from_bounds(lower, upper).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Contract);
    }
}

#[test]
fn properties_survive() {
    for order in all_orders() {
        for (preserves, strictly) in [(false, false), (true, false), (false, true), (true, true)] {
            let properties = ExprProperties::new_unknown()
                .with_order(order)
                .with_range(Interval::make(Some(1_i64), Some(2)).unwrap())
                .with_preserves_lex_ordering(preserves)
                .with_strictly_order_preserving(strictly);
            let (message, [lower, upper]) = properties_to_message(&properties);
            let back = properties_from_message(over(message), lower, upper).unwrap();
            assert_eq!(back.sort_properties, order);
            assert_eq!(back.range, properties.range);
            assert_eq!(back.preserves_lex_ordering, preserves);
            assert_eq!(back.strictly_order_preserving, strictly);
        }
    }
}

#[test]
fn placements_survive() {
    for placement in [
        ExpressionPlacement::Literal,
        ExpressionPlacement::Column,
        ExpressionPlacement::MoveTowardsLeafNodes,
        ExpressionPlacement::KeepInPlace,
    ] {
        let there = over(placement_to_message(placement));
        assert_eq!(placement_from_message(there), placement);
    }
}

#[test]
fn sensitivities_survive() {
    for sensitivity in [
        AggregateOrderSensitivity::Insensitive,
        AggregateOrderSensitivity::HardRequirement,
        AggregateOrderSensitivity::SoftRequirement,
        AggregateOrderSensitivity::Beneficial,
    ] {
        let there = over(order_sensitivity_to_message(sensitivity));
        assert_eq!(order_sensitivity_from_message(there), sensitivity);
    }
}

#[test]
fn monotonicities_survive() {
    for monotonicity in [
        SetMonotonicity::Increasing,
        SetMonotonicity::Decreasing,
        SetMonotonicity::NotMonotonic,
    ] {
        let there = over(monotonicity_to_message(monotonicity.clone()));
        assert_eq!(monotonicity_from_message(there), monotonicity);
    }
}

#[test]
fn limit_effects_survive() {
    for effect in [
        LimitEffectReply::None,
        LimitEffectReply::Unknown,
        LimitEffectReply::Relative(3),
        LimitEffectReply::Absolute(usize::MAX),
    ] {
        // `LimitEffect` has no equality, so the way goes round from the message.
        let here = limit_effect_from_message(over(effect));
        assert_eq!(limit_effect_to_message(&here), effect);
    }
    let relative = limit_effect_to_message(&LimitEffect::Relative(5));
    assert_eq!(relative, LimitEffectReply::Relative(5));
}
