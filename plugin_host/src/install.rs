//! Installing the functions of loaded plugins into a session: all of them or none, and again
//! without effect.

mod factories;
mod names;
mod options;
mod planners;
mod prepared;
mod qualified;
mod replace;
mod report;
mod rules;
mod session;

use std::{cell::LazyCell, collections::BTreeMap, sync::Arc};

use datafusion::execution::{SessionState, session_state::SessionStateBuilder};

use replace::Displaced;
pub(crate) use replace::{Replacement, replace};
pub use report::{BareName, InstallReport, InstalledItem, LeftOut, PluginReport};

use crate::{
    import::{
        imported::{Imported, Named},
        origin::Activated,
        table::whole_statements,
    },
    registry::RefusedCapability,
};
use names::Claims;
use planners::NewPlanners;
use rules::NewRules;
use session::{Building, Functions};

/// The functions of one plugin, and what its configuration lets it do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) functions: &'a [Imported],
    pub(crate) refused: &'a [RefusedCapability],
    pub(crate) replace_builtins: bool,
    pub(crate) activated: &'a Arc<Activated>,
}

impl Candidate<'_> {
    /// Whether both are the same activation of the same plugin.
    fn is_same(&self, other: &Candidate<'_>) -> bool {
        Arc::ptr_eq(self.activated, other.activated)
    }
}

/// Bare names that the configuration gives to one of several plugins.
pub(crate) type Preferred = BTreeMap<String, String>;

/// Installs into a live session's state, which the caller holds locked.
pub(crate) fn install(
    state: &mut SessionState,
    candidates: &[Candidate<'_>],
    preferred: &Preferred,
) -> InstallReport {
    let (report, registrations) = plan(state, candidates, preferred);
    let displaced = Displaced::by(state, &registrations);
    commit(state, registrations);
    displaced.add_to(state.config_mut());
    report
}

/// What an install would do in a session that cannot be changed now.
pub(crate) fn leave_out(
    state: &SessionState,
    candidates: &[Candidate<'_>],
    preferred: &Preferred,
) -> InstallReport {
    let (mut report, _) = plan(state, candidates, preferred);
    let items = report
        .plugins
        .iter_mut()
        .flat_map(|plugin| &mut plugin.items);
    for item in items.filter(|item| !item.unchanged) {
        item.left_out = Some(LeftOut::PreparedStatements);
    }
    report
}

/// Installs into a builder; what it builds has the functions.
pub(crate) fn install_into(
    mut builder: SessionStateBuilder,
    candidates: &[Candidate<'_>],
    preferred: &Preferred,
) -> (SessionStateBuilder, InstallReport) {
    let mut building = Building::take(&mut builder);
    let (report, registrations) = plan(&building, candidates, preferred);
    let displaced = Displaced::by(&building, &registrations);
    commit(&mut building, registrations);
    building.put_back(&mut builder);
    displaced.add_to(builder.config().get_or_insert_default());
    (builder, report)
}

/// Decides every name before anything changes; nothing after this can fail.
fn plan(
    session: &impl Functions,
    candidates: &[Candidate<'_>],
    preferred: &Preferred,
) -> (InstallReport, Vec<Named>) {
    let claims = Claims::of(candidates, preferred);
    let prepared = LazyCell::new(|| session.has_prepared_statements());
    let mut registrations = Vec::new();
    let mut plugins = Vec::new();
    for candidate in candidates {
        let mut items = Vec::new();
        for function in candidate.functions {
            let decided = claims.decide(session, candidate, function);
            let named = function.under(&decided.name, &decided.aliases);
            let new = named.into_iter().filter(|named| !session.has(named));
            let mut new: Vec<_> = new.collect();
            let unchanged = new.is_empty();
            let rebuilds = new.iter().any(|named| session.is_rebuilt_for(named));
            let left_out = new.iter().find_map(|named| session.leaves_out(named));
            let left_out =
                left_out.or_else(|| (rebuilds && *prepared).then_some(LeftOut::PreparedStatements));
            if let Some(reason) = &left_out {
                let (plugin, item) = (candidate.plugin, function.name.as_str());
                tracing::error!(plugin, item, %reason, "not installed");
                new.clear();
            }
            let missing_neighbour = new
                .iter()
                .find_map(|named| rules::missing_neighbour(named, session, &registrations));
            items.push(InstalledItem {
                kind: function.kind,
                name: format!("{}.{}", candidate.plugin, function.name),
                bare: decided.bare,
                aliases: decided.bare_aliases,
                unchanged,
                missing_neighbour,
                left_out,
            });
            registrations.extend(new);
        }
        plugins.push(PluginReport {
            plugin: candidate.plugin.to_owned(),
            items,
            refused: candidate.refused.to_vec(),
        });
    }
    (InstallReport { plugins }, registrations)
}

fn commit(session: &mut impl Functions, registrations: Vec<Named>) {
    let tables = registrations
        .iter()
        .any(|named| matches!(named, Named::Table(..)));
    let writable = registrations.iter().any(|named| {
        matches!(
            named,
            Named::TableProvider(..) | Named::TableFactory(..) | Named::Catalog(..)
        )
    });
    let planners = NewPlanners::of(&registrations);
    let rules = NewRules::of(&registrations);
    factories::register(session, &registrations);
    for named in registrations {
        session.register(named);
    }
    if writable {
        session.register_analyzer_rule(Arc::clone(whole_statements()));
    }
    if tables {
        session.register_relation_planner(Arc::clone(qualified::planner()));
    }
    // Last, so that they stand before the one above and see what was written.
    if !planners.is_empty() {
        session.register_planners(planners);
    }
    if !rules.is_empty() {
        session.register_rules(rules);
    }
}
