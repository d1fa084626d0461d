//! What the tests build for themselves.

use std::env;

use plugin_tests::plugins::plugin;

#[test]
fn plugins_are_built_beside_the_tests() {
    let library = plugin("fixture-no-plugin");
    assert!(library.is_file(), "{}", library.display());
    let profile = library.parent().unwrap();
    assert!(
        env::current_exe().unwrap().starts_with(profile),
        "{}",
        library.display()
    );
}

#[test]
#[should_panic(expected = "the workspace has no plugin crate `fixture-none`")]
fn an_unknown_plugin_is_named() {
    plugin("fixture-none");
}
