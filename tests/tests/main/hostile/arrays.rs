//! Results of functions whose array structures lie.

use super::{alone, failure, healthy, live, load, rows, run_alone, session};

/// Functions of the fixture and what is said of their result, whatever the validation.
const ALWAYS: &[(&str, &str)] = &[
    ("released", "returned 0 rows, expected 5"),
    ("short", "returned 4 rows, expected 5"),
    ("long", "returned 6 rows, expected 5"),
    ("two_scalars", "returned 2 rows, expected 1"),
    ("negative_length", "returned -1 rows, expected 5"),
    ("negative_offset", "an offset of -8"),
    ("endless_offset", "5 rows from row 9223372036854775807"),
    ("no_values", "buffer 1 is not there"),
    ("no_buffers", "no list of buffers"),
    ("many_buffers", "99 buffers, expected 2"),
    ("negative_buffers", "-2 buffers, expected 2"),
    ("children", "2 children, expected 0"),
    ("dictionary", "a dictionary that the type does not have"),
    ("unaligned", "buffer 1 is not aligned"),
    ("unaligned_offsets", "buffer 1 is not aligned"),
    ("nulls_without_mask", "1 nulls without a null mask"),
    ("too_many_nulls", "9223372036854775807 nulls among 5 rows"),
    ("wrong_mask", "a null mask of other than 0 nulls"),
    ("null_in_no_nulls", "returned 5 nulls, but promised none"),
    ("offsets_backwards", "offsets from 5 to 0"),
    ("offset_negative", "offsets from 0 to -5"),
];

/// What only a look at the values shows.
const VALUES: &[(&str, &str)] = &[("no_utf8", "Invalid UTF8"), ("offset_between", "offset")];

/// What keeps the contract, if only just.
const HARMLESS: &[&str] = &["released_silently", "keeps_arguments"];

#[test]
fn arrays_that_lie_are_refused_and_released() {
    run_alone("main::hostile::arrays::in_a_child");
}

/// The other test's child: its counts of arrays are the process's. Alone, it has nothing to do.
#[tokio::test]
async fn in_a_child() {
    if !alone() {
        return;
    }
    for validation in ["structural", "full"] {
        let host = load(&format!("[plugins.raw]\nvalidation = '{validation}'")).unwrap();
        let context = session(&host);
        healthy(&context).await;
        let before = live(&context).await;
        let values = VALUES.iter().filter(|_| validation == "full");
        for (function, said) in ALWAYS.iter().chain(values) {
            let sql = format!("select raw.{function}(x) from t");
            let message = failure(&context, &sql).await;
            let item = format!("'{function}'");
            for part in [said, "plugin 'raw'", &item] {
                assert!(message.contains(part), "{function}: {part}: {message}");
            }
            healthy(&context).await;
            assert_eq!(live(&context).await, before, "{function}");
        }
        for function in HARMLESS {
            let sql = format!("select raw.{function}(x) from t");
            rows(&context, &sql).await.unwrap();
            healthy(&context).await;
            assert_eq!(live(&context).await, before, "{function}");
        }
    }
}

#[tokio::test]
async fn a_lie_is_a_violation_and_counted_as_one() {
    let config = "[plugins.raw]\nquarantine = { after = 3 }";
    let host = load(config).unwrap();
    let context = session(&host);
    for function in ["unaligned", "no_values", "null_in_no_nulls"] {
        assert!(host.plugins()[0].quarantine().is_none(), "{function}");
        failure(&context, &format!("select raw.{function}(x) from t")).await;
    }
    assert!(host.plugins()[0].quarantine().is_some());
    let sql = "select greet('Ada')";
    assert!(rows(&context, sql).await.unwrap().contains("Ada"));
}
