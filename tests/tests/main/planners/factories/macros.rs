//! Functions that replace their calls by the statement's body.

use std::sync::Arc;

use datafusion::{
    arrow::array::AsArray,
    arrow::datatypes::{DataType, Int64Type},
    common::{Result, ScalarValue},
    logical_expr::{
        ColumnarValue, Volatility, create_udf,
        var_provider::{VarProvider, VarType},
    },
    prelude::SessionContext,
};

use super::{error, linked_in, loaded, plans, rows, run, same};

/// As DataFusion's own example of a factory has them, and what else a body may be.
const MACROS: &[&str] = &[
    "CREATE FUNCTION f1(BIGINT) RETURNS BIGINT RETURN $1 + 1",
    "CREATE FUNCTION f2(BIGINT, BIGINT) RETURNS BIGINT RETURN $1 + f1($2)",
    "CREATE FUNCTION named(a BIGINT, b BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE RETURN $b - $a",
    "CREATE FUNCTION half(a DOUBLE, b DOUBLE DEFAULT 2.0) RETURNS DOUBLE IMMUTABLE RETURN $a / $b",
    "CREATE FUNCTION shout(VARCHAR) RETURNS VARCHAR RETURN concat(upper($1), '!')",
    "CREATE FUNCTION sign_of(BIGINT) RETURNS VARCHAR \
     RETURN CAST(CASE WHEN $1 > 0 THEN 'plus' WHEN $1 < 0 THEN 'minus' ELSE 'zero' END AS VARCHAR)",
    "CREATE FUNCTION cut(BIGINT) RETURNS SMALLINT RETURN TRY_CAST($1 % 7 AS SMALLINT)",
    "CREATE FUNCTION triple_of(BIGINT) RETURNS BIGINT RETURN triple($1)",
    "CREATE FUNCTION unless_six(BIGINT) RETURNS BIGINT LANGUAGE text AS 'nullif($1 * 2, 6)'",
];

/// A function that only the session has.
fn triple() -> datafusion::logical_expr::ScalarUDF {
    create_udf(
        "triple",
        vec![DataType::Int64],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| {
            let values = ColumnarValue::values_to_arrays(args)?;
            let tripled = values[0].as_primitive::<Int64Type>();
            let tripled = tripled.unary::<_, Int64Type>(|value| 3 * value);
            Ok(ColumnarValue::Array(Arc::new(tripled)))
        }),
    )
}

async fn with_macros(context: SessionContext) -> SessionContext {
    context.register_udf(triple());
    run(&context, MACROS).await;
    context
}

#[tokio::test(flavor = "multi_thread")]
async fn macros_give_what_they_give_linked_in() {
    let linked_in = with_macros(linked_in()).await;
    let loaded = with_macros(loaded()).await;
    assert!(
        rows(&loaded, "SELECT f2(1, 2)")
            .await
            .unwrap()
            .contains("| 4 ")
    );
    let queries = [
        "SELECT f2(1, 2), f1(NULL), named(3, 10), half(9), half(9, 3)",
        "SELECT value, f2(value, value * 2), sign_of(value - 2), cut(value) FROM generate_series(1, 4)",
        "SELECT shout('a'), shout(NULL), triple_of(5), triple_of(value) FROM generate_series(1, 2)",
        "SELECT unless_six(value) FROM generate_series(2, 4)",
        "SELECT f1(value) AS f, count(*), sum(f1(value)) FROM generate_series(1, 6) \
         WHERE f1(value) % 2 = 0 GROUP BY f1(value) HAVING sum(f1(value)) > 2 ORDER BY f1(value) DESC",
        "SELECT a.value FROM generate_series(1, 9) a JOIN generate_series(1, 9) b ON f1(a.value) = b.value \
         WHERE f2(a.value, 1) IN (SELECT f1(value) FROM generate_series(3, 5)) ORDER BY 1",
        "SELECT f1(f1(f1(value))) AS f FROM generate_series(1, 2)",
        "SELECT sum(f1(value)) OVER (ORDER BY f1(value)) FROM generate_series(1, 3)",
    ];
    same(&linked_in, &loaded, &queries).await;
    for sql in queries {
        let expected = plans(&linked_in, sql).await.unwrap();
        assert_eq!(plans(&loaded, sql).await.unwrap(), expected, "{sql}");
    }
}

/// A function of the session in a body comes back as that very function.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_body_names_is_the_sessions_own() {
    let loaded = with_macros(loaded()).await;
    let plan = plans(
        &loaded,
        "SELECT triple_of(value) FROM generate_series(1, 2)",
    );
    let plan = plan.await.unwrap();
    assert!(plan.contains("triple(generate_series().value)"), "{plan}");
    // Another function of the name in the session does not change what was made.
    let other = create_udf(
        "triple",
        vec![DataType::Int64],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(|_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(0_i64.into()))),
    );
    loaded.register_udf(other);
    let sql = "SELECT triple_of(5), triple(5)";
    let found = rows(&loaded, sql).await.unwrap();
    assert!(found.contains("| 15 ") && found.contains("| 0 "), "{found}");
}

/// As linked in: a body holds the functions that it names.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_function_stays_in_bodies() {
    let linked_in = with_macros(linked_in()).await;
    let loaded = with_macros(loaded()).await;
    for context in [&linked_in, &loaded] {
        run(context, &["DROP FUNCTION f1"]).await;
        assert!(error(context, "SELECT f1(1)").await.contains("f1"));
    }
    same(&linked_in, &loaded, &["SELECT f2(1, 2)"]).await;
}

/// The variables of a session.
#[derive(Debug)]
struct Step;

impl VarProvider for Step {
    fn get_value(&self, _: Vec<String>) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(5)))
    }

    fn get_type(&self, _: &[String]) -> Option<DataType> {
        Some(DataType::Int64)
    }
}

/// What exists only in the session stays there, and is in the body again when that is put in.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_what_does_not_travel() {
    let (linked_in, loaded) = (linked_in(), loaded());
    for context in [&linked_in, &loaded] {
        context.register_variable(VarType::UserDefined, Arc::new(Step));
        let create = "CREATE FUNCTION stepped(BIGINT) RETURNS BIGINT RETURN $1 + @step";
        run(context, &[create]).await;
    }
    let sql = "SELECT stepped(value) FROM generate_series(1, 3)";
    same(&linked_in, &loaded, &[sql]).await;
    assert!(rows(&loaded, sql).await.unwrap().contains("| 8 "));
}

/// What `simplify` cannot carry is an error that says so, not another result.
#[tokio::test(flavor = "multi_thread")]
async fn a_subquery_in_a_body_is_refused_when_it_is_used() {
    let loaded = loaded();
    let create = "CREATE FUNCTION known(BIGINT) RETURNS BOOLEAN \
                  RETURN $1 IN (SELECT value FROM generate_series(1, 3))";
    run(&loaded, &[create]).await;
    let found = error(&loaded, "SELECT known(value) FROM generate_series(1, 2)").await;
    for part in ["cannot cross to the host", "planners", "known"] {
        assert!(found.contains(part), "{part}: {found}");
    }
}
