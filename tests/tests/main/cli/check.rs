//! `plugin-host check`

use plugin_tests::plugins::plugin;
use serde_json::Value;

use super::{Ran, assert_no_control_characters, command, run, text};

fn strings(values: &Value) -> Vec<&str> {
    let values = values.as_array().unwrap().iter();
    values.map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn nothing_is_found_in_a_good_plugin_whose_functions_are_all_called() {
    let file = plugin("datafusion-plugin-example");
    let report = run(&["check", "--json", text(&file)]);
    let report: Value = serde_json::from_str(&report.clean()).unwrap();
    assert_eq!(report["path"], text(&file));
    assert_eq!(
        (&report["plugin"], &report["ok"]),
        (&"example".into(), &true.into())
    );
    assert_eq!(report["findings"], serde_json::json!([]));
    let functions = report["functions"].as_array().unwrap();
    for (name, kind, arguments, null) in [
        ("example.greet", "scalar", &["Utf8"][..], "ok"),
        ("example.slow_square", "async_scalar", &["Float64"], "ok"),
        ("example.geometric_mean", "aggregate", &["Float64"], "ok"),
        (
            "example.series",
            "table",
            &["Int64", "Int64"],
            "series expects two integers",
        ),
    ] {
        let function = functions
            .iter()
            .find(|function| function["name"] == name)
            .unwrap();
        assert_eq!(function["kind"], kind);
        let call = &function["calls"][0];
        assert_eq!(strings(&call["arguments"]), arguments, "{function}");
        assert_eq!(call["one_row"], "ok", "{function}");
        assert!(call["null"].as_str().unwrap().contains(null), "{function}");
    }
    assert_eq!(functions.len(), 6);
    let tables = report["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0]["name"], "example.planets");
    assert_eq!(tables[0]["calls"][0]["one_row"], "ok");

    let shown = run(&["check", text(&file)]).clean();
    assert!(shown.contains("6 functions called"), "{shown}");
    assert!(shown.contains("1 table read"), "{shown}");
    assert!(shown.contains("nothing found"), "{shown}");
}

#[test]
fn a_factory_is_asked_for_a_function_which_is_called() {
    let file = plugin("fixture-planner-plugin");
    let report = run(&["check", "--json", text(&file)]);
    let report: Value = serde_json::from_str(&report.clean()).unwrap();
    assert_eq!(report["findings"], serde_json::json!([]));
    let factory = &report["functions"][0];
    assert_eq!(factory["kind"], "function_factory");
    assert_eq!(factory["name"], "planners.macros, kinds, faulty");
    let call = &factory["calls"][0];
    assert_eq!(
        (&call["empty"], &call["one_row"]),
        (&"ok".into(), &"ok".into())
    );
}

/// Each crash ends a process; what was found before and what comes behind it is still there.
#[test]
fn crashes_and_panics_are_findings_among_the_results() {
    let file = plugin("fixture-crashing");
    let ran = run(&["check", "--json", text(&file)]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{ran:?}");
    assert_no_control_characters(&ran.stdout);
    let report = ran.json();
    assert_eq!(report["ok"], false);
    let findings = strings(&report["findings"]);
    for (finding, parts) in findings.iter().zip([
        ["signal: 6", "calling crashing.aborts(Int64) on null input"],
        [
            "ended without its whole answer",
            "calling crashing.exits(Int64) on one-row input",
        ],
        ["panic in ", "crashing.panics(Int64) on null input"],
        ["panic in ", "crashing.broken_rows(Int64) on one-row input"],
    ]) {
        for part in parts {
            assert!(finding.contains(part), "{part}: {findings:#?}");
        }
    }
    assert_eq!(findings.len(), 4, "{findings:#?}");
    let functions = report["functions"].as_array().unwrap();
    let called: Vec<_> = functions
        .iter()
        .map(|function| {
            (
                function["name"].as_str().unwrap(),
                function["calls"][0]["one_row"] == "ok",
            )
        })
        .collect();
    assert_eq!(
        called,
        [
            ("crashing.fine", true),
            ("crashing.aborts", false),
            ("crashing.exits", false),
            ("crashing.panics", true),
            ("crashing.last", true),
            ("crashing.broken_rows", false),
        ]
    );

    let ran = run(&["check", text(&file)]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("a null"), "{ran:?}");
    assert_no_control_characters(&ran.stdout);
}

#[test]
fn a_crash_at_activation_is_a_finding() {
    let file = plugin("fixture-crashing");
    let mut command = command(&["check", "--json", text(&file)]);
    let ran = Ran::of(
        command
            .env("FIXTURE_CRASHING_ABORTS", "1")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = ran.json();
    let findings = strings(&report["findings"]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].contains("during: loading and activating"),
        "{findings:?}"
    );
}

#[test]
fn what_is_no_plugin_cannot_be_checked() {
    let file = plugin("fixture-no-plugin");
    for path in [text(&file), "/no/such/file"] {
        let ran = run(&["check", path]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.contains(path), "{ran:?}");
    }
}

#[test]
fn tables_of_catalogs_are_read() {
    let file = plugin("fixture-table-plugin");
    let report = run(&["check", "--json", text(&file)]).json();
    let tables = report["tables"].as_array().unwrap();
    let read = |name: &str| {
        let table = tables.iter().find(|table| table["name"] == name);
        table.unwrap()["calls"][0]["one_row"].clone()
    };
    assert_eq!(read("tables.books"), "ok");
    assert_eq!(read("library.stacks.maps"), "ok");
}
