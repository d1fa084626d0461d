//! Functions inside expressions, preimages, and what must not come back.

use std::sync::Arc;

use arrow::datatypes::IntervalMonthDayNano;
use datafusion_common::ScalarValue;
use datafusion_expr::{Expr, col, lit, preimage::PreimageResult, simplify::ExprSimplifyResult};

use super::fixture::{Pair, Rewriting, context, rewriter};
use crate::df55::builtins::Builtins;

/// A function that neither side exports is the plugin's own, with one number however often it
/// appears.
#[test]
fn a_function_of_the_plugin_alone_has_one_number() {
    let own = rewriter("own", Rewriting::Same);
    let function = rewriter("caller", Rewriting::Call(own, 2));
    let pair = Pair::new(vec![Arc::clone(&function)]);
    for _ in 0..100 {
        pair.agree(&function, vec![col("t.i")], &context());
    }
    assert_eq!(pair.table.len(), 2);
    let derived = pair.derived.lock().unwrap();
    assert_eq!(derived.len(), 100);
    assert!(derived.iter().all(|name| name == "own"));
}

/// A call of the plugin's own function is shown to it as such, its arguments included.
#[test]
fn calls_of_exported_functions_go_both_ways() {
    let inner = rewriter("inner", Rewriting::Same);
    let first = rewriter("first", Rewriting::First);
    let outer = rewriter("outer", Rewriting::Call(Arc::clone(&inner), 40));
    let pair = Pair::new(vec![
        Arc::clone(&inner),
        Arc::clone(&first),
        Arc::clone(&outer),
    ]);
    let call = inner.call(vec![datafusion_functions::expr_fn::now(), lit(1)]);
    pair.agree(&first, vec![call.clone()], &context());
    pair.agree(&outer, vec![call], &context());
    assert!(pair.derived.lock().unwrap().is_empty());
    assert_eq!(pair.table.len(), 3);
}

/// A built-in is recognised by its state too, not by its name alone.
#[test]
fn a_function_that_only_shares_a_builtin_s_name_is_not_that_builtin() {
    let builtins = Builtins::new([rewriter("f", Rewriting::First)]);
    let pair = Pair::new(vec![]);
    let twin = pair.table.reference(&rewriter("f", Rewriting::First));
    let other = pair.table.reference(&rewriter("f", Rewriting::Same));
    assert!(builtins.find(&twin).is_some());
    assert!(builtins.find(&other).is_none());
}

/// Equal exports share the number of the first.
#[test]
fn exports_are_numbered_by_position() {
    let functions = ["a", "b"].map(|name| rewriter(name, Rewriting::Same));
    let [a, b] = &functions;
    let pair = Pair::new(vec![Arc::clone(a), Arc::clone(b), Arc::clone(a)]);
    assert_eq!([a, b].map(|f| pair.table.identity(f)), [0, 1]);
    assert_eq!(pair.table.reference(a).export, Some(0));
    let derived = pair.table.reference(&rewriter("c", Rewriting::Same));
    assert_eq!((derived.export, derived.identity), (None, 3));
}

#[test]
fn preimages_cross() {
    let function = rewriter("preimage", Rewriting::Preimage);
    let pair = Pair::new(vec![Arc::clone(&function)]);
    let args = [datafusion_functions::expr_fn::now(), col("t.i")];
    let value = ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(1, 2, 3)));
    let range = pair.preimage(&function, &args, &lit(value.clone()), &context());
    let PreimageResult::Range { expr, interval } = range.unwrap() else {
        panic!("a range was expected");
    };
    assert_eq!(expr, args[0]);
    assert_eq!(interval.lower(), &value);
    assert_eq!(interval.upper(), &value);

    let none = pair.preimage(&function, &args, &col("t.i"), &context());
    assert!(matches!(none.unwrap(), PreimageResult::None));
}

#[test]
fn a_column_that_stands_for_nothing_is_refused() {
    let function = rewriter("forged", Rewriting::Forged);
    let pair = Pair::new(vec![Arc::clone(&function)]);
    let error = pair
        .simplify(&function, vec![lit(1)], &context())
        .unwrap_err();
    assert!(error.to_string().contains("__df_plugin_arg_x"), "{error}");
}

/// The plugin's expression is deeper than protobuf can be read, and comes back all the same.
#[test]
fn deep_results_come_back() {
    let inner = rewriter("inner", Rewriting::Same);
    let outer = rewriter("outer", Rewriting::Call(Arc::clone(&inner), 400));
    let pair = Pair::new(vec![inner, Arc::clone(&outer)]);
    let result = pair.simplify(&outer, vec![lit(1)], &context()).unwrap();
    let ExprSimplifyResult::Simplified(mut expr) = result else {
        panic!("a rewritten call was expected");
    };
    let mut levels = 0;
    while let Expr::ScalarFunction(mut call) = expr {
        levels += 1;
        expr = call.args.remove(0);
    }
    assert_eq!((levels, expr), (400, lit(1)));
}
