//! What a plugin says that it exports, before anything is made of it.

use std::collections::HashSet;

use datafusion_plugin_api::abi::message::{
    Exports, FunctionDescriptor, PlannerDescriptor, RuleStage,
};

/// The longest description, in bytes: documentation of some thousand functions.
pub(crate) const MAX_DESCRIPTION: usize = 16 << 20;
/// The most that one plugin exports, of all kinds together.
const MAX_EXPORTS: usize = 10_000;
/// The longest name, in bytes.
const MAX_NAME: usize = 256;

/// Checks numbers and names: names are written into logs, plans and terminals, and kept in many places.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn check_exports(exports: &Exports) -> Result<(), String> {
    let kinds = names(exports);
    let count: usize = kinds.iter().map(|(_, names)| names.len()).sum();
    if count > MAX_EXPORTS {
        return Err(format!(
            "exports {count} items, at most {MAX_EXPORTS} are taken"
        ));
    }
    for (kind, names) in kinds {
        let mut known = HashSet::new();
        for name in names {
            check_name(name).map_err(|problem| format!("exports a {kind} {problem}"))?;
            if !known.insert(name) {
                return Err(format!("exports the {kind} '{name}' twice"));
            }
        }
    }
    let functions = exports.scalar_functions.iter();
    let functions = functions
        .chain(&exports.aggregate_functions)
        .chain(&exports.window_functions);
    for FunctionDescriptor {
        name,
        aliases,
        batch_size,
        ..
    } in functions
    {
        for alias in aliases {
            let check = check_name(alias);
            check.map_err(|problem| format!("exports '{name}' with an alias {problem}"))?;
        }
        if *batch_size == Some(0) {
            return Err(format!(
                "exports '{name}', to be called with batches of no rows"
            ));
        }
    }
    Ok(())
}

/// The names of each kind.
fn names(exports: &Exports) -> Vec<(&'static str, Vec<&str>)> {
    fn of<T>(exports: &[T], name: fn(&T) -> &String) -> Vec<&str> {
        exports.iter().map(|export| name(export).as_str()).collect()
    }
    let functions = |functions| of(functions, |function: &FunctionDescriptor| &function.name);
    let planners = |planners| of(planners, |planner: &PlannerDescriptor| &planner.name);
    let plain = |names| of(names, |name: &String| name);
    let rules = |stage| {
        let rules = exports.rules.iter().filter(|rule| rule.stage == stage);
        rules.map(|rule| rule.name.as_str()).collect()
    };
    vec![
        ("scalar function", functions(&exports.scalar_functions)),
        (
            "aggregate function",
            functions(&exports.aggregate_functions),
        ),
        ("window function", functions(&exports.window_functions)),
        (
            "table function",
            of(&exports.table_functions, |function| &function.name),
        ),
        ("table", plain(&exports.tables)),
        ("table factory", plain(&exports.table_factories)),
        ("catalog", plain(&exports.catalogs)),
        ("relation planner", planners(&exports.relation_planners)),
        ("expression planner", planners(&exports.expression_planners)),
        ("type planner", planners(&exports.type_planners)),
        ("policy", plain(&exports.policies)),
        ("analyzer rule", rules(RuleStage::Analyzer)),
        ("optimizer rule", rules(RuleStage::Optimizer)),
        ("physical optimizer rule", rules(RuleStage::Physical)),
        ("function factory", plain(&exports.function_factories)),
    ]
}

/// What is wrong with a name, told without it where it would do harm.
fn check_name(name: &str) -> Result<(), String> {
    // Marks and overrides of writing direction let a name look like another.
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if name.is_empty() {
        Err("without a name".to_owned())
    } else if name.len() > MAX_NAME {
        Err(format!(
            "with a name of {} bytes, at most {MAX_NAME} are taken",
            name.len()
        ))
    } else if name.contains(harmful) {
        Err(format!(
            "with control characters in its name: '{}'",
            name.escape_debug()
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_that_do_harm_are_refused() {
        for name in ["f", "st_asgeojson", "größe", "List<Item>", "a b", "n.m"] {
            check_name(name).unwrap();
        }
        for name in [
            "",
            "a\n",
            "\u{1b}[2J",
            "\0",
            "a\u{202e}b",
            "\u{200f}",
            "\u{2066}",
        ] {
            let problem = check_name(name).unwrap_err();
            assert!(!problem.contains(|c: char| c.is_control()), "{problem:?}");
        }
        assert!(check_name(&"n".repeat(MAX_NAME)).is_ok());
        assert!(check_name(&"n".repeat(MAX_NAME + 1)).is_err());
    }

    #[test]
    fn each_kind_has_names_of_its_own() {
        let names = || vec!["same".to_owned()];
        let mut exports = Exports {
            tables: names(),
            catalogs: names(),
            policies: names(),
            ..Exports::default()
        };
        check_exports(&exports).unwrap();
        exports.catalogs.push("same".to_owned());
        let problem = check_exports(&exports).unwrap_err();
        assert_eq!(problem, "exports the catalog 'same' twice");
        exports.catalogs = (0..=MAX_EXPORTS).map(|number| number.to_string()).collect();
        let problem = check_exports(&exports).unwrap_err();
        assert!(problem.contains("exports 10003 items"), "{problem}");
    }
}
