//! Who gets which bare name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, Preferred, report::BareName, session::Functions};
use crate::{
    import::imported::{Imported, ItemKind},
    tables,
};

/// Names of different kinds do not meet in SQL, so they do not clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Namespace {
    Functions,
    Tables,
    TableProviders,
    TableFactories,
    Catalogs,
    Planners,
}

impl Namespace {
    pub(super) fn of(kind: ItemKind) -> Self {
        match kind {
            ItemKind::Table => Self::Tables,
            ItemKind::TableProvider => Self::TableProviders,
            ItemKind::TableFactory => Self::TableFactories,
            ItemKind::Catalog => Self::Catalogs,
            ItemKind::RelationPlanner
            | ItemKind::ExprPlanner
            | ItemKind::TypePlanner
            | ItemKind::AnalyzerRule
            | ItemKind::OptimizerRule
            | ItemKind::PhysicalOptimizerRule
            | ItemKind::FunctionFactory
            | ItemKind::Options => Self::Planners,
            _ => Self::Functions,
        }
    }
}

/// The bare names that plugins export, and by which of them.
pub(super) struct Claims<'a> {
    by_name: BTreeMap<(Namespace, &'a str), BTreeSet<&'a str>>,
    /// Per plugin, the names that are no aliases: they win over aliases of the same plugin.
    primary: BTreeSet<(&'a str, Namespace, &'a str)>,
    preferred: &'a Preferred,
}

/// The names of one function.
pub(super) struct Decided {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) bare: BareName,
    pub(super) bare_aliases: Vec<String>,
}

impl<'a> Claims<'a> {
    pub(super) fn of(candidates: &[Candidate<'a>], preferred: &'a Preferred) -> Self {
        let mut by_name: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut primary = BTreeSet::new();
        for candidate in candidates {
            for function in candidate.functions {
                let namespace = Namespace::of(function.kind);
                primary.insert((candidate.plugin, namespace, function.name.as_str()));
                for name in std::iter::once(&function.name).chain(&function.aliases) {
                    by_name
                        .entry((namespace, name.as_str()))
                        .or_default()
                        .insert(candidate.plugin);
                }
            }
        }
        Self {
            by_name,
            primary,
            preferred,
        }
    }

    pub(super) fn decide(
        &self,
        session: &impl Functions,
        candidate: &Candidate<'_>,
        function: &Imported,
    ) -> Decided {
        let namespace = Namespace::of(function.kind);
        let bare = self.bare_name(session, candidate, function, &function.name);
        let bare_aliases: Vec<String> = function
            .aliases
            .iter()
            .filter(|alias| **alias != function.name)
            .filter(|alias| {
                !self
                    .primary
                    .contains(&(candidate.plugin, namespace, alias.as_str()))
            })
            .filter(|alias| {
                self.bare_name(session, candidate, function, alias)
                    .is_granted()
            })
            .cloned()
            .collect();
        let qualify = |name: &String| format!("{}.{name}", candidate.plugin);
        let qualified = std::iter::once(&function.name)
            .chain(&function.aliases)
            .map(qualify);
        let mut names: Vec<String> = Vec::new();
        if bare.is_granted() {
            names.push(function.name.clone());
        }
        for name in qualified.chain(bare_aliases.iter().cloned()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let name = names.remove(0);
        Decided {
            name,
            aliases: names,
            bare,
            bare_aliases,
        }
    }

    fn bare_name(
        &self,
        session: &impl Functions,
        candidate: &Candidate<'_>,
        function: &Imported,
        name: &str,
    ) -> BareName {
        let namespace = Namespace::of(function.kind);
        // Bare table names are the session's own, and nobody names planners.
        if matches!(namespace, Namespace::TableProviders | Namespace::Planners) {
            return BareName::Unused;
        }
        let others: Vec<String> = self
            .by_name
            .get(&(namespace, name))
            .into_iter()
            .flatten()
            .filter(|plugin| **plugin != candidate.plugin)
            .map(|plugin| (*plugin).to_owned())
            .collect();
        if !others.is_empty() {
            match self.preferred.get(name) {
                None => return BareName::Contested { with: others },
                Some(plugin) if plugin != candidate.plugin => {
                    return BareName::PreferredFrom {
                        plugin: plugin.clone(),
                    };
                }
                Some(_) => {}
            }
        }
        // The host's own table functions keep their names.
        if namespace == Namespace::Tables && tables::NAMES.contains(&name) {
            return BareName::Taken;
        }
        // What an earlier install of this very function put there does not count.
        let own = function.under(&function.name, &[]);
        if !session.is_taken(namespace, name, &own) {
            BareName::Granted
        } else if candidate.replace_builtins {
            BareName::Replaced
        } else {
            BareName::Taken
        }
    }
}
