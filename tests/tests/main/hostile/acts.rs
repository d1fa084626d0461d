//! Plugins that meddle with their process.

use std::{env, fs, path::PathBuf, thread, time::Duration};

use datafusion::{arrow::array::AsArray, arrow::datatypes::Int64Type, prelude::SessionContext};
use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::plugin;

use super::{alone, failure, rows, run_alone};

fn context() -> SessionContext {
    let host = PluginHost::builder().plugin_file(plugin("fixture-hostile"));
    let context = SessionContext::new();
    host.load().unwrap().install(&context);
    context
}

fn sql(what: &str) -> String {
    format!("select hostile.act('{what}', x) from (values (1), (2)) v(x)")
}

/// What an act tells.
async fn count(context: &SessionContext, what: &str) -> i64 {
    let batches = context.sql(&sql(what)).await.unwrap();
    let batches = batches.collect().await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

async fn healthy(context: &SessionContext) {
    let found = rows(context, &sql("nothing")).await.unwrap();
    assert!(found.contains('1') && found.contains('2'), "{found}");
}

/// The thread runs in the plugin's code after the query, the session and the host are gone: the library stays
/// mapped.
#[tokio::test]
async fn a_thread_outlives_the_query() {
    let context = context();
    rows(&context, &sql("thread")).await.unwrap();
    drop(context);
    let later = self::context();
    let mut tries = 0..200;
    while count(&later, "threads").await == 0 {
        assert!(tries.next().is_some());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    healthy(&later).await;
}

/// A scalar function is called outside of the plugin's runtime: tokio panics, and that is an error.
#[tokio::test]
async fn timers_and_sockets_without_a_reactor_are_errors() {
    let context = context();
    for what in ["timer", "socket"] {
        let message = failure(&context, &sql(what)).await;
        for part in [
            "plugin 'hostile'",
            "'act'",
            "panic in invoke",
            "no reactor running",
        ] {
            assert!(message.contains(part), "{what}: {part}: {message}");
        }
        healthy(&context).await;
    }
}

/// A thread of the host's ends, and with it a value of the plugin's that allocates in its destructor.
#[test]
fn thread_locals_are_destroyed_with_the_hosts_threads() {
    let block_on = |what: &'static str| {
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(async { count(&context(), what).await })
        });
        thread.join().unwrap()
    };
    block_on("thread_local");
    assert!(block_on("thread_locals") >= 2);
}

/// The hook is that of the plugin's copy of the standard library. Panics are contained, and the host's own hook stays.
#[test]
fn a_panic_hook_is_the_plugins_own() {
    run_alone("main::hostile::acts::hooks_in_a_child");
}

#[tokio::test]
async fn hooks_in_a_child() {
    if !alone() {
        return;
    }
    let context = context();
    rows(&context, &sql("hook")).await.unwrap();
    let message = failure(&context, &sql("panic")).await;
    for part in ["plugin 'hostile'", "'act'", "deliberate"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(count(&context, "hooks").await >= 1);
    let before = count(&context, "hooks").await;
    // The test's own panic is not the plugin's to see.
    std::panic::set_hook(Box::new(|_| {}));
    assert!(std::panic::catch_unwind(|| panic!("the host's")).is_err());
    assert_eq!(count(&context, "hooks").await, before);
    healthy(&context).await;
}

/// The directory is the process's. What the host has loaded it keeps; paths in SQL are the application's to resolve.
#[test]
fn another_working_directory_does_not_harm_what_is_loaded() {
    run_alone("main::hostile::acts::directory_in_a_child");
}

#[tokio::test]
async fn directory_in_a_child() {
    if !alone() {
        return;
    }
    let (context, home) = (context(), env::current_dir().unwrap());
    let folder = tempfile::tempdir_in(home).unwrap();
    let copy = folder.path().join("copy.so");
    fs::copy(plugin("datafusion-plugin-example"), &copy).unwrap();
    rows(&context, &sql("directory")).await.unwrap();
    assert_eq!(env::current_dir().unwrap(), PathBuf::from("/"));
    healthy(&context).await;
    PluginHost::builder().plugin_file(copy).load().unwrap();
}

#[cfg(unix)]
#[test]
fn a_signal_handler_does_not_harm_the_host() {
    run_alone("main::hostile::acts::handler_in_a_child");
}

#[cfg(unix)]
#[tokio::test]
async fn handler_in_a_child() {
    if !alone() {
        return;
    }
    let context = context();
    rows(&context, &sql("handler")).await.unwrap();
    rows(&context, &sql("raise")).await.unwrap();
    assert!(count(&context, "signals").await >= 1);
    healthy(&context).await;
}

/// Memory of an allocator that no other can free crosses in both directions: texts of errors, names, arrays.
#[tokio::test]
async fn an_allocator_of_its_own() {
    let context = context();
    for _ in 0..20 {
        healthy(&context).await;
        let message = failure(&context, &sql("no act")).await;
        assert!(message.contains("'no act' is no act"), "{message}");
    }
}
