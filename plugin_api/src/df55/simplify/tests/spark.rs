//! Spark's functions that exist only through `simplify`.

use std::sync::Arc;

use datafusion_expr::{Expr, ScalarUDF, lit};
use datafusion_functions::core::expr_fn::coalesce;
use datafusion_spark::function::{conditional, datetime, string};

use super::fixture::{Pair, context};

fn column(name: &str) -> Expr {
    datafusion_expr::col(name)
}

/// Guards that DataFusion's `date_trunc`, `date_part`, `encode`, ... in a rewritten expression
/// are the host's own again: nothing is asked of the plugin.
#[test]
fn spark_functions_simplify_as_linked_in() {
    let (d, ts) = (column("t.d"), column("t.ts"));
    // The host's function call stays on the host; its type crosses.
    let kept = coalesce(vec![column("t.ts"), column("t.ts")]);
    let calls: Vec<(Arc<ScalarUDF>, Vec<Expr>)> = vec![
        (string::base64(), vec![column("t.b")]),
        (string::unbase64(), vec![column("t.s")]),
        (datetime::add_months(), vec![d.clone(), column("t.i")]),
        (datetime::add_months(), vec![d.clone(), lit(3)]),
        (datetime::trunc(), vec![d.clone(), lit("MM")]),
        (datetime::time_trunc(), vec![lit("HOUR"), column("t.time")]),
        (datetime::unix_date(), vec![d.clone()]),
        (datetime::unix_micros(), vec![ts.clone()]),
        (datetime::unix_millis(), vec![ts.clone()]),
        (datetime::unix_seconds(), vec![kept.clone()]),
        (datetime::date_part(), vec![lit("dayofweek"), ts.clone()]),
        (datetime::date_part(), vec![lit("YEAR"), d.clone()]),
        (datetime::date_diff(), vec![d.clone(), ts.clone()]),
        (datetime::date_trunc(), vec![lit("yyyy"), ts.clone()]),
        (datetime::date_trunc(), vec![lit("dd"), kept.clone()]),
        (datetime::date_trunc(), vec![lit("second"), ts.clone()]),
        (
            conditional::r#if(),
            vec![
                column("t.i").gt(lit(1)).and(column("t.bool")),
                kept,
                datafusion_expr::cast(ts, arrow::datatypes::DataType::Date32),
            ],
        ),
    ];
    let pair = Pair::new(datafusion_spark::all_default_scalar_functions());
    let known = pair.table.len();
    for _ in 0..2 {
        for (function, args) in &calls {
            pair.agree(function, args.clone(), &context());
        }
    }
    assert!(pair.derived.lock().unwrap().is_empty());
    assert!(pair.table.len() <= known + 10);
}

/// Every built-in is recognised by its `Debug` text, so that text may not change between two
/// copies of DataFusion: no addresses, no hash maps.
#[test]
fn debug_texts_of_builtins_have_no_addresses() {
    for function in datafusion_functions::all_default_functions() {
        let text = crate::df55::function_table::debug_text(&function);
        let address = text
            .match_indices("0x")
            .any(|(at, _)| text[at + 2..].starts_with(|c: char| c.is_ascii_hexdigit()));
        assert!(!address && !text.contains("RandomState"), "{text}");
    }
}

/// An author's error keeps its kind and message.
#[test]
fn errors_of_simplify_cross() {
    let function = datetime::trunc();
    let pair = Pair::new(vec![Arc::clone(&function)]);
    let args = vec![column("t.d"), column("t.s")];
    let linked = function.simplify(args.clone(), &context()).unwrap_err();
    let across = pair.simplify(&function, args, &context()).unwrap_err();
    assert!(matches!(
        across.find_root(),
        datafusion_common::DataFusionError::Plan(_)
    ));
    assert!(
        across.to_string().contains(&linked.strip_backtrace()),
        "{across}"
    );
}
