//! Options in sessions, live and being built.

use datafusion::{
    common::{
        config::{ConfigExtension, DATAFUSION_FFI_CONFIG_NAMESPACE},
        extensions_options,
    },
    execution::SessionStateBuilder,
    prelude::SessionContext,
};
use datafusion_plugin_host::{ItemKind, LeftOut, PluginHost, Subject, config::Config};
use plugin_tests::plugins::plugin;

use super::{builder, host, loaded, other, rows, run, values};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_install_leaves_values_as_they_are() {
    let context = loaded();
    run(&context, "SET settings.depth = 5").await;
    assert!(host().install(&context).is_unchanged());
    let shown = values(&context, "SELECT shown() AS text").await;
    assert_eq!(shown, "NFC 5 0 0.5 true plain none / -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_being_built_has_them_too() {
    // With a configuration of its own, and with none yet.
    for builder in [
        builder(),
        SessionStateBuilder::new().with_default_features(),
    ] {
        let (builder, report) = host().install_into(builder);
        assert_eq!(report.left_out().count(), 0);
        let (builder, report) = host().install_into(builder);
        assert!(report.is_unchanged());
        let mut state = builder.build();
        // As applications set options.
        let options = state.config_mut().options_mut();
        options.set("settings.depth", "6").unwrap();
        let context = SessionContext::new_with_state(state);
        run(&context, "SET other.depth = 8").await;
        let shown = values(&context, "SELECT shown() || ' ' || other_shown() AS text").await;
        assert_eq!(shown, "NFC 6 0 0.5 true plain none / - - / 8");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_begin_with_what_activation_says() {
    let config = Config::parse("[plugins.settings.options]\ndepth = 11").unwrap();
    // Options need no grant.
    let host = PluginHost::builder()
        .plugin_file(plugin("fixture-settings-plugin"))
        .config(config)
        .load()
        .unwrap();
    let context = SessionContext::new_with_state(builder().build());
    host.install(&context);
    let text = |depth| format!("NFC {depth} 0 0.5 true plain none / -");
    assert_eq!(values(&context, "SELECT shown() AS text").await, text(11));
    run(&context, "SET settings.depth = 12").await;
    assert_eq!(values(&context, "SELECT shown() AS text").await, text(12));

    // Another activation of the plugin: what was set stays, what was not begins anew.
    run(&context, "SET settings.label = 'kept'").await;
    assert!(!super::host().install(&context).is_unchanged());
    let shown = values(&context, "SELECT settings.shown() AS text").await;
    assert_eq!(shown, "NFC 12 0 0.5 true kept none / -");
}

extensions_options! {
    /// What a host application has under the plugin's name.
    struct Hosts {
        /// Its own.
        pub depth: usize, default = 1
    }
}

impl ConfigExtension for Hosts {
    const PREFIX: &'static str = "settings";
}

extensions_options! {
    /// What stands where DataFusion looks for options of foreign libraries.
    struct Foreign {
        /// Its own.
        pub depth: usize, default = 1
    }
}

impl ConfigExtension for Foreign {
    const PREFIX: &'static str = DATAFUSION_FFI_CONFIG_NAMESPACE;
}

fn left_out(context: &SessionContext) -> Vec<(String, LeftOut)> {
    let report = host().install(context);
    let items = report.left_out().map(|item| {
        assert_eq!(item.kind, ItemKind::Options);
        (item.name.clone(), item.left_out.clone().unwrap())
    });
    items.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_an_extension_of_the_plugins_name() {
    let context = SessionContext::new_with_state(builder().build());
    let state = context.state_ref();
    let hosts = Hosts::default();
    state
        .write()
        .config_mut()
        .options_mut()
        .extensions
        .insert(hosts);
    let namespace = "settings".to_owned();
    let taken = LeftOut::NamespaceTaken { namespace };
    assert!(taken.to_string().contains("'settings'"), "{taken}");
    assert_eq!(left_out(&context), [("settings.options".to_owned(), taken)]);
    // The other plugin has its options, and this one all else, with its defaults.
    run(&context, "SET settings.depth = 9").await;
    run(&context, "SET other.depth = 2").await;
    let depth = |context: &SessionContext| {
        let state = context.state();
        state
            .config_options()
            .extensions
            .get::<Hosts>()
            .unwrap()
            .depth
    };
    assert_eq!(depth(&context), 9);
    let shown = values(&context, "SELECT other_shown() AS text").await;
    assert_eq!(shown, "- / 2");
    // Of the plugin's type there is none, so that it can tell.
    let shown = values(&context, "SELECT shown_depth() AS text").await;
    assert_eq!(shown, "- / -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_a_foreign_extension() {
    let context = SessionContext::new_with_state(builder().build());
    let state = context.state_ref();
    let foreign = Foreign::default();
    state
        .write()
        .config_mut()
        .options_mut()
        .extensions
        .insert(foreign);
    let expected = ["settings.options", "other.options"];
    let expected = expected.map(|name| (name.to_owned(), LeftOut::ForeignOptions));
    assert_eq!(left_out(&context), expected);
    run(&context, "SET datafusion_ffi.depth = 4").await;
    assert_eq!(values(&context, "SELECT shown() AS text").await, "- / -");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_session_has_values_of_its_own() {
    let context = loaded();
    run(&context, "SET settings.depth = 5").await;
    let guarded = host().guarded(&context, Subject::user("ann"));
    let shown = async |sql| {
        let query = guarded.sql(sql).await.unwrap();
        let batches = query.collect().await.unwrap();
        datafusion::arrow::util::pretty::pretty_format_batches(&batches)
            .unwrap()
            .to_string()
    };
    let before = shown("SELECT shown() AS text").await;
    assert!(before.contains("NFC 5 0"), "{before}");
    shown("SET settings.depth = 6").await;
    let after = shown("SELECT shown() AS text").await;
    assert!(after.contains("NFC 6 0"), "{after}");
    let refused = guarded.sql("SET settings.depth = 'x'").await.err().unwrap();
    assert!(refused.to_string().contains("cannot be set to 'x'"));
    let owner = rows(&context, "SELECT shown() AS text").await.unwrap();
    assert!(owner.contains("NFC 5 0"), "{owner}");
}

#[test]
fn options_bear_the_plugins_name() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = PluginHost::builder().plugin_file(other(&folder)).load();
    let error = loaded.err().unwrap().to_string();
    for part in ["'settings'", "'other'", "prefix"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
