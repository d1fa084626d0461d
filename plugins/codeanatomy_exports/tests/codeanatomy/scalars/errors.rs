//! Calls that are wrong say function, argument and what is accepted.

use datafusion::error::DataFusionError;
use datafusion_codeanatomy::scalar_functions;

use crate::{batches, planning_error, session};

#[tokio::test]
async fn of_types() {
    let context = session();
    let wrong = [
        ("stable_hash64(1)", ["'text'", "Int64", "Utf8View"]),
        ("stable_hash128(1.5)", ["'text'", "Float64", "Utf8View"]),
        ("prefixed_hash64(1, 'a')", ["'prefix'", "Int64", "Utf8"]),
        ("stable_hash_any(1, 2)", ["'canonical'", "Int64", "Boolean"]),
        ("stable_id('a', true)", ["'text'", "Boolean", "LargeUtf8"]),
        (
            "stable_id_parts(1, 'a')",
            ["'prefix'", "Int64", "LargeUtf8"],
        ),
        (
            "prefixed_hash_parts64(1, 2)",
            ["'prefix'", "Int64", "Utf8View"],
        ),
        (
            "span_id('a', 'b', 'c', 1)",
            ["'bstart'", "Utf8", "an integer type"],
        ),
        ("span_make('a', 2)", ["'bstart'", "Utf8", "an integer type"]),
        (
            "span_len(1)",
            [
                "'span'",
                "Int64",
                "Struct with Int64 fields bstart and bend",
            ],
        ),
        (
            "span_overlaps(span_make(1, 2), 3)",
            ["'other'", "Int64", "Struct"],
        ),
        (
            "span_contains('a', span_make(1, 2))",
            ["'span'", "Utf8", "Struct"],
        ),
        (
            "interval_align_score(1, 2, 'a', 4)",
            ["'right_start'", "Utf8", "an integer type"],
        ),
        (
            "utf8_normalize('a', 'NFC', 1)",
            ["'casefold'", "Int64", "Boolean"],
        ),
        (
            "utf8_null_if_blank(1)",
            ["'text'", "Int64", "Utf8, LargeUtf8 or Utf8View"],
        ),
        (
            "qname_normalize('a', 1)",
            ["'module'", "Int64", "LargeUtf8"],
        ),
        ("map_get_default(1, 2, 3)", ["'map'", "Int64", "Map"]),
        (
            "map_get_default(map {1: 2}, [1], 3)",
            ["'key'", "List(Int64)", "expected Int64"],
        ),
        (
            "map_get_default(map {'a': 1}, 'b', [0])",
            ["'default'", "List(Int64)", "expected Int64"],
        ),
        (
            "map_normalize(map {1: 2})",
            ["'map'", "Map", "keys of type Utf8"],
        ),
        ("list_compact('a')", ["'list'", "Utf8", "LargeList"]),
        (
            "list_unique_sorted(1)",
            ["'list'", "Int64", "FixedSizeList"],
        ),
        (
            "struct_pick([1], 'a')",
            ["'struct'", "List", "expected Struct"],
        ),
        ("cdf_change_rank(1)", ["'change_type'", "Int64", "Utf8View"]),
        (
            "cdf_is_upsert(true)",
            ["'change_type'", "Boolean", "Utf8View"],
        ),
        ("cdf_is_delete(1)", ["'change_type'", "Int64", "Utf8"]),
        (
            "position_encoding_norm(1.5)",
            ["'encoding'", "Float64", "an integer type"],
        ),
        (
            "col_to_byte('a', 'b', 'BYTE')",
            ["'col'", "Utf8", "an integer type"],
        ),
        (
            "canonicalize_byte_span(0, 1, 2, 3, 'a', 4, 'BYTE')",
            ["'start_line'", "Int64", "Utf8View"],
        ),
        ("arrow_metadata(1, 2)", ["'key'", "Int64", "LargeUtf8"]),
        ("semantic_tag(1, 2)", ["'type'", "Int64", "Utf8"]),
    ];
    for function in scalar_functions(&Default::default()) {
        let call = format!("{}(", function.name());
        // A score may be of any type.
        let listed = wrong.iter().any(|(wrong, _)| wrong.starts_with(&call));
        assert!(listed || function.name() == "cpg_score", "{call}");
    }
    for (call, parts) in wrong {
        let error = planning_error(&context, &format!("SELECT {call}")).await;
        let (function, _) = call.split_once('(').unwrap();
        for part in parts.into_iter().chain([function]) {
            assert!(
                error.contains(part),
                "{call}: {part} is missing in: {error}"
            );
        }
    }
}

#[tokio::test]
async fn of_values() {
    let context = session();
    for (call, expected) in [
        (
            "struct_pick(span_make(1, 2), 'end')",
            "struct_pick: the struct has no field 'end', expected one of bstart, bend, line_base, \
             col_unit, end_exclusive",
        ),
        (
            "struct_pick(span_make(1, 2), 'bend', 'bend')",
            "the field 'bend' is named twice",
        ),
        (
            "struct_pick(span_make(1, 2), a) FROM (VALUES ('x')) t(a)",
            "the argument 'field' is not a literal",
        ),
        (
            "utf8_normalize('a', 'NFX')",
            "'NFX' is no form of Unicode, expected NFC, NFD, NFKC or NFKD",
        ),
        (
            "map_get_default(map {'a': 1}, 'b', 'zero')",
            "map_get_default: the argument 'default' is no Int64",
        ),
        (
            "map_get_default(map {1: 'a'}, 'one', '')",
            "map_get_default: the argument 'key' is no Int64",
        ),
        (
            "map_normalize(map {'a': 1}, 'title')",
            "expected lower, upper or none",
        ),
        ("semantic_tag('', 1)", "semantic_tag: the argument 'type'"),
        (
            "arrow_metadata(1, a) FROM (VALUES ('x')) t(a)",
            "arrow_metadata: the argument 'key'",
        ),
        (
            "col_to_byte('a', 1, 'line')",
            "col_to_byte: the argument 'unit' is 'line', expected BYTE, UTF8, UTF16 or UTF32",
        ),
        (
            "col_to_byte('a', 1, 'my_utf8_unit')",
            "'unit' is 'my_utf8_unit', expected BYTE",
        ),
        ("col_to_byte('a', 1, '1')", "'unit' is '1', expected BYTE"),
        (
            "span_make(1, 2, 0, 'parsecs')",
            "span_make: the argument 'col_unit' is 'parsecs', expected BYTE, UTF8, UTF16 or UTF32",
        ),
        (
            "canonicalize_byte_span(0, 'a', 0, 0, 'a', 1, 'bytes')",
            "canonicalize_byte_span: the argument 'unit' is 'bytes', expected BYTE",
        ),
    ] {
        let error = planning_error(&context, &format!("SELECT {call}")).await;
        assert!(error.contains(expected), "{call}: {error}");
    }
}

/// What is wrong with a literal is wrong with the query.
#[tokio::test]
async fn of_literals_are_of_planning() {
    let context = session();
    for call in [
        "col_to_byte('a', 1, 'line')",
        "canonicalize_byte_span(0, 'a', 0, 0, 'a', 1, 'bytes')",
        "span_make(1, 2, 0, 'parsecs')",
        "span_make(1, 2, 0, '', true)",
        "map_normalize(map {'a': 1}, 'title')",
        "utf8_normalize('a', 'NFX')",
        "struct_pick(span_make(1, 2), 'end')",
    ] {
        let error = context.sql(&format!("SELECT {call}")).await.unwrap_err();
        let root = error.find_root();
        assert!(matches!(root, DataFusionError::Plan(_)), "{call}: {root:?}");
    }
    // What a column has is not looked at.
    let sql = "SELECT span_make(1, 2, 0, u)['col_unit'] FROM (VALUES ('parsecs')) t(u)";
    assert_eq!(crate::rows(&context, sql).await, ["parsecs"]);
}

/// A column's values are known only when it runs.
#[tokio::test]
async fn of_values_in_columns() {
    let context = session();
    let table = "(VALUES ('a', '1'), ('2', 'zero')) t(k, d)";
    for (call, expected) in [
        (
            "map_get_default(map {'a': 1}, k, d)",
            "map_get_default: the argument 'default' is no Int64",
        ),
        (
            "map_get_default(map {2: 'b'}, k, d)",
            "map_get_default: the argument 'key' is no Int64",
        ),
    ] {
        let sql = format!("SELECT {call} FROM {table}");
        let error = batches(&context, &sql).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{call}: {error}");
    }
}

#[tokio::test]
async fn of_counts() {
    let context = session();
    for function in scalar_functions(&Default::default()) {
        let name = function.name();
        let error = planning_error(&context, &format!("SELECT {name}()")).await;
        let expected = format!("{name} takes the arguments (");
        assert!(error.contains(&expected), "{error}");
    }
    let error = planning_error(&context, "SELECT span_make(1, 2, 3, 'byte', true, 6)").await;
    let usage = "(bstart, bend [, line_base] [, col_unit] [, end_exclusive]), found 6";
    assert!(error.contains(usage), "{error}");
}
