//! Every function says what it is for.

use std::collections::BTreeSet;

use datafusion::{execution::FunctionRegistry, prelude::SessionContext};
use datafusion_codeanatomy::{Options, aggregate_functions, scalar_functions, window_functions};

use crate::{documented, rows, session};

#[test]
fn is_whole() {
    let documented = documented();
    assert_eq!(documented.len(), 43);
    for (name, documentation) in documented {
        let documentation = documentation.unwrap_or_else(|| panic!("{name} has none"));
        assert!(documentation.description.ends_with('.'), "{name}");
        assert!(documentation.syntax_example.starts_with(&name), "{name}");
        assert!(documentation.sql_example.is_some(), "{name} has no example");
        let arguments = documentation.arguments.unwrap_or_default();
        for (argument, text) in &arguments {
            assert!(
                documentation.syntax_example.contains(argument),
                "{name}: {argument}"
            );
            assert!(text.ends_with('.'), "{name}: {argument}");
        }
        let none = documentation.syntax_example.ends_with("()");
        assert_eq!(arguments.is_empty(), none, "{name}");
    }
}

/// Examples without a table run, and give what their comment says.
#[tokio::test]
async fn examples_are_true() {
    let context = session();
    let mut checked = 0;
    for (name, documentation) in documented() {
        let example = documentation.unwrap().sql_example.unwrap();
        let example = example
            .trim()
            .trim_start_matches("```sql")
            .trim_end_matches("```");
        let Some((sql, comment)) = example.split_once("; --") else {
            continue;
        };
        let found = rows(&context, sql).await.join("\n");
        let comment = comment.trim();
        if let Some(start) = comment.strip_suffix("...") {
            assert!(found.starts_with(start), "{name}: {found}");
        } else if !comment.starts_with("a ") {
            assert_eq!(found, comment, "{name}");
        }
        checked += 1;
    }
    assert!(checked >= 25, "{checked} examples");
}

/// Under these names a session finds DataFusion's functions unless the plugin may replace them.
#[test]
fn names_that_datafusion_has_are_in_the_readme() {
    let state = SessionContext::new().state();
    let mut names = BTreeSet::new();
    for function in scalar_functions(&Options::default()) {
        names.extend(function.aliases().iter().cloned());
        names.insert(function.name().to_owned());
    }
    names.extend(aggregate_functions().iter().map(|f| f.name().to_owned()));
    names.extend(window_functions().iter().map(|f| f.name().to_owned()));
    names.retain(|name| {
        let taken = [state.udfs(), state.udafs(), state.udwfs()];
        taken.iter().any(|taken| taken.contains(name))
    });
    let shared = [
        "array_compact",
        "arrow_metadata",
        "list_compact",
        "string_agg",
    ];
    assert!(names.iter().eq(&shared), "{names:?}");
    let readme = include_str!("../../../codeanatomy/README.md");
    for name in shared {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}
