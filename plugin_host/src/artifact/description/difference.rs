//! What changed between two descriptions, and what queries could have relied on.

use std::collections::{BTreeMap, BTreeSet};

use datafusion_plugin_api::abi::manifest::Manifest;
use serde::Serialize;

use super::{Description, signature::covers};

/// What changed from one plugin to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Name and version, where they differ: old and new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<(String, String)>,
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
        let (old, new) = (facts(old.1), facts(new.1));
        let only = |these: &BTreeMap<String, Facts<'_>>, those: &BTreeMap<String, Facts<'_>>| {
            let keys = these.keys().filter(|key| !those.contains_key(*key));
            keys.cloned().collect::<Vec<_>>()
        };
        Self {
            plugin: (plugin.0 != plugin.1).then_some(plugin),
            capabilities_added: new_kinds.difference(&old_kinds).cloned().collect(),
            capabilities_removed: old_kinds.difference(&new_kinds).cloned().collect(),
            added: only(&new, &old),
            removed: only(&old, &new),
            changed: old
                .iter()
                .filter_map(|(item, before)| changed(item, before, new.get(item)?))
                .collect(),
        }
    }

    /// Whether something is gone that a query could have relied on.
    pub fn breaks(&self) -> bool {
        !self.removed.is_empty()
            || !self.capabilities_removed.is_empty()
            || self.changed.iter().any(|item| !item.gone.is_empty())
    }
}

/// By `kind name`.
fn facts(description: &Description) -> BTreeMap<String, Facts<'_>> {
    let functions = description.functions.iter().map(|entry| {
        let facts = Facts {
            aliases: entry.aliases.iter().map(String::as_str).collect(),
            signatures: entry.signatures.iter().map(String::as_str).collect(),
            volatility: &entry.volatility,
            syntax: None,
        };
        // How a scalar function is called does not depend on whether it is async.
        let kind = match entry.kind.as_str() {
            "async_scalar" => "scalar",
            kind => kind,
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

fn changed(item: &str, old: &Facts<'_>, new: &Facts<'_>) -> Option<ChangedItem> {
    let (mut changes, mut gone) = (Vec::new(), Vec::new());
    for alias in old.aliases.difference(&new.aliases) {
        gone.push(format!("alias {alias}"));
    }
    for alias in new.aliases.difference(&old.aliases) {
        changes.push(format!("new alias {alias}"));
    }
    for signature in &old.signatures {
        if !new.signatures.iter().any(|by| covers(by, signature)) {
            gone.push(format!("signature {signature}"));
        }
    }
    for signature in &new.signatures {
        if !old.signatures.contains(signature) {
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
