//! Aggregate functions.

mod frames;
mod inputs;
mod oracle;

use crate::{planning_error, rows, session};

#[tokio::test]
async fn over_rows() {
    let context = session();
    let table = "(VALUES ('a', 1, 2.0), ('b', 3, 1.0), ('c', 3, null), (null, 9, 0.5), ('b', 2, 2.0)) \
                 t(v, k, x)";
    for (call, expected) in [
        ("list_unique(v)", "[a, b, c]"),
        ("collect_set(x)", "[0.5, 1.0, 2.0]"),
        ("count_distinct_agg(v)", "3"),
        ("count_if(k > 2)", "3"),
        ("count_if(x > 1)", "2"),
        ("any_value_det(v, k)", "a"),
        // The row with 9 has no value, and of the two with 3 the least value counts.
        ("arg_max(v, k)", "b"),
        ("arg_min(v, x)", "b"),
        ("asof_select(x, k)", "0.5"),
        ("string_agg(v, ', ')", "a, b, b, c"),
        ("string_agg(DISTINCT v, '')", "abc"),
        ("string_agg(v, null)", "NULL"),
        ("count_if(k > 2) FILTER (WHERE v = 'b')", "1"),
        ("list_unique(v) FILTER (WHERE k < 3)", "[a, b]"),
    ] {
        let sql = format!("SELECT {call} FROM {table}");
        assert_eq!(rows(&context, &sql).await, [expected], "{call}");
    }
}

#[tokio::test]
async fn over_nothing() {
    let context = session();
    for (call, expected) in [
        ("list_unique(v)", "[]"),
        ("collect_set(v)", "[]"),
        ("count_distinct_agg(v)", "0"),
        ("count_if(v = 'a')", "0"),
        ("any_value_det(v, v)", "NULL"),
        ("arg_max(v, v)", "NULL"),
        ("arg_min(v, v)", "NULL"),
        ("asof_select(v, v)", "NULL"),
        ("string_agg(v, ',')", "NULL"),
    ] {
        for table in [
            "(VALUES ('a')) t(v) WHERE v = 'b'",
            "(VALUES (arrow_cast(null, 'Utf8'))) t(v)",
        ] {
            let sql = format!("SELECT {call} FROM {table}");
            assert_eq!(rows(&context, &sql).await, [expected], "{sql}");
        }
        let sql = format!("SELECT 1, {call} FROM (VALUES ('a')) t(v) WHERE v = 'b' GROUP BY 1");
        assert_eq!(rows(&context, &sql).await, Vec::<String>::new(), "{sql}");
    }
}

#[tokio::test]
async fn keep_the_type_of_their_values() {
    let context = session();
    for text in ["Utf8", "LargeUtf8", "Utf8View"] {
        let sql = format!(
            "SELECT arrow_typeof(string_agg(v, ',')), arrow_typeof(arg_max(v, v)), string_agg(v, ',') \
             FROM (SELECT arrow_cast(column1, '{text}') v FROM (VALUES ('b'), ('a')))"
        );
        assert_eq!(rows(&context, &sql).await, [format!("{text}|{text}|a,b")]);
    }
}

/// Rows that are compared are not of dictionaries, and neither are results.
#[tokio::test]
async fn of_values_with_dictionaries_inside() {
    let context = session();
    for (value, a, b) in [
        ("{d}", "a", "b"),
        (
            "named_struct('x', {d}, 'y', 1)",
            "{x: a, y: 1}",
            "{x: b, y: 1}",
        ),
        ("[named_struct('x', {d})]", "[{x: a}]", "[{x: b}]"),
        (
            "arrow_cast([{d}], 'LargeList(Dictionary(Int8, Utf8))')",
            "[a]",
            "[b]",
        ),
        (
            "arrow_cast([{d}], 'FixedSizeList(1, Dictionary(Int8, Utf8))')",
            "[a]",
            "[b]",
        ),
    ] {
        let value = value.replace("{d}", "arrow_cast(column1, 'Dictionary(Int32, Utf8)')");
        let input =
            format!("(SELECT {value} v, column2 k FROM (VALUES ('b', 1), ('a', 3), ('b', 2)))");
        let both = format!("[{a}, {b}]");
        for (call, expected) in [
            ("list_unique(v)", both.as_str()),
            ("collect_set(v)", &both),
            ("count_distinct_agg(v)", "2"),
            ("any_value_det(v, k)", b),
            ("arg_max(k, v)", "1"),
            ("arg_max(v, k)", a),
            ("arg_min(v, v)", a),
            ("asof_select(v, v)", b),
        ] {
            for group in ["", "GROUP BY k > 0"] {
                let sql = format!("SELECT {call} FROM {input} {group}");
                assert_eq!(rows(&context, &sql).await, [expected], "{sql}");
            }
        }
    }
}

#[tokio::test]
async fn errors_name_function_and_argument() {
    let context = session();
    for (call, part) in [
        (
            "count_if(1)",
            "count_if: the argument 'condition' is of type Int64, expected Boolean",
        ),
        (
            "string_agg(1, ',')",
            "string_agg: the argument 'value' is of type Int64",
        ),
        (
            "any_value_det(1)",
            "any_value_det takes the arguments (value, key), found 1",
        ),
        (
            "arg_max(1)",
            "arg_max takes the arguments (value, key), found 1",
        ),
        (
            "arg_min(1, 2, 3)",
            "arg_min takes the arguments (value, key), found 3",
        ),
        (
            "asof_select(1)",
            "asof_select takes the arguments (value, key), found 1",
        ),
        (
            "list_unique(1, 2)",
            "list_unique takes the arguments (value), found 2",
        ),
        (
            "collect_set(1, 2)",
            "collect_set takes the arguments (value), found 2",
        ),
        (
            "count_distinct_agg(1, 2)",
            "count_distinct_agg takes the arguments (value), found 2",
        ),
    ] {
        let error = planning_error(&context, &format!("SELECT {call}")).await;
        assert!(error.contains(part), "{error}");
    }
    for (call, part) in [
        (
            "string_agg(column1, column1)",
            "the argument 'separator' is not a literal",
        ),
        (
            "string_agg(column1, ',' ORDER BY column1)",
            "takes no ORDER BY",
        ),
        (
            "count_if(DISTINCT column1 = 'a'), list_unique(column1)",
            "takes no DISTINCT",
        ),
    ] {
        let sql = format!("SELECT {call} FROM (VALUES ('a'))");
        let error = crate::batches(&context, &sql).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// An accumulator that is asked for its value keeps its state.
#[tokio::test]
async fn over_growing_frames() {
    let sql = "SELECT list_unique(v) OVER w, arg_max(v, v) OVER w, string_agg(v, '') OVER w, \
               count_if(v = 'a') OVER w FROM (VALUES (1, 'b'), (2, 'a'), (3, 'c')) t(n, v) \
               WINDOW w AS (ORDER BY n) ORDER BY n";
    let expected = ["[b]|b|b|0", "[a, b]|b|ab|1", "[a, b, c]|c|abc|1"];
    assert_eq!(rows(&session(), sql).await, expected);
}

/// Frames whose start moves on give rows back.
#[tokio::test]
async fn counts_over_moving_frames() {
    let table =
        "(VALUES (1, true), (2, true), (3, null), (4, true), (5, false), (6, true)) t(n, x)";
    for (frame, expected) in [
        (
            "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
            [1, 2, 1, 1, 1, 1],
        ),
        (
            "ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING",
            [2, 1, 1, 1, 1, 1],
        ),
        (
            "RANGE BETWEEN 2 PRECEDING AND 1 PRECEDING",
            [0, 1, 2, 1, 1, 1],
        ),
    ] {
        let sql = format!(
            "SELECT count_if(x) OVER (ORDER BY n {frame}), \
             count_if(x) FILTER (WHERE n <> 2) OVER (ORDER BY n {frame}), \
             count(*) FILTER (WHERE x AND n <> 2) OVER (ORDER BY n {frame}) FROM {table} ORDER BY n"
        );
        let found = rows(&session(), &sql).await;
        assert_eq!(found.len(), expected.len(), "{frame}");
        for (row, expected) in found.iter().zip(expected) {
            let (count, filtered) = row.split_once('|').unwrap();
            assert_eq!(count, expected.to_string(), "{frame}");
            let (filtered, of_datafusion) = filtered.split_once('|').unwrap();
            assert_eq!(filtered, of_datafusion, "{frame}");
        }
    }
}
