//! Expressions are the same after both ways.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Field};
use datafusion_common::{
    Column, ScalarValue, Span, Spans, TableReference, metadata::FieldMetadata,
};
use datafusion_expr::{
    Expr, Like, LogicalPlanBuilder, Operator, Subquery, binary_expr, case, cast, col,
    expr::{Alias, InList, Placeholder},
    lit, try_cast,
};
use datafusion_functions::expr_fn::{now, random};

use super::fixture::{Pair, Rewriting, context, rewriter};
use datafusion_expr::simplify::{ExprSimplifyResult, SimplifyContext};

fn metadata() -> FieldMetadata {
    FieldMetadata::new(BTreeMap::from([("unit".to_owned(), "m".to_owned())]))
}

fn subquery() -> Expr {
    let plan = LogicalPlanBuilder::values(vec![vec![lit(1_i64)]])
        .unwrap()
        .build()
        .unwrap();
    Expr::ScalarSubquery(Subquery {
        subquery: Arc::new(plan),
        outer_ref_columns: vec![],
        spans: Spans::new(),
    })
}

fn deep(levels: usize) -> Expr {
    (0..levels).fold(col("t.i"), |inner, level| {
        if level % 2 == 0 {
            Expr::Negative(Box::new(inner))
        } else {
            cast(inner, DataType::Int64)
        }
    })
}

fn mixed_case() -> Expr {
    Expr::Column(Column::new(
        Some(TableReference::full("Cat", "Sch", "T1")),
        "X.y",
    ))
}

fn like(escape: Option<char>, insensitive: bool) -> Expr {
    Expr::Like(Like::new(
        true,
        Box::new(col("t.s")),
        Box::new(lit("a%")),
        escape,
        insensitive,
    ))
}

fn expressions() -> Vec<Expr> {
    let list = ScalarValue::List(ScalarValue::new_list_nullable(
        &[ScalarValue::Int32(Some(1)), ScalarValue::Int32(None)],
        &DataType::Int32,
    ));
    let dictionary = ScalarValue::Dictionary(
        Box::new(DataType::Int8),
        Box::new(ScalarValue::Utf8(Some("x".to_owned()))),
    );
    let outer = Expr::OuterReferenceColumn(
        Arc::new(Field::new("o", DataType::Int32, true)),
        Column::from_qualified_name("outer.o"),
    );
    vec![
        mixed_case(),
        col("i"),
        lit("text"),
        lit(ScalarValue::Null),
        lit(ScalarValue::Utf8(None)),
        lit(f64::NAN),
        lit(ScalarValue::Decimal128(Some(-12345), 20, 3)),
        lit(ScalarValue::TimestampNanosecond(
            Some(7),
            Some("+02:00".into()),
        )),
        lit(ScalarValue::IntervalYearMonth(Some(14))),
        lit(list),
        lit(dictionary),
        Expr::Literal(ScalarValue::Int64(Some(1)), Some(metadata())),
        Expr::Alias(Alias::new(now(), Some("Q"), "N").with_metadata(Some(metadata()))),
        Expr::Alias(Alias::new(col("t.i"), None::<&str>, "plain")),
        cast(mixed_case(), DataType::Utf8View),
        try_cast(
            col("t.s"),
            DataType::new_list(DataType::Decimal128(10, 2), true),
        ),
        Expr::Not(Box::new(Expr::IsNotTrue(Box::new(col("t.bool"))))),
        binary_expr(
            binary_expr(col("t.i"), Operator::Plus, lit(1)),
            Operator::Plus,
            binary_expr(lit(2), Operator::Plus, subquery()),
        ),
        col("t.i").between(lit(1), outer.clone()),
        like(None, true),
        like(Some('\\'), false),
        like(Some('é'), false),
        Expr::InList(InList::new(Box::new(col("t.i")), vec![lit(1), now()], true)),
        case(col("t.i"))
            .when(lit(1), lit("one"))
            .otherwise(lit("many"))
            .unwrap(),
        now(),
        random(),
        random() + lit(1.0),
        (0..80).fold(random(), |inner, _| Expr::Negative(Box::new(inner))),
        subquery(),
        outer,
        Expr::Placeholder(Placeholder::new_with_field(
            "$1".to_owned(),
            Some(Arc::new(Field::new("", DataType::Int32, true))),
        )),
        Expr::ScalarVariable(
            Arc::new(Field::new("v", DataType::Int32, true)),
            vec!["@@v".to_owned()],
        ),
        col("unknown"),
        col("__df_plugin_arg_0"),
        deep(31),
        deep(80),
        (0..80).fold(col("t.bool"), |chain, _| chain.and(col("t.bool"))),
        (0..80).fold(col("t.bool"), |chain, _| col("t.bool").or(chain)),
    ]
}

/// Guards: qualifiers keep their case, literals and aliases their metadata, and what stays on the
/// host is the very same expression afterwards.
#[test]
fn expressions_are_the_same_after_both_ways() {
    let function = rewriter("first", Rewriting::First);
    let pair = Pair::new(vec![Arc::clone(&function)]);
    for expr in expressions() {
        pair.agree(&function, vec![expr], &context());
    }
    let reversed = rewriter("reversed", Rewriting::Reversed);
    pair.agree(&reversed, expressions(), &context());
    let same = rewriter("same", Rewriting::Same);
    pair.agree(&same, expressions(), &context());
}

/// Type, nullability, metadata and volatility of an argument, the query's start and the settings.
#[test]
fn the_plugin_sees_the_host_s_context() {
    let function = rewriter("facts", Rewriting::Facts);
    let pair = Pair::new(vec![Arc::clone(&function)]);
    let untyped = ["unknown", "__df_plugin_arg_0"].map(col);
    for expr in expressions() {
        if !untyped.contains(&expr) {
            pair.agree(&function, vec![expr], &context());
        }
    }
    // As linked in, an unknown column is an error for who asks, and for no one else.
    for expr in untyped {
        let error = pair.simplify(&function, vec![expr], &context());
        assert!(error.is_err());
    }
    pair.agree(&function, vec![lit(1)], &SimplifyContext::default());
}

/// Only what cannot be copied, or is nested too deep, is hidden from the plugin.
#[test]
fn the_plugin_sees_what_can_be_copied() {
    let function = rewriter("kind", Rewriting::Kind);
    let pair = Pair::new(vec![Arc::clone(&function)]);
    let mut hidden = Vec::new();
    for expr in expressions() {
        let kind = expr.variant_name().to_owned();
        let seen = pair.simplify(&function, vec![expr], &context()).unwrap();
        let ExprSimplifyResult::Simplified(seen) = seen else {
            panic!("a literal was expected");
        };
        if seen != lit(kind.as_str()) {
            assert_eq!(seen, lit("Column"));
            hidden.push(kind);
        }
    }
    let expected = [
        "Like",
        "ScalarFunction",
        "ScalarSubquery",
        "Outer",
        "Placeholder",
        "ScalarVariable",
    ];
    assert_eq!(hidden, expected);
}

/// Two calls that are equal on the host are equal to the plugin.
#[test]
fn equal_arguments_stay_equal() {
    let function = rewriter("reversed", Rewriting::Reversed);
    let pair = Pair::new(vec![Arc::clone(&function)]);
    // Reversed they are the same list, which the plugin can only know of equal columns.
    let args = vec![now(), lit(1), now()];
    let result = pair.simplify(&function, args.clone(), &context()).unwrap();
    assert!(matches!(result, ExprSimplifyResult::Original(same) if same == args));
}

/// The place of a column in the SQL text is not part of equality, and is kept.
#[test]
fn columns_keep_their_spans() {
    let function = rewriter("first", Rewriting::First);
    let pair = Pair::new(vec![Arc::clone(&function)]);
    let span = Span::new(
        datafusion_common::Location { line: 1, column: 8 },
        datafusion_common::Location { line: 1, column: 9 },
    );
    let column = Column::from_qualified_name("t.i").with_spans(Spans(vec![span]));
    let result = pair.simplify(&function, vec![Expr::Column(column)], &context());
    match result.unwrap() {
        ExprSimplifyResult::Simplified(Expr::Column(column)) => {
            assert_eq!(column.spans().0, vec![span]);
        }
        other => panic!("{other:?}"),
    }
}
