//! `plugin-host inspect`

use super::{Folder, assert_no_control_characters, library, run, text};

#[test]
fn a_person_reads_functions_by_kind_once_packed() {
    let folder = Folder::new();
    let file = folder.copy("datafusion-plugin-example");
    let shown = run(&["inspect", text(&file)]).clean();
    assert!(
        shown.contains("'plugin-host pack' adds their description"),
        "{shown}"
    );
    run(&["pack", text(&file)]).clean();
    let shown = run(&["inspect", text(&file)]).clean();
    for part in [
        "example 0.1.0",
        "  One function of each kind, a table, a table factory, planners and a policy, to be copied",
        "  loadable    yes",
        "  scalar functions (2)\n    greet(name: Utf8)",
        "  async scalar functions (1)\n    slow_square(",
        "  aggregate functions (1)\n    geometric_mean(Float64)",
        "The n-th root of the product of n positive numbers: exp(avg(ln x)).",
        "  window functions (1)\n    run_length(",
        "  table functions (1)\n    series(start, stop)",
        "The whole numbers from start up to, not including, stop.",
        "  tables (1)\n    planets",
        "  table factories (STORED AS) (1)\n    SERIES",
        "  relation planners (2)\n    pivot\n    sample",
        "  type planners (1)\n    money",
        "  policies (1)\n    limits",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("pack"), "{shown}");
}

#[test]
fn function_factories_are_shown_and_packed() {
    let folder = Folder::new();
    let file = folder.copy("fixture-planner-plugin");
    run(&["pack", text(&file)]).clean();
    let shown = run(&["inspect", text(&file)]).clean();
    for part in [
        "function_factory (same-major)",
        "  function factories (CREATE FUNCTION) (3)\n    faulty\n    kinds\n    macros",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = run(&["inspect", "--json", text(&file)]).json();
    let packed = &json[0]["description"]["function_factories"];
    assert_eq!(packed, &serde_json::json!(["macros", "kinds", "faulty"]));
}

#[test]
fn session_options_are_shown_and_packed() {
    let folder = Folder::new();
    let file = folder.copy("fixture-settings-plugin");
    run(&["pack", text(&file)]).clean();
    let shown = run(&["inspect", text(&file)]).clean();
    for part in [
        "session_options",
        "  session options (SET) (7)\n    settings.depth = 3",
        "How deep to look",
        "settings.limit = none",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = run(&["inspect", "--json", text(&file)]).json();
    let packed = json[0]["description"]["options"].as_array().unwrap();
    let kinds = packed.iter().map(|option| {
        let text = |key: &str| option[key].as_str().unwrap();
        (text("name"), text("kind"))
    });
    let expected = [
        ("settings.form", "other"),
        ("settings.depth", "unsigned_integer"),
        ("settings.shift", "integer"),
        ("settings.ratio", "number"),
        ("settings.strict", "boolean"),
        ("settings.label", "text"),
        ("settings.limit", "unsigned_integer"),
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[test]
fn a_plugin_of_many_functions_fits_a_screen_unless_asked_in_full() {
    let folder = Folder::new();
    let file = folder.copy("datafusion-plugin-spark");
    run(&["pack", text(&file)]).clean();
    let path = text(&file);
    let description = run(&["inspect", "--json", path]).json()[0]["description"].take();
    let functions = description["functions"].as_array().unwrap();
    assert!(functions.len() > 90, "{}", functions.len());

    let brief = run(&["inspect", path]).clean();
    let full = run(&["inspect", "--full", path]).clean();
    assert!(brief.lines().count() < 45, "{brief}");
    assert!(
        brief
            .lines()
            .skip(1)
            .all(|line| line.chars().count() <= 100),
        "{brief}"
    );
    assert!(brief.contains("--full"), "{brief}");
    for function in functions {
        let name = function["name"].as_str().unwrap();
        assert!(brief.contains(name), "{name}: {brief}");
        let signature = function["signatures"][0].as_str().unwrap();
        assert!(
            full.contains(&format!("    {signature}")),
            "{signature}: {full}"
        );
    }
    // Alternatives and optional arguments are written as people write them.
    for signature in [
        "shuffle(array[, index])",
        "date_part(Utf8, timestamp|Date32)",
    ] {
        assert!(full.contains(signature), "{signature}: {full}");
    }
}

#[test]
fn the_exit_code_is_the_worst_of_all_files() {
    let folder = Folder::new();
    let good = folder.copy("datafusion-plugin-example");
    let ran = run(&["inspect", "--json", text(&good)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.json()[0].take();
    assert_eq!(report["path"], text(&good));
    assert_eq!(report["manifest"]["name"], "example");
    assert_eq!(report["loadable"], true);
    assert_eq!(report["reasons"], serde_json::json!([]));

    let no_plugin = folder.copy("fixture-no-plugin");
    let ran = run(&["inspect", text(&good), text(&no_plugin)]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains("no plugin"), "{ran:?}");

    folder.write(&library("words"), "words");
    let ran = run(&["inspect", "--json", folder.path()]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let reports = ran.json();
    let loadable = |report: &serde_json::Value| report["loadable"].as_bool().unwrap();
    let loadable: Vec<_> = reports.as_array().unwrap().iter().map(loadable).collect();
    assert_eq!(loadable, [true, false, false]);
}

#[test]
fn text_of_a_plugin_gives_a_terminal_no_orders() {
    let folder = Folder::new();
    let file = folder.copy("fixture-crashing");
    run(&["pack", text(&file)]).clean();
    for arguments in [
        &["inspect"][..],
        &["inspect", "--full"],
        &["inspect", "--json"],
    ] {
        let shown = run(&[arguments, &[text(&file)]].concat()).clean();
        assert!(shown.contains("the screen."), "{shown}");
        assert_no_control_characters(&shown);
    }
}
