//! What `SET` refuses.

use datafusion::common::DataFusionError;

use super::{error, linked_in, loaded, run, values};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_an_error_that_lists_the_known_ones() {
    let context = loaded();
    let unknown = error(&context, "SET settings.dept = 1").await;
    for part in [
        "there is no option 'settings.dept'",
        "form, depth, shift, ratio, strict, label, limit",
        "plugin 'settings'",
    ] {
        assert!(unknown.contains(part), "{part}: {unknown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_is_refused_with_key_value_and_what_is_accepted() {
    let context = loaded();
    for (key, value, accepted) in [
        ("form", "NFX", "no such form; accepted: NFC or NFD"),
        ("depth", "-1", "a whole number that is not negative"),
        ("depth", "many", "a whole number that is not negative"),
        ("shift", "1.5", "a whole number"),
        ("ratio", "half", "a number"),
        ("strict", "2", "true or false"),
        ("limit", "x", "a whole number that is not negative"),
    ] {
        let sql = format!("SET settings.{key} = '{value}'");
        let refused = match context.sql(&sql).await {
            Ok(_) => panic!("{sql} is done"),
            Err(error) => error,
        };
        let text = refused.strip_backtrace();
        let set = format!("option 'settings.{key}' cannot be set to '{value}'");
        assert!(text.contains(&set), "{text}");
        assert!(text.contains(accepted), "{text}");
        let root = refused.find_root();
        assert!(
            matches!(root, DataFusionError::Configuration(_)),
            "{root:?}"
        );
    }
    let shown = values(&context, "SELECT shown() AS text").await;
    assert_eq!(shown, "NFC 3 0 0.5 true plain none / -");
    run(&context, "SET settings.depth = 4").await;
    let shown = values(&context, "SELECT shown() AS text").await;
    assert_eq!(shown, "NFC 4 0 0.5 true plain none / -");
}

/// As they are for an extension that is linked in.
#[tokio::test(flavor = "multi_thread")]
async fn what_datafusion_refuses_is_refused_in_its_words() {
    let (linked_in, loaded) = (linked_in(), loaded());
    for sql in [
        "SET no_such_plugin.depth = 1",
        "SET depth = 1",
        "SET settings.depth = 1, 2",
        "RESET settings.depth",
        "RESET no_such_plugin.depth",
    ] {
        assert_eq!(
            error(&loaded, sql).await,
            error(&linked_in, sql).await,
            "{sql}"
        );
    }
}
