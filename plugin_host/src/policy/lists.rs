//! Decisions for one subject, and what it may see in lists.

use std::{fmt, sync::Arc};

use datafusion::{catalog::TableProvider, common::Result, execution::SessionState};
use datafusion_plugin_api::abi::message::StatementFacts;

use super::{
    Copied, Guard, PolicyRefusal, SharedGuard, Subject,
    catalog::Visibility,
    facts::{self, Identities},
    guard::{Restriction, Restrictions, TableId},
};

/// Decides on a subject's statement.
pub(super) fn decide(
    guard: &Guard,
    subject: &Subject,
    mut facts: StatementFacts,
) -> Result<Restrictions> {
    subject.sign(&mut facts);
    Ok(guard.decide(&facts)?)
}

/// What one subject may see.
pub(super) struct Lists {
    state: Copied,
    guards: Guards,
    home: (String, String),
    subject: Subject,
}

/// Where a guard comes from.
pub(super) enum Guards {
    /// The guard of one statement.
    Statement(Arc<Guard>),
    /// The guard at each look.
    Shared(Arc<SharedGuard>),
}

impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lists").finish_non_exhaustive()
    }
}

impl Lists {
    pub(super) fn new(state: Arc<SessionState>, guards: Guards, subject: Subject) -> Self {
        let catalog = &state.config_options().catalog;
        let home = (
            catalog.default_catalog.clone(),
            catalog.default_schema.clone(),
        );
        Self {
            state: Copied::new(state),
            guards,
            home,
            subject,
        }
    }

    /// With another default catalog and schema than the state's.
    pub(super) fn at_home(mut self, home: &(String, String)) -> Self {
        self.home.clone_from(home);
        self
    }

    pub(super) fn home(&self) -> (&str, &str) {
        (&self.home.0, &self.home.1)
    }

    /// The state, with its catalogs as they are under any guard.
    pub(super) fn state(&self) -> &Copied {
        &self.state
    }

    pub(super) fn guard(&self) -> Arc<Guard> {
        match &self.guards {
            Guards::Statement(guard) => Arc::clone(guard),
            Guards::Shared(guard) => guard.now(),
        }
    }

    /// Decides by the guard of the moment, on facts that no policy has to ask for.
    pub(super) fn decide(&self, facts: StatementFacts) -> Result<Restrictions> {
        self.decide_by(&self.guard(), facts)
    }

    pub(super) fn decide_by(&self, guard: &Guard, facts: StatementFacts) -> Result<Restrictions> {
        decide(guard, &self.subject, facts)
    }

    /// Decides on what cannot be done to a part of a table.
    pub(super) fn decide_whole(&self, facts: StatementFacts) -> Result<()> {
        let restrictions = self.decide(facts)?;
        let first = restrictions.iter().next();
        first.map_or(Ok(()), |(id, restriction): (&TableId, &Restriction)| {
            let refusal = PolicyRefusal::Unrestrictable {
                policy: restriction.policies(),
                table: format!("table '{id}'"),
                problem: "what is not to be seen of it would go".to_owned(),
            };
            Err(refusal.into())
        })
    }

    /// Decides on a look at a table.
    pub(super) fn look(&self, id: &TableId, table: Option<&Arc<dyn TableProvider>>) -> Result<()> {
        let (state, guard) = (self.state.now(), self.guard());
        let mut identities = Identities::new(&state, self.home());
        let facts = facts::lookup(id, table, &mut identities, &guard)?;
        self.decide_by(&guard, facts).map(drop)
    }
}

impl Visibility for Lists {
    fn is_visible(&self, id: &TableId, table: Option<&Arc<dyn TableProvider>>) -> bool {
        self.look(id, table).is_ok()
    }
}
