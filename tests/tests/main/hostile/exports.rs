//! Plugins whose description of themselves lies.

use std::{
    env::consts::DLL_SUFFIX,
    fs,
    time::{Duration, Instant},
};

use datafusion_plugin_host::PluginHost;
use plugin_tests::plugins::plugin;

use super::{load, rows, session};

const LIES: &[(&str, &str)] = &[
    (
        "control_name",
        r"control characters in its name: 'clear\u{1b}[2J'",
    ),
    (
        "bidi_alias",
        r"an alias with control characters in its name: 'admin\u{202e}nimda'",
    ),
    (
        "long_name",
        "a name of 1048576 bytes, at most 256 are taken",
    ),
    ("empty_name", "exports a scalar function without a name"),
    ("twice", "exports the scalar function 'fine_text' twice"),
    ("endless_arguments", "a signature of more than 4096 parts"),
    ("unknown_type", "99"),
    ("no_batch", "batches of no rows"),
    ("phantom", "there is none"),
    ("huge_documentation", "bytes, at most 16777216 are taken"),
    ("many", "at most"),
    ("no_json", "cannot read a message"),
    ("nested_json", "cannot read a message"),
    ("other_json", "cannot read a message"),
    ("more_types", "a parcel of 1000 types with 1 fields"),
    ("type_without_end", "more than 64 levels"),
];

#[test]
fn descriptions_that_lie_are_refused() {
    for (lie, said) in LIES {
        let begun = Instant::now();
        let error = load(&format!("[plugins.raw.options]\ndescribe = '{lie}'"));
        let message = error.unwrap_err().to_string();
        for part in [said, "plugin 'raw'"] {
            assert!(message.contains(part), "{lie}: {part}: {message}");
        }
        assert!(message.len() < 4_096, "{lie}: {} bytes", message.len());
        let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!message.contains(harmful), "{lie}: {message:?}");
        // Bounded: what is refused is not looked at first.
        assert!(begun.elapsed() < Duration::from_secs(30), "{lie}");
    }
    // The same file, honest.
    load("").unwrap();
}

/// The manifest says contract 1.0; the types behind the entry are others.
#[test]
fn an_entry_of_another_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let spoil = |name: &str, from: &[u8], to: &[u8]| {
        let mut bytes = fs::read(plugin("fixture-raw")).unwrap();
        let starts: Vec<_> = places_of(&bytes, from).collect();
        assert!(!starts.is_empty() && from.len() == to.len(), "{name}");
        for start in starts {
            bytes[start..start + to.len()].copy_from_slice(to);
        }
        let copy = folder.path().join(format!("{name}{DLL_SUFFIX}"));
        fs::write(&copy, bytes).unwrap();
        PluginHost::builder().plugin_file(copy).load()
    };
    for (name, from, to) in [
        (
            "no_header",
            "abi stable library for Rust",
            "abi stable library for Lisp",
        ),
        ("other_type", "PluginInstanceVTable", "PluginInstanceWTable"),
    ] {
        let message = spoil(name, from.as_bytes(), to.as_bytes());
        let message = message.unwrap_err().to_string();
        for part in ["plugin 'raw'", "does not have the layout of the contract"] {
            assert!(message.contains(part), "{name}: {part}: {message}");
        }
    }
}

/// Where a text stands in bytes.
fn places_of<'a>(bytes: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let places = bytes.windows(text.len()).enumerate();
    places.filter_map(move |(start, window)| (window == text).then_some(start))
}

/// Where one of several lies nothing is loaded; once it is disabled, the others are.
#[tokio::test]
async fn others_are_loaded_once_it_is_disabled() {
    let config = |enabled| {
        format!("[plugins.raw]\nenabled = {enabled}\n[plugins.raw.options]\ndescribe = 'twice'")
    };
    let message = load(&config(true)).unwrap_err().to_string();
    assert!(message.contains("plugin 'raw'"), "{message}");
    assert!(!message.contains("example"), "{message}");
    let host = load(&config(false)).unwrap();
    let plugins = host.plugins();
    let names: Vec<_> = plugins.iter().map(|plugin| plugin.name()).collect();
    assert_eq!(names, ["example"]);
    let context = session(&host);
    let found = rows(&context, "select example.greet('Ada')").await.unwrap();
    assert!(found.contains("Hello, Ada!"), "{found}");
}
