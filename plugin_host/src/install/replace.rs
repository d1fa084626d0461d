//! Other versions of plugins in a session that has them.

mod displaced;
mod functions;
mod tables;

pub(super) use displaced::Displaced;
pub(super) use tables::VacantCatalog;

use std::{collections::BTreeSet, sync::Arc};

use datafusion::execution::SessionState;

use super::{
    Candidate, InstallReport, Preferred, factories, install, names::Namespace, planners, rules,
    session::Functions,
};
use crate::{
    import::{
        imported::{ItemKind, Named},
        options::SessionOptions,
        origin::Origin,
    },
    policy::plain,
};

/// The plugins that a session has against those that it is to have.
pub(crate) struct Replacement<'a> {
    /// Those that it has and that go.
    old: Vec<Candidate<'a>>,
    /// Those whose names are to be decided anew: the old ones, and such as share a name with what comes or goes.
    undecided: Vec<Candidate<'a>>,
    added: Vec<Candidate<'a>>,
    now: &'a [Candidate<'a>],
    /// The session has nothing yet, and takes what it can.
    first: bool,
    /// Whether prepared statements are to outlive it.
    keeps_prepared: bool,
}

/// A planner, rule or factory that goes, and what comes into its place.
pub(super) struct Swap {
    pub(super) old: Named,
    pub(super) new: Option<Named>,
}

impl Swap {
    /// What is to stand where `known` does, in a place for what `kind` picks; nothing where it goes without a
    /// successor.
    pub(super) fn of<T: ?Sized>(
        swaps: &[Self],
        known: &Arc<T>,
        kind: impl Fn(&Named) -> Option<Arc<T>>,
    ) -> Option<Arc<T>> {
        let is_old = |swap: &&Self| kind(&swap.old).is_some_and(|old| planners::same(&old, known));
        match swaps.iter().find(is_old) {
            Some(swap) => swap.new.as_ref().and_then(kind),
            None => Some(Arc::clone(known)),
        }
    }

    /// Does so in a list.
    pub(super) fn within<T: ?Sized>(
        swaps: &[Self],
        list: &mut Vec<Arc<T>>,
        kind: impl Fn(&Named) -> Option<Arc<T>>,
    ) {
        let known = std::mem::take(list);
        list.extend(
            known
                .iter()
                .filter_map(|known| Self::of(swaps, known, &kind)),
        );
    }
}

impl<'a> Replacement<'a> {
    pub(crate) fn new(had: &[Candidate<'a>], now: &'a [Candidate<'a>]) -> Self {
        fn without<'a>(all: &[Candidate<'a>], others: &[Candidate<'a>]) -> Vec<Candidate<'a>> {
            let is_other = |one: &Candidate<'a>| others.iter().any(|other| one.is_same(other));
            all.iter().filter(|one| !is_other(one)).copied().collect()
        }
        let (old, added) = (without(had, now), without(now, had));
        let changed = old.iter().chain(&added).flat_map(names);
        let changed: BTreeSet<_> = changed.collect();
        let shares = |kept: &&Candidate<'a>| names(kept).any(|name| changed.contains(&name));
        let kept = without(had, &old);
        let shared = kept.iter().filter(shares);
        Self {
            undecided: old.iter().chain(shared).copied().collect(),
            old,
            added,
            now,
            first: had.is_empty(),
            keeps_prepared: true,
        }
    }

    /// For a state in which nobody executes statements by their name.
    pub(crate) fn without_prepared(mut self) -> Self {
        self.keeps_prepared = false;
        self
    }

    fn is_undecided(&self, origin: &Origin) -> bool {
        let mut undecided = self.undecided.iter();
        undecided.any(|candidate| Arc::ptr_eq(candidate.activated, origin.plugin()))
    }

    /// Whether a plugin whose names are decided anew exports something by this name. What its function factory
    /// made has the names that statements gave, and stays.
    fn exported(&self, name: &str) -> bool {
        let mut undecided = self.undecided.iter();
        undecided.any(|candidate| {
            let bare = match name.strip_prefix(candidate.plugin) {
                Some(rest) => rest.strip_prefix('.').unwrap_or(name),
                None => name,
            };
            names(candidate).any(|(_, known)| known == name || known == bare)
        })
    }

    /// DataFusion wraps async functions, and hands what it wraps to nobody.
    fn is_undecided_async(
        &self,
        name: &str,
        udf: &Arc<datafusion::logical_expr::ScalarUDF>,
    ) -> bool {
        let candidates = self.undecided.iter();
        let functions = candidates.flat_map(|candidate| candidate.functions);
        let mut functions = functions.filter(|function| function.kind == ItemKind::AsyncScalar);
        functions.any(|function| {
            let named = function.under(name, &[]);
            named
                .iter()
                .any(|old| matches!(old, Named::Scalar(old) if old == udf))
        })
    }

    fn swaps(&self) -> Vec<Swap> {
        let new = nameless(&self.added);
        let swap = |old: Named| Swap {
            new: new.iter().find(|new| new.succeeds(&old)).cloned(),
            old,
        };
        nameless(&self.old).into_iter().map(swap).collect()
    }
}

fn names<'a>(candidate: &Candidate<'a>) -> impl Iterator<Item = (Namespace, &'a str)> {
    candidate.functions.iter().flat_map(|function| {
        let names = std::iter::once(&function.name).chain(&function.aliases);
        names.map(|name| (Namespace::of(function.kind), name.as_str()))
    })
}

/// Everything of these plugins, each under its own name.
fn each<'a>(candidates: &[Candidate<'a>]) -> impl Iterator<Item = (&'a str, Named)> {
    candidates.iter().flat_map(|candidate| {
        let named = candidate
            .functions
            .iter()
            .flat_map(|function| function.under(&function.name, &[]));
        named.map(|named| (candidate.plugin, named))
    })
}

/// Planners, rules and factories.
fn nameless(candidates: &[Candidate<'_>]) -> Vec<Named> {
    let named = each(candidates).map(|(_, named)| named);
    named.filter(Named::is_nameless).collect()
}

/// Takes out the options of plugins that have none any more; with others come what the session had set.
fn remove_options(state: &mut SessionState, replacement: &Replacement<'_>) {
    let kept: BTreeSet<_> = options(&replacement.added).collect();
    let mut gone = options(&replacement.old).filter(|plugin| !kept.contains(plugin));
    if let Some(first) = gone.next() {
        let config = state.config_mut().options_mut();
        for plugin in std::iter::once(first).chain(gone) {
            SessionOptions::remove(config, plugin);
        }
    }
}

/// The plugins among these that have session options.
fn options<'a>(candidates: &[Candidate<'a>]) -> impl Iterator<Item = &'a str> {
    each(candidates)
        .filter_map(|(plugin, named)| matches!(named, Named::Options(_)).then_some(plugin))
}

/// Replaces plugins in a live session, which the caller holds locked.
///
/// # Errors
/// Why the session cannot be changed; it is as before then.
pub(crate) fn replace(
    state: &mut SessionState,
    replacement: &Replacement<'_>,
    preferred: &Preferred,
) -> Result<InstallReport, String> {
    let swaps = replacement.swaps();
    let exchanged =
        |swap: &Swap| !matches!(swap.old, Named::FunctionFactory(_)) && state.has(&swap.old);
    let exchanged = swaps.iter().any(exchanged);
    let new = nameless(&replacement.added);
    let mut new = new.iter().filter(|new| !state.has(new));
    // Policies decide on what the other rules leave.
    let before_policies = |new: &Named| matches!(new, Named::Rule(_)) && plain::is_guarded(state);
    let rebuilt = exchanged || new.any(|new| state.is_rebuilt_for(new) || before_policies(new));
    let keeps = replacement.keeps_prepared && !replacement.first;
    if keeps && rebuilt && state.has_prepared_statements() {
        return Err(format!(
            "session {} has prepared statements, which it would lose with the planners and rules that are \
             replaced",
            state.session_id()
        ));
    }
    functions::remove(state, replacement);
    remove_options(state, replacement);
    tables::remove(state, replacement);
    tables::exchange(state, replacement);
    factories::exchange(state, &swaps);
    if exchanged {
        planners::exchange(state, &swaps);
    }
    let report = install(state, replacement.now, preferred);
    tables::vacate_catalogs(state, replacement);
    rules::policies_last(state);
    Ok(report)
}
