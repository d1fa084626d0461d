#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::artifact::{Format, tests::library::Library};

/// The machine that the sample libraries are for.
fn host() -> HostIdentity {
    HostIdentity {
        format: Format::Elf,
        architecture: "x86_64".to_owned(),
        bits: 64,
        ..HostIdentity::current()
    }
}

fn verdict(library: &Library) -> Verdict {
    let artifact = Artifact::from_bytes(&library.elf()).unwrap();
    judge(&artifact, &host(), &JudgeOptions::default())
}

fn only_reason(library: &Library) -> String {
    let verdict = verdict(library);
    assert!(!verdict.loadable());
    assert_eq!(verdict.reasons.len(), 1, "{:?}", verdict.reasons);
    verdict.reasons[0].to_string()
}

#[test]
fn a_plugin_of_this_host_is_taken_whole() {
    let verdict = verdict(&Library::default());
    assert!(verdict.loadable());
    assert_eq!(verdict.granted.len(), 2);
    assert!(verdict.refused_capabilities.is_empty());
}

#[test]
fn each_mismatch_names_both_sides_and_a_way_out() {
    for (key, value, expected) in [
        ("contract", "2.0", ["2.0", "1.x", "rebuild"]),
        ("contract", "1.7", ["1.7", "at most 1.0", "update the host"]),
        ("contract", "0.9", ["0.9", "1.x", "rebuild"]),
        (
            "target",
            "riscv64gc-unknown-linux-gnu",
            ["riscv64gc", host().target.leak(), "get or build"],
        ),
        ("panic", "abort", ["abort", "unwind", "allow_panic_abort"]),
        (
            "panic",
            "immediate-abort",
            ["immediate-abort", "unwind", "rebuild"],
        ),
    ] {
        let reason = only_reason(&Library::with(key, value));
        for part in expected {
            assert!(reason.contains(part), "{key} = {value}: {reason}");
        }
    }
}

#[test]
fn panic_abort_is_taken_when_allowed() {
    let artifact = Artifact::from_bytes(&Library::with("panic", "abort").elf()).unwrap();
    let options = JudgeOptions::default().with_panic_abort(true);
    assert!(judge(&artifact, &host(), &options).loadable());
}

#[test]
fn another_datafusion_major_costs_only_same_major_capabilities() {
    let library = Library::with("datafusion", "54.0.0");
    let verdict = verdict(&library);
    assert!(verdict.loadable());
    let [granted] = &verdict.granted[..] else {
        panic!("{verdict:?}")
    };
    assert_eq!(granted.kind, CapabilityKind::ScalarFunction);
    let [(refused, reason)] = &verdict.refused_capabilities[..] else {
        panic!("{verdict:?}")
    };
    assert_eq!(refused.kind, CapabilityKind::ScalarFunctionSimplify);
    let reason = reason.to_string();
    for part in ["scalar_function_simplify", "54.0.0", &host().datafusion] {
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(verdict.all_reasons().count(), 1);
}

#[test]
fn another_datafusion_minor_costs_nothing() {
    let verdict = verdict(&Library::with("datafusion", "55.9.1"));
    assert_eq!(verdict.granted.len(), 2);
}

#[test]
fn an_unknown_capability_is_reported_and_refused() {
    let mut library = Library::default();
    library.records.push(("capability", "time_travel:portable"));
    let verdict = verdict(&library);
    assert!(verdict.loadable());
    assert_eq!(verdict.granted.len(), 2);
    assert!(matches!(
        &verdict.refused_capabilities[..],
        [(_, Refusal::UnknownCapability { kind, .. })] if kind == "time_travel"
    ));
}

#[test]
fn a_plugin_of_which_nothing_is_left_is_not_loaded() {
    let mut library = Library::with("datafusion", "54.0.0");
    library
        .records
        .retain(|(_, value)| *value != "scalar_function:portable");
    let reason = only_reason(&library);
    assert!(reason.contains("scalar_function_simplify"), "{reason}");
}

#[test]
fn a_manifest_that_lies_about_the_machine_is_found_out() {
    let artifact = Artifact::from_bytes(&Library::default().pe()).unwrap();
    let verdict = judge(&artifact, &host(), &JudgeOptions::default());
    let reason = verdict.reasons[0].to_string();
    assert!(
        reason.contains("PE for x86_64") && reason.contains("ELF for"),
        "{reason}"
    );
}

#[test]
fn several_reasons_are_all_given() {
    let mut library = Library::with("contract", "3.0");
    library.records.retain(|(key, _)| *key != "panic");
    library.records.push(("panic", "abort"));
    assert_eq!(verdict(&library).reasons.len(), 2);
}

/// The constants of the contract crate are what the workspace is built with.
#[test]
fn recorded_versions_are_those_of_the_lock_file() {
    use datafusion_plugin_api::abi::built_with;

    let lock = include_str!("../../../Cargo.lock");
    let locked = |name: &str| {
        let at = lock.find(&format!("\nname = \"{name}\"\n")).unwrap();
        let rest = lock[at..].split("version = \"").nth(1).unwrap();
        rest.split('"').next().unwrap()
    };
    assert_eq!(built_with::DATAFUSION, locked("datafusion-common"));
    assert_eq!(built_with::ARROW, locked("arrow"));
    assert_eq!(built_with::SQLPARSER, locked("sqlparser"));
    assert_eq!(built_with::DATAFUSION, datafusion::DATAFUSION_VERSION);
}
