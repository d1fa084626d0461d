//! The text by which values of every type are hashed.

use crate::{batches, rows, session};

/// As constants and as columns.
async fn holds(condition: impl Fn(&str) -> String, value: &str) {
    let context = session();
    let constant = format!("SELECT {}", condition(value));
    assert_eq!(rows(&context, &constant).await, ["true"], "{constant}");
    let table = format!("CREATE TABLE t AS SELECT {value} AS x UNION ALL SELECT {value}");
    batches(&context, &table).await.unwrap();
    let column = format!("SELECT {} FROM t", condition("x"));
    assert_eq!(rows(&context, &column).await, ["true", "true"], "{value}");
}

#[tokio::test]
async fn is_that_of_a_cast() {
    for value in [
        "true",
        "-7",
        "arrow_cast(200, 'UInt8')",
        "0.1",
        "1e300",
        "arrow_cast(0.1, 'Float32')",
        "arrow_cast('NaN', 'Float64')",
        "arrow_cast('1.50', 'Decimal128(10, 2)')",
        "arrow_cast('-1234567890123456789012345678901234567890', 'Decimal256(50, 0)')",
        "DATE '2024-02-29'",
        "TIME '01:02:03.5'",
        "TIMESTAMP '2024-02-29T01:02:03.000000004'",
        "arrow_cast('2024-02-29T01:02:03', 'Timestamp(Second, Some(\"+02:00\"))')",
        "arrow_cast('2024-02-29T01:02:03', 'Timestamp(Millisecond, Some(\"Europe/Paris\"))')",
        "arrow_cast(90061, 'Duration(Second)')",
        "arrow_cast(-1500, 'Duration(Millisecond)')",
        "INTERVAL '1 month 2 days 3 seconds'",
        "arrow_cast('straße', 'Binary')",
        "arrow_cast('straße', 'LargeBinary')",
        "arrow_cast('straße', 'BinaryView')",
        "arrow_cast(arrow_cast('straße', 'Binary'), 'Dictionary(Int32, Binary)')",
        "arrow_cast('straße', 'Dictionary(Int32, Utf8)')",
        "[1, null, 2]",
        "['a', 'b']",
        "[DATE '2024-02-29']",
        "[arrow_cast(90061, 'Duration(Second)')]",
        "arrow_cast([[1], [2, 3]], 'LargeList(List(Int64))')",
        "arrow_cast([7], 'FixedSizeList(1, Int64)')",
    ] {
        let same = |x: &str| format!("stable_hash_any({x}) = stable_hash128(CAST({x} AS VARCHAR))");
        holds(same, value).await;
        let same = |x: &str| {
            format!(
                "stable_id_parts('p', {x}, 1) = stable_id_parts('p', CAST({x} AS VARCHAR), '1')"
            )
        };
        holds(same, value).await;
    }
}

#[tokio::test]
async fn is_that_which_is_shown_where_there_is_no_cast() {
    for (value, text) in [
        ("named_struct('a', 1, 'b', 'x')", "{a: 1, b: x}"),
        ("map {'a': 1}", "{a: 1}"),
        ("[named_struct('a', 1)]", "[{a: 1}]"),
        ("arrow_cast([1, 2], 'FixedSizeList(2, Int64)')", "[1, 2]"),
    ] {
        let cast = format!("SELECT CAST({value} AS VARCHAR)");
        let error = batches(&session(), &cast).await.unwrap_err().to_string();
        assert!(error.contains("Unsupported CAST"), "{error}");
        let same = |x: &str| format!("stable_hash_any({x}) = stable_hash128('{text}')");
        holds(same, value).await;
    }
}

/// Such bytes have no cast either.
#[tokio::test]
async fn is_an_error_of_bytes_that_are_no_text() {
    let context = session();
    for function in ["stable_hash_any(x)", "stable_id_parts('p', x)"] {
        let sql = format!("SELECT {function} FROM (VALUES (X'ff')) t(x)");
        let error = batches(&context, &sql).await.unwrap_err().to_string();
        assert!(error.to_lowercase().contains("utf-8"), "{error}");
    }
}
