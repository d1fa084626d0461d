//! Where values arrive.

use datafusion::prelude::SessionContext;

use super::{error, linked_in, loaded, rows, run, values};

/// Every place in which DataFusion hands out a configuration.
async fn check(context: &SessionContext, expected: &str, which: &str) {
    for sql in [
        "SELECT shown() AS text",
        "SELECT shown(value) AS text FROM generate_series(1, 3) ORDER BY value LIMIT 1",
        "SELECT '$analyzer' AS text",
        "SELECT '$optimizer' AS text",
        "SELECT * FROM planning",
    ] {
        assert_eq!(values(context, sql).await, expected, "{which}: {sql}");
    }
    // Two plugins export it.
    let stages = match which {
        "loaded" => "settings.stages()",
        _ => "stages()",
    };
    for stage in ["call", "scan", "execution"] {
        let sql = format!("SELECT options FROM {stages} WHERE stage = '{stage}'");
        assert_eq!(values(context, &sql).await, expected, "{which}: {sql}");
    }
}

const SET: &[&str] = &[
    "SET settings.form = 'nfd'",
    "SET settings.depth = 7",
    "SET settings.shift = -2",
    "SET settings.ratio = 1.25",
    "SET settings.strict = false",
    "SET settings.label = 'two words'",
    "SET settings.limit = 9",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_gets_its_own_type_wherever_a_configuration_is_handed_out() {
    for (context, which) in [(linked_in(), "linked in"), (loaded(), "loaded")] {
        check(&context, "NFC 3 0 0.5 true plain none / -", which).await;
        for statement in SET {
            run(&context, statement).await;
        }
        check(&context, "NFD 7 -2 1.25 false two words 9 / -", which).await;
        run(&context, "SET settings.depth = 8").await;
        check(&context, "NFD 8 -2 1.25 false two words 9 / -", which).await;
        run(&context, "SET settings.label = 'physical'").await;
        let refused = error(&context, "SELECT 1").await;
        let text = "refused with NFD 8 -2 1.25 false physical 9 / -";
        assert!(refused.contains(text), "{which}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_names_what_it_reads_gets_no_more() {
    let context = loaded();
    run(&context, "SET settings.depth = 7").await;
    run(&context, "SET settings.label = 'unread'").await;
    let shown = values(&context, "SELECT shown_depth() AS text").await;
    assert_eq!(shown, "NFC 7 0 0.5 true plain none / -");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_plugins_and_two_sessions_do_not_meet() {
    let (one, two) = (loaded(), loaded());
    run(&one, "SET settings.depth = 1").await;
    run(&one, "SET other.depth = 2").await;
    run(&two, "SET settings.depth = 11").await;
    let sql = "SELECT shown() || ' ' || other_shown() AS text";
    let text = |depth, other| format!("NFC {depth} 0 0.5 true plain none / - - / {other}");
    for _ in 0..3 {
        assert_eq!(values(&one, sql).await, text(1, 2));
        assert_eq!(values(&two, sql).await, text(11, 100));
    }
    // At the same time, on many threads.
    let tasks = (0..64).map(|turn| {
        let context = if turn % 2 == 0 { &one } else { &two };
        let context = context.clone();
        tokio::spawn(async move { values(&context, sql).await })
    });
    for (turn, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        let expected = if turn % 2 == 0 {
            text(1, 2)
        } else {
            text(11, 100)
        };
        assert_eq!(task.await.unwrap(), expected);
    }
}

/// Under the names that `SET` knows; DataFusion's own macro leaves the namespace out.
#[tokio::test(flavor = "multi_thread")]
async fn values_are_shown() {
    let context = loaded();
    run(&context, "SET settings.depth = 7").await;
    let shown = rows(&context, "SHOW settings.depth").await.unwrap();
    assert!(shown.contains("| settings.depth | 7     |"), "{shown}");
    let sql = "SELECT name || '=' || coalesce(value, 'NULL') || '=' || description \
               FROM information_schema.df_settings \
               WHERE name LIKE 'settings.%' OR name LIKE 'other.%' ORDER BY name";
    assert_eq!(
        values(&context, sql).await,
        "other.depth=100=How deep the other one looks\n\
         settings.depth=7=How deep to look\n\
         settings.form=NFC=NFC or NFD\n\
         settings.label=plain=What to call it\n\
         settings.limit=NULL=At most so many\n\
         settings.ratio=0.5=Part of the whole\n\
         settings.shift=0=How far to shift\n\
         settings.strict=true=Whether to refuse what is doubtful"
    );
    let all = rows(&context, "SHOW ALL").await.unwrap();
    assert!(all.contains("| other.depth "), "{all}");
    let unknown = error(&context, "SHOW settings.no_such_key").await;
    assert!(unknown.contains("is not a variable"), "{unknown}");
}
