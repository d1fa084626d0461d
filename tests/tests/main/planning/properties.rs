//! Orders, bounds, places, equality: what the optimizer asks of a function, asked directly.

use std::hash::{DefaultHasher, Hash, Hasher};

use datafusion::{
    arrow::compute::SortOptions,
    common::ScalarValue,
    logical_expr::{
        ExpressionPlacement, ScalarUDF,
        interval_arithmetic::Interval,
        sort_properties::{ExprProperties, SortProperties},
    },
    prelude::{SessionConfig, col},
};

use super::super::twins::{loaded_with, twins};

fn interval(lower: Option<i64>, upper: Option<i64>) -> Interval {
    Interval::try_new(ScalarValue::Int64(lower), ScalarValue::Int64(upper)).unwrap()
}

fn intervals() -> Vec<Interval> {
    let bounds = [
        (None, None),
        (Some(-3), Some(20)),
        (Some(1), None),
        (None, Some(0)),
    ];
    bounds.map(|(lower, upper)| interval(lower, upper)).to_vec()
}

fn properties() -> Vec<ExprProperties> {
    let mut all = Vec::new();
    let ordered = |descending, nulls_first| {
        SortProperties::Ordered(SortOptions {
            descending,
            nulls_first,
        })
    };
    for sort_properties in [
        ordered(false, false),
        ordered(true, false),
        ordered(false, true),
        SortProperties::Unordered,
        SortProperties::Singleton,
    ] {
        for flags in 0..4 {
            all.push(ExprProperties {
                sort_properties,
                range: interval(Some(1), Some(9)),
                preserves_lex_ordering: flags & 1 > 0,
                strictly_order_preserving: flags & 2 > 0,
            });
        }
    }
    all
}

/// Asks the same of a function linked in and loaded; the answers must be equal, and not all alike.
fn ask<T: PartialEq + std::fmt::Debug>(name: &str, question: impl Fn(&ScalarUDF) -> Vec<T>) {
    let [linked_in, loaded] = twins().scalar(name).map(|udf| question(&udf));
    assert_eq!(loaded, linked_in, "{name}");
    assert!(
        linked_in.iter().any(|answer| *answer != linked_in[0]),
        "{linked_in:?}"
    );
}

#[test]
fn orders() {
    for name in ["doubled", "negated"] {
        let each = |f: &dyn Fn(&[ExprProperties]) -> String| -> Vec<String> {
            properties()
                .iter()
                .map(|input| f(std::slice::from_ref(input)))
                .collect()
        };
        ask(name, |udf| {
            each(&|input| format!("{:?}", udf.output_ordering(input).unwrap()))
        });
    }
    let flags = |udf: &ScalarUDF| -> Vec<_> {
        let inputs = properties().into_iter().map(|input| [input]);
        let flags = inputs.map(|input| {
            let lex = udf.preserves_lex_ordering(&input).unwrap();
            (lex, udf.strictly_order_preserving(&input).unwrap())
        });
        flags.collect()
    };
    ask("doubled", flags);
    let [linked_in, loaded] = twins().scalar("negated").map(|udf| flags(&udf));
    assert_eq!(loaded, linked_in);
}

#[test]
fn bounds_up_and_down() {
    for name in ["doubled", "negated"] {
        let all = intervals();
        ask(name, |udf| {
            all.iter()
                .map(|input| udf.evaluate_bounds(&[input]).unwrap())
                .collect()
        });
        let infeasible = interval(Some(1000), Some(2000));
        ask(name, |udf| {
            let results = all.iter().chain([&infeasible]);
            let pairs = results.flat_map(|result| all.iter().map(move |input| (result, input)));
            pairs
                .map(|(result, input)| udf.propagate_constraints(result, &[input]).unwrap())
                .collect()
        });
    }
}

#[test]
fn places() {
    use ExpressionPlacement as P;
    let places = [
        P::Literal,
        P::Column,
        P::MoveTowardsLeafNodes,
        P::KeepInPlace,
    ];
    ask("leafward", |udf| {
        places
            .iter()
            .map(|place| udf.placement(&[*place]))
            .collect()
    });
    let [linked_in, loaded] = twins()
        .scalar("doubled")
        .map(|udf| udf.placement(&[P::Column]));
    assert_eq!(loaded, linked_in);
}

#[test]
fn fields_of_structs() {
    let [linked_in, loaded] = twins().scalar("packed").map(|udf| {
        let mapping = udf
            .struct_field_mapping(&[None, Some(ScalarValue::from(1_i64))])
            .unwrap();
        (mapping.field_accessor, mapping.fields)
    });
    assert_eq!(loaded, linked_in);
    let [linked_in, loaded] = twins()
        .scalar("doubled")
        .map(|udf| udf.struct_field_mapping(&[None]));
    assert!(linked_in.is_none() && loaded.is_none());
}

#[test]
fn lazy_arguments() {
    let arguments = [col("a"), col("b")];
    for name in ["first_known", "doubled"] {
        let [linked_in, loaded] = twins().scalar(name).map(|udf| {
            let arguments = udf.conditional_arguments(&arguments);
            let owned = arguments.map(|(now, later)| {
                let owned = |list: Vec<&datafusion::prelude::Expr>| -> Vec<_> {
                    list.into_iter().cloned().collect()
                };
                (owned(now), owned(later))
            });
            (udf.short_circuits(), udf.is_strict(), owned)
        });
        assert_eq!(loaded, linked_in, "{name}");
        assert_eq!(linked_in.0, name == "first_known");
    }
}

fn hash(udf: &ScalarUDF) -> u64 {
    let mut hasher = DefaultHasher::new();
    udf.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn functions_are_equal_to_themselves_alone() {
    let [_, doubled] = twins().scalar("doubled");
    let [_, negated] = twins().scalar("negated");
    let elsewhere = loaded_with(SessionConfig::new()).state();
    let same = &elsewhere.scalar_functions()["doubled"];
    for equal in [&doubled.as_ref().clone(), same.as_ref()] {
        assert_eq!(equal, doubled.as_ref());
        assert_eq!(hash(equal), hash(&doubled));
    }
    assert_ne!(negated, doubled);
    // Where the bare name is granted, the qualified one is an alias.
    assert_eq!(elsewhere.scalar_functions()["twins.doubled"], doubled);
    let [aggregate, other] = ["tally", "gather"].map(|name| twins().aggregate(name)[1].clone());
    assert_eq!(aggregate, elsewhere.aggregate_functions()["tally"]);
    assert_ne!(aggregate, other);
    let [window, other] =
        ["echo_all", "first_in_frame"].map(|name| twins().window(name)[1].clone());
    assert_eq!(window, elsewhere.window_functions()["echo_all"]);
    assert_ne!(window, other);
}
