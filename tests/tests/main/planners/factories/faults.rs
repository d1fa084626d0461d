//! Factories that panic, fail, wait and make what does not cross.

use std::{mem::discriminant, time::Duration};

use super::{error, linked_in, loaded, rows, run};

fn create(language: &str) -> String {
    format!("CREATE FUNCTION broken() RETURNS BIGINT LANGUAGE {language}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_keeps_its_kind_and_names_plugin_and_factory() {
    let (linked_in, loaded) = (linked_in(), loaded());
    let expected = rows(&linked_in, &create("failing")).await.unwrap_err();
    let found = rows(&loaded, &create("failing")).await.unwrap_err();
    assert_eq!(
        discriminant(found.find_root()),
        discriminant(expected.find_root())
    );
    let (found, expected) = (found.strip_backtrace(), expected.strip_backtrace());
    assert!(found.starts_with(&expected), "{found}\n{expected}");
    for part in ["'broken' is too much", "planners", "faulty"] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn panics_are_errors_that_name_plugin_factory_and_place() {
    let loaded = loaded();
    for (language, message) in [
        ("panicking", "a function factory panics"),
        ("panicking_late", "a function factory panics late"),
    ] {
        let panic = error(&loaded, &create(language)).await;
        for part in [message, "planners", "faulty", "faulty.rs:"] {
            assert!(panic.contains(part), "{part}: {panic}");
        }
    }
    run(&loaded, &[&create("panicking_function")]).await;
    let panic = error(&loaded, "SELECT broken()").await;
    for part in [
        "a function that was made panics",
        "planners",
        "broken",
        "faulty.rs:",
    ] {
        assert!(panic.contains(part), "{part}: {panic}");
    }
    run(&loaded, &["SELECT 1"]).await;
}

/// What every factory declines tells of all of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_language_is_an_error_of_every_factory() {
    let loaded = loaded();
    let found = error(&loaded, &create("unheard_of")).await;
    for part in [
        "not implemented",
        "broken",
        "unheard_of",
        "macros",
        "kinds",
        "faulty",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

/// An async function that a factory made has no way to the host yet, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_cross_is_named() {
    let loaded = loaded();
    let found = error(&loaded, &create("asynchronous")).await;
    for part in ["async scalar function 'broken'", "planners", "faulty"] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

/// A statement that is given up is given up in the plugin too, inside its runtime.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_statement_cancels_the_work() {
    let loaded = loaded();
    run(
        &loaded,
        &[&create("cancelled").replace("broken", "cancelled")],
    )
    .await;
    assert!(
        rows(&loaded, "SELECT cancelled()")
            .await
            .unwrap()
            .contains("| 0 ")
    );
    let sql = create("waiting");
    let waiting = tokio::time::timeout(Duration::from_millis(100), loaded.sql(&sql));
    assert!(waiting.await.is_err());
    assert!(
        rows(&loaded, "SELECT cancelled()")
            .await
            .unwrap()
            .contains("| 1 ")
    );
}
