//! Calls that are wrong say function, argument and what is accepted.

use datafusion_codeanatomy::scalar_functions;

use crate::{planning_error, session};

#[tokio::test]
async fn of_types() {
    let context = session();
    for (call, parts) in [
        (
            "stable_hash64(1)",
            ["stable_hash64", "'text'", "Int64", "Utf8View"],
        ),
        (
            "stable_id('a', true)",
            ["stable_id", "'text'", "Boolean", "LargeUtf8"],
        ),
        (
            "prefixed_hash64(1, 'a')",
            ["prefixed_hash64", "'prefix'", "Int64", "Utf8"],
        ),
        (
            "stable_hash_any(1, 2)",
            ["stable_hash_any", "'canonical'", "Int64", "Boolean"],
        ),
        (
            "span_make('a', 2)",
            ["span_make", "'bstart'", "Utf8", "integer"],
        ),
        ("span_len(1)", ["span_len", "'span'", "Int64", "bstart"]),
        (
            "span_overlaps(span_make(1, 2), 3)",
            ["span_overlaps", "'other'", "Int64", "Struct"],
        ),
        (
            "utf8_normalize('a', 'NFC', 1)",
            ["utf8_normalize", "'casefold'", "Int64", "Boolean"],
        ),
        (
            "map_get_default(1, 2, 3)",
            ["map_get_default", "'map'", "Int64", "Map"],
        ),
        (
            "map_normalize(map {1: 2})",
            ["map_normalize", "'map'", "Map", "keys"],
        ),
        (
            "list_compact('a')",
            ["list_compact", "'list'", "Utf8", "LargeList"],
        ),
        (
            "struct_pick([1], 'a')",
            ["struct_pick", "'struct'", "List", "Struct"],
        ),
        (
            "cdf_is_delete(1)",
            ["cdf_is_delete", "'change_type'", "Int64", "Utf8"],
        ),
        (
            "position_encoding_norm(1.5)",
            ["position_encoding_norm", "'encoding'", "Float64", "integer"],
        ),
        (
            "col_to_byte('a', 'b', 'c')",
            ["col_to_byte", "'col'", "Utf8", "integer"],
        ),
        (
            "semantic_tag(1, 2)",
            ["semantic_tag", "'type'", "Int64", "Utf8"],
        ),
    ] {
        let error = planning_error(&context, &format!("SELECT {call}")).await;
        for part in parts {
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
            "expected BYTE, UTF8, UTF16 or UTF32",
        ),
    ] {
        let error = planning_error(&context, &format!("SELECT {call}")).await;
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
