//! What changed between two descriptions, and what queries could have relied on.

use std::collections::{BTreeMap, BTreeSet};

use datafusion_plugin_api::abi::manifest::{CapabilityKind, Manifest};
use serde::Serialize;

use super::{Description, signature::covers};

/// What changed from one plugin to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Name and version, where they differ: old and new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<(String, String)>,
    /// The plugin's name, where it changed: old and new. All qualified names are gone with the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed: Option<(String, String)>,
    /// Kinds of capabilities that came in.
    pub capabilities_added: Vec<String>,
    /// Kinds of capabilities that are gone.
    pub capabilities_removed: Vec<String>,
    /// Items that came in, as `kind name`.
    pub added: Vec<String>,
    /// Items that are gone.
    pub removed: Vec<String>,
    /// Items that are not what they were.
    pub changed: Vec<ChangedItem>,
}

/// An item that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChangedItem {
    /// The item, as `kind name`.
    pub item: String,
    /// What changed, without harm to a query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What a query could have relied on, and is gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

/// An item as compared.
#[derive(Default)]
struct Facts<'a> {
    /// Of a function: its kind and its name.
    function: Option<(&'a str, &'a str)>,
    aliases: BTreeSet<&'a str>,
    signatures: Vec<&'a str>,
    volatility: &'a str,
    syntax: Option<&'a str>,
}

impl Difference {
    /// From an old plugin to a new one.
    pub fn of(old: (&Manifest, &Description), new: (&Manifest, &Description)) -> Self {
        let title = |manifest: &Manifest| format!("{} {}", manifest.name, manifest.version);
        let plugin = (title(old.0), title(new.0));
        let kinds = |manifest: &Manifest| -> BTreeSet<String> {
            let kinds = manifest.capabilities.iter();
            kinds
                .map(|capability| capability.kind.name().to_owned())
                .collect()
        };
        let (old_kinds, new_kinds) = (kinds(old.0), kinds(new.0));
        let names = (&old.0.name, &new.0.name);
        let renamed = (names.0 != names.1).then(|| (names.0.clone(), names.1.clone()));
        let (old, new) = (facts(old.1), facts(new.1));
        let added = new.keys().filter(|item| !old.contains_key(*item));
        let removed = old
            .iter()
            .filter(|(item, before)| successor(item, before, &new).is_none());
        Self {
            plugin: (plugin.0 != plugin.1).then_some(plugin),
            renamed,
            capabilities_added: new_kinds.difference(&old_kinds).cloned().collect(),
            capabilities_removed: old_kinds.difference(&new_kinds).cloned().collect(),
            added: added.cloned().collect(),
            removed: removed.map(|(item, _)| item.clone()).collect(),
            changed: old
                .iter()
                .filter_map(|(item, before)| changed(item, before, successor(item, before, &new)?))
                .collect(),
        }
    }

    /// Whether something is gone that a query could have relied on.
    pub fn breaks(&self) -> bool {
        let kinds = self.capabilities_removed.iter();
        self.renamed.is_some()
            || !self.removed.is_empty()
            || kinds
                .map(|kind| CapabilityKind::from_name(kind))
                .any(|kind| matters(&kind))
            || self.changed.iter().any(|item| !item.gone.is_empty())
    }
}

impl<'a> Facts<'a> {
    /// A function's name; empty for other items.
    fn name(&self) -> &'a str {
        self.function.map_or("", |(_, name)| name)
    }
}

/// Whether queries rely on a kind of capability beyond its items, which are compared one by one.
fn matters(kind: &CapabilityKind) -> bool {
    // How fast an answer comes is not compared either.
    !matches!(
        kind,
        CapabilityKind::ScalarFunctionSimplify
            | CapabilityKind::ScalarFunction
            | CapabilityKind::AsyncScalarFunction
            | CapabilityKind::AggregateFunction
            | CapabilityKind::WindowFunction
            | CapabilityKind::TableFunction
            | CapabilityKind::TableProvider
            | CapabilityKind::TableProviderFactory
            | CapabilityKind::CatalogProvider
            | CapabilityKind::RelationPlanner
            | CapabilityKind::ExprPlanner
            | CapabilityKind::TypePlanner
            | CapabilityKind::Policy
            | CapabilityKind::AnalyzerRule
            | CapabilityKind::OptimizerRule
            | CapabilityKind::PhysicalOptimizerRule
            | CapabilityKind::FunctionFactory
            | CapabilityKind::SessionOptions
    )
}

/// By `kind name`.
fn facts(description: &Description) -> BTreeMap<String, Facts<'_>> {
    let functions = description.functions.iter().map(|entry| {
        // How a scalar function is called does not depend on whether it is async.
        let kind = match entry.kind.as_str() {
            "async_scalar" => "scalar",
            kind => kind,
        };
        let facts = Facts {
            function: Some((kind, entry.name.as_str())),
            aliases: entry.aliases.iter().map(String::as_str).collect(),
            signatures: entry.signatures.iter().map(String::as_str).collect(),
            volatility: &entry.volatility,
            syntax: None,
        };
        (format!("{kind} function {}", entry.name), facts)
    });
    let table_functions = description.table_functions.iter().map(|entry| {
        let facts = Facts {
            syntax: entry.syntax.as_deref(),
            ..Facts::default()
        };
        (format!("table function {}", entry.name), facts)
    });
    let others = description.named().into_iter().flat_map(|(kind, names)| {
        let names = names.iter();
        names.map(move |name| (format!("{kind} {name}"), Facts::default()))
    });
    let options = description.options.iter();
    let options = options.map(|option| (format!("option {}", option.name), Facts::default()));
    let others = others.chain(options);
    functions.chain(table_functions).chain(others).collect()
}

/// What answers to the name of an old item: the item itself, or a function of its kind that has the name as an alias.
fn successor<'a, 'b>(
    item: &str,
    before: &Facts<'_>,
    new: &'b BTreeMap<String, Facts<'a>>,
) -> Option<&'b Facts<'a>> {
    let aliased = || {
        let (kind, name) = before.function?;
        new.values().find(|after| {
            after.function.is_some_and(|(other, _)| other == kind) && after.aliases.contains(name)
        })
    };
    new.get(item).or_else(aliased)
}

fn changed(item: &str, old: &Facts<'_>, new: &Facts<'_>) -> Option<ChangedItem> {
    let (mut changes, mut gone) = (Vec::new(), Vec::new());
    let (was, is) = (old.name(), new.name());
    if was != is {
        changes.push(format!("an alias of {is}"));
    }
    for alias in old.aliases.difference(&new.aliases) {
        if *alias != is {
            gone.push(format!("alias {alias}"));
        }
    }
    for alias in new.aliases.difference(&old.aliases) {
        if *alias != was {
            changes.push(format!("new alias {alias}"));
        }
    }
    // Under the old name, as the name stands before the arguments.
    let renamed = |text: &&str| match text.strip_prefix(is) {
        Some(arguments) => format!("{was}{arguments}"),
        None => (*text).to_owned(),
    };
    let signatures: Vec<_> = new.signatures.iter().map(renamed).collect();
    for signature in &old.signatures {
        if !signatures.iter().any(|by| covers(by, signature)) {
            gone.push(format!("signature {signature}"));
        }
    }
    for signature in &signatures {
        if !old.signatures.contains(&signature.as_str()) {
            changes.push(format!("new signature {signature}"));
        }
    }
    if old.volatility != new.volatility {
        changes.push(format!("{}, was {}", new.volatility, old.volatility));
    }
    if old.syntax != new.syntax {
        let text = |syntax: Option<&str>| syntax.unwrap_or("not told").to_owned();
        changes.push(format!(
            "syntax {}, was {}",
            text(new.syntax),
            text(old.syntax)
        ));
    }
    (!changes.is_empty() || !gone.is_empty()).then(|| ChangedItem {
        item: item.to_owned(),
        changes,
        gone,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::artifact::tests::library::Library;

    fn manifest(version: &'static str) -> Manifest {
        let artifact =
            crate::artifact::Artifact::from_bytes(&Library::with("version", version).elf());
        artifact.unwrap().manifest().clone()
    }

    fn description(json: serde_json::Value) -> Description {
        serde_json::from_value(json).unwrap()
    }

    fn function(name: &str, signatures: &[&str], aliases: &[&str]) -> serde_json::Value {
        json!({"name": name, "kind": "scalar", "volatility": "immutable",
               "signatures": signatures, "aliases": aliases})
    }

    fn difference(old: serde_json::Value, new: serde_json::Value) -> Difference {
        let (one, two) = (manifest("1.0.0"), manifest("1.0.0"));
        Difference::of((&one, &description(old)), (&two, &description(new)))
    }

    #[test]
    fn what_is_the_same_does_not_differ() {
        let all = json!({"functions": [function("f", &["f(Int32)"], &["g"])], "tables": ["t"]});
        let same = difference(all.clone(), all);
        assert_eq!(same, Difference::default());
        assert!(!same.breaks());
    }

    #[test]
    fn what_comes_in_breaks_nothing() {
        let old = json!({"functions": [function("f", &["f(Int32)"], &[])]});
        let new = json!({
            "functions": [function("f", &["f(Int32|Int64[, Utf8])"], &["g"]), function("h", &[], &[])],
            "tables": ["t"], "policies": ["p"],
        });
        let more = difference(old, new);
        assert_eq!(
            more.added,
            ["policy p", "scalar function h", "table provider t"]
        );
        assert_eq!(
            more.changed[0].changes,
            ["new alias g", "new signature f(Int32|Int64[, Utf8])"]
        );
        assert!(!more.breaks(), "{more:?}");
    }

    #[test]
    fn what_is_gone_breaks() {
        let full = || {
            json!({
                "functions": [function("f", &["f(Int32)", "f(Utf8, Utf8)"], &["g"])],
                "table_functions": [{"name": "s", "syntax": "s(a)"}],
                "tables": ["t"], "analyzer_rules": ["r"],
            })
        };
        for (path, value, what) in [
            ("/functions", json!([]), "scalar function f"),
            ("/table_functions", json!([]), "table function s"),
            ("/tables", json!([]), "table provider t"),
            ("/analyzer_rules", json!([]), "analyzer rule r"),
        ] {
            let mut less = full();
            *less.pointer_mut(path).unwrap() = value;
            let less = difference(full(), less);
            assert_eq!(less.removed, [what]);
            assert!(less.breaks());
        }
        for (path, value, what) in [
            ("/functions/0/aliases", json!([]), "alias g"),
            (
                "/functions/0/signatures",
                json!(["f(Int32)"]),
                "signature f(Utf8, Utf8)",
            ),
        ] {
            let mut less = full();
            *less.pointer_mut(path).unwrap() = value;
            let less = difference(full(), less);
            assert_eq!(less.changed[0].gone, [what]);
            assert!(less.breaks());
        }
    }

    #[test]
    fn a_function_that_keeps_its_old_name_as_an_alias_is_not_gone() {
        let functions = |list: serde_json::Value| json!({"functions": list});
        let old = || functions(json!([function("f", &["f(Int32)"], &["g", "h"])]));
        let new = functions(json!([function("g", &["g(Int32|Int64)"], &["f", "h"])]));
        let renamed = difference(old(), new);
        assert_eq!((renamed.removed.len(), renamed.breaks()), (0, false));
        assert_eq!(renamed.added, ["scalar function g"]);
        assert_eq!(renamed.changed[0].item, "scalar function f");
        assert_eq!(
            renamed.changed[0].changes,
            ["an alias of g", "new signature f(Int32|Int64)"]
        );
        // What it takes must be there still, and so must its other names.
        let less = functions(json!([function("g", &["g(Utf8)"], &["f"])]));
        let less = difference(old(), less);
        assert_eq!(less.changed[0].gone, ["alias h", "signature f(Int32)"]);
        assert!(less.breaks());
        // A function of another kind is called otherwise.
        let mut other = function("g", &["g(Int32)"], &["f", "h"]);
        other["kind"] = "aggregate".into();
        let other = difference(old(), functions(json!([other])));
        assert_eq!(other.removed, ["scalar function f"]);
    }

    /// Guards that functions that became async, or do without `simplify`, are taken for what they are.
    #[test]
    fn a_kind_whose_items_are_there_still_breaks_nothing() {
        let exporting = |kinds: &[&'static str]| {
            let mut library = Library::default();
            library.records.retain(|(key, _)| *key != "capability");
            let kinds = kinds.iter().map(|kind| ("capability", *kind));
            library.records.extend(kinds);
            let artifact = crate::artifact::Artifact::from_bytes(&library.elf());
            artifact.unwrap().manifest().clone()
        };
        let functions = |kind: &str| {
            let mut function = function("f", &["f()"], &[]);
            function["kind"] = kind.into();
            description(json!({"functions": [function]}))
        };
        let plain = [
            "scalar_function:portable",
            "scalar_function_simplify:same-major",
        ];
        let (old, new) = (
            exporting(&plain),
            exporting(&["async_scalar_function:portable"]),
        );
        let (sync, later) = (functions("scalar"), functions("async_scalar"));
        let became = Difference::of((&old, &sync), (&new, &later));
        assert_eq!(
            became.capabilities_removed,
            ["scalar_function", "scalar_function_simplify"]
        );
        assert!(!became.breaks(), "{became:?}");
        // Without its function it is gone.
        let none = description(json!({}));
        assert!(Difference::of((&old, &sync), (&new, &none)).breaks());
        // What has no items of its own, and what is not known here.
        for kind in ["table_expressions:same-major", "later_kind:portable"] {
            let more = exporting(&[plain[0], plain[1], kind]);
            let less = Difference::of((&more, &sync), (&old, &sync));
            assert_eq!(less.capabilities_removed.len(), 1, "{less:?}");
            assert!(less.breaks(), "{less:?}");
        }
    }

    /// Every function answers to `plugin.function`.
    #[test]
    fn another_plugins_name_breaks() {
        let named = |name| {
            let artifact =
                crate::artifact::Artifact::from_bytes(&Library::with("name", name).elf());
            artifact.unwrap().manifest().clone()
        };
        let (one, two) = (named("one"), named("two"));
        let same = description(json!({"functions": [function("f", &["f()"], &[])]}));
        let renamed = Difference::of((&one, &same), (&two, &same));
        let expected = Some(("one".to_owned(), "two".to_owned()));
        assert_eq!(renamed.renamed, expected);
        assert!(renamed.breaks());
        assert!(!Difference::of((&one, &same), (&one, &same)).breaks());
    }

    #[test]
    fn another_version_and_volatility_are_told_of() {
        let (one, two) = (manifest("1.0.0"), manifest("1.1.0"));
        let mut new = json!({"functions": [function("f", &["f()"], &[])]});
        let old = description(new.clone());
        new["functions"][0]["volatility"] = "volatile".into();
        let changed = Difference::of((&one, &old), (&two, &description(new)));
        let title = |version: &str| format!("sample {version}");
        assert_eq!(changed.plugin, Some((title("1.0.0"), title("1.1.0"))));
        assert_eq!(changed.changed[0].changes, ["volatile, was immutable"]);
        assert!(!changed.breaks());
    }
}
