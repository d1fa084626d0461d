//! Options at activation, and settings of a session.

use datafusion::prelude::SessionConfig;
use datafusion_codeanatomy::Options;

use crate::{batches, rows, session, session_with};

#[test]
fn are_json_at_activation() {
    let options: Options = serde_json::from_str(r#"{"span_line_base": 1}"#).unwrap();
    assert_eq!(options.span_line_base, 1);
    assert_eq!(options.utf8_normalize_form, "NFKC");
    let error = serde_json::from_str::<Options>(r#"{"span_lines": 1}"#).unwrap_err();
    for known in ["span_lines", "span_line_base", "utf8_normalize_form"] {
        assert!(error.to_string().contains(known), "{error}");
    }
    assert!(options.check().is_ok());
    for (json, key, expected) in [
        (
            r#"{"utf8_normalize_form": "NFX"}"#,
            "utf8_normalize_form",
            "NFKD",
        ),
        (r#"{"span_col_unit": "chars"}"#, "span_col_unit", "UTF32"),
        (
            r#"{"snapshot_tables": "files; other"}"#,
            "snapshot_tables",
            "schema.table",
        ),
    ] {
        let options: Options = serde_json::from_str(json).unwrap();
        let error = options.check().unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn of_a_session_win() {
    let context = session_with(SessionConfig::new().with_option_extension(Options::default()));
    let spans = "SELECT span_make(1, 2)";
    let unset = "{bstart: 1, bend: 2, line_base: 0, col_unit: byte, end_exclusive: true}";
    assert_eq!(rows(&context, spans).await, [unset]);
    for statement in [
        "SET codeanatomy.span_line_base = 1",
        "SET codeanatomy.span_col_unit = 'utf16'",
        "SET codeanatomy.span_end_exclusive = false",
        "SET codeanatomy.utf8_normalize_form = 'NFC'",
        "SET codeanatomy.utf8_normalize_casefold = false",
        "SET codeanatomy.utf8_normalize_collapse_ws = false",
    ] {
        batches(&context, statement).await.unwrap();
    }
    let set = "{bstart: 1, bend: 2, line_base: 1, col_unit: utf16, end_exclusive: false}";
    assert_eq!(rows(&context, spans).await, [set]);
    assert_eq!(
        rows(&context, "SELECT utf8_normalize(' ﬁ  É ')").await,
        ["ﬁ  É"]
    );
    // Other sessions do not see it.
    assert_eq!(rows(&session(), spans).await, [unset]);
}

#[tokio::test]
async fn unknown_ones_and_wrong_values_are_errors() {
    let context = session_with(SessionConfig::new().with_option_extension(Options::default()));
    for (statement, parts) in [
        (
            "SET codeanatomy.span_lines = 1",
            ["span_lines", "span_line_base, span_col_unit"],
        ),
        (
            "SET codeanatomy.span_line_base = 'a'",
            ["span_line_base is 'a'", "an integer"],
        ),
        (
            "SET codeanatomy.span_col_unit = 'chars'",
            ["'chars'", "BYTE, UTF8, UTF16 or UTF32"],
        ),
        (
            "SET codeanatomy.utf8_normalize_form = 'NFX'",
            ["NFX", "NFC, NFD, NFKC or NFKD"],
        ),
    ] {
        let error = batches(&context, statement).await.unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{statement}: {error}");
        }
    }
}

/// What is understood of a name decides which table is seen whole.
#[tokio::test]
async fn names_of_tables_that_are_none_are_errors() {
    let context = session_with(SessionConfig::new().with_option_extension(Options::default()));
    for names in [
        "files; other",
        "files other",
        "a.b.c.d",
        "files,",
        ", files",
        "a..files",
        "files.",
        "\"files",
        "''files''",
        "1",
    ] {
        let statement = format!("SET codeanatomy.snapshot_tables = '{names}'");
        let error = batches(&context, &statement).await.unwrap_err().to_string();
        let parts = ["codeanatomy.snapshot_tables is", "catalog.schema.table"];
        for part in parts {
            assert!(error.contains(part), "{statement}: {error}");
        }
        let mut options = Options::default();
        options.snapshot_tables = names.replace("''", "'");
        let error = options.check().unwrap_err().to_string();
        assert!(error.contains(parts[0]), "{names}: {error}");
    }
    for names in ["", " ", "a, b.c ,d.e.f", r#""a,b"."c.d""#] {
        let statement = format!("SET codeanatomy.snapshot_tables = '{names}'");
        batches(&context, &statement).await.unwrap();
        let mut options = Options::default();
        options.snapshot_tables = names.to_owned();
        options.check().unwrap();
    }
}

/// Constants are worked out when a statement is prepared, and not each time that it is executed.
#[tokio::test]
async fn of_prepared_statements() {
    let context = session_with(SessionConfig::new().with_option_extension(Options::default()));
    for statement in [
        "SET codeanatomy.span_line_base = 1",
        "PREPARE constant AS SELECT span_make(1, 2)['line_base']",
        "PREPARE of_column AS SELECT span_make(value, 2)['line_base'] FROM range(1)",
        "SET codeanatomy.span_line_base = 7",
    ] {
        batches(&context, statement).await.unwrap();
    }
    assert_eq!(rows(&context, "EXECUTE constant").await, ["1"]);
    assert_eq!(rows(&context, "EXECUTE of_column").await, ["7"]);
}
