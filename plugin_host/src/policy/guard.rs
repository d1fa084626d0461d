//! All policies of a host, asked as one.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    sync::Arc,
};

use arc_swap::ArcSwap;
use datafusion_plugin_api::abi::message::{
    PolicyDecision, StatementFacts, TableRestriction, TableUse,
};

use super::{PolicyRefusal, ask::Asked};
use crate::import::policy::ImportedPolicy;

/// A table's full name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TableId {
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) table: String,
}

impl TableId {
    pub(super) fn of(used: &TableUse) -> Self {
        Self {
            catalog: used.catalog.clone(),
            schema: used.schema.clone(),
            table: used.table.clone(),
        }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.catalog, &self.schema, &self.table];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        f.write_str(&parts.cloned().collect::<Vec<_>>().join("."))
    }
}

/// What all policies together leave of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Restriction {
    /// The policies.
    pub(super) by: BTreeSet<String>,
    /// Policy and condition; a row must pass all.
    pub(super) filters: Vec<(String, String)>,
    /// By column, policy and expression.
    pub(super) masks: BTreeMap<String, (String, String)>,
    /// The policy with the smallest limit, and the limit.
    pub(super) limit: Option<(String, u64)>,
}

impl Restriction {
    /// The policies, for messages.
    pub(super) fn policies(&self) -> String {
        let names: Vec<_> = self.by.iter().cloned().collect();
        names.join("', '")
    }
}

/// By table.
pub(super) type Restrictions = BTreeMap<TableId, Restriction>;

/// The guard of the moment. Whoever decides on a statement takes it once, so that the statement's facts are those
/// that the policies asked for.
#[derive(Debug)]
pub(crate) struct SharedGuard(ArcSwap<Guard>);

impl SharedGuard {
    pub(crate) fn new(guard: Guard) -> Self {
        Self(ArcSwap::from_pointee(guard))
    }

    /// The guard for the statements of one who looks at it now.
    pub(crate) fn now(&self) -> Arc<Guard> {
        self.0.load_full()
    }

    /// Puts another in its place, in one step.
    pub(crate) fn exchange(&self, guard: Guard) {
        self.0.store(Arc::new(guard));
    }
}

/// All policies of a host.
#[derive(Debug)]
pub(crate) struct Guard {
    policies: Vec<Arc<Asked>>,
    missing: Vec<PolicyRefusal>,
}

impl Guard {
    /// `earlier` is a guard some of whose policies are the same: they keep their threads. `required` are plugins or `plugin.policy`; `ungranted` are loaded, as `plugin.policy`, and not to be
    /// asked.
    pub(crate) fn new(
        policies: impl IntoIterator<Item = Arc<ImportedPolicy>>,
        required: &[String],
        ungranted: impl IntoIterator<Item = String>,
        earlier: Option<&Self>,
    ) -> Self {
        let asked = |policy: Arc<ImportedPolicy>| {
            let mut known = earlier.into_iter().flat_map(|earlier| &earlier.policies);
            let known = known.find(|known| std::ptr::eq(known.policy(), &*policy));
            known.map_or_else(|| Arc::new(Asked::new(Arc::clone(&policy))), Arc::clone)
        };
        let policies: Vec<_> = policies.into_iter().map(asked).collect();
        let there = |required: &String| {
            policies.iter().any(|asked: &Arc<Asked>| {
                asked.name() == required || asked.policy().origin().plugin().name() == required
            })
        };
        let ungranted: Vec<_> = ungranted.into_iter().collect();
        let of = |name: &str, required: &str| {
            name == required
                || name
                    .split_once('.')
                    .is_some_and(|(plugin, _)| plugin == required)
        };
        let missing = required.iter().filter(|name| !there(name)).map(|required| {
            let policy = required.clone();
            match ungranted.iter().any(|name| of(name, required)) {
                true => PolicyRefusal::NotGranted { policy },
                false => PolicyRefusal::Missing { policy },
            }
        });
        Self {
            missing: missing.collect(),
            policies,
        }
    }

    /// Whether there is anything to guard.
    pub(crate) fn is_needed(&self) -> bool {
        !self.policies.is_empty() || !self.missing.is_empty()
    }

    pub(crate) fn needs_columns(&self) -> bool {
        let mut policies = self.policies.iter();
        policies.any(|asked| asked.policy().descriptor().columns)
    }

    pub(crate) fn needs_functions(&self) -> bool {
        let mut policies = self.policies.iter();
        policies.any(|asked| asked.policy().descriptor().functions)
    }

    /// Refuses when a policy that must be there is not.
    pub(super) fn check_complete(&self) -> Result<(), PolicyRefusal> {
        match self.missing.first() {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(()),
        }
    }

    /// Asks all policies. The first denial counts; what restricts adds up.
    pub(super) fn decide(&self, facts: &StatementFacts) -> Result<Restrictions, PolicyRefusal> {
        self.check_complete()?;
        let mut restrictions = Restrictions::new();
        let written = serde_json::to_vec(facts);
        let written = written.map_err(|error| PolicyRefusal::Ungovernable {
            problem: format!("its facts cannot be written: {error}"),
        })?;
        let written: Arc<[u8]> = written.into();
        for asked in &self.policies {
            match asked.ask(&written)? {
                PolicyDecision::Allow => {}
                PolicyDecision::Deny { reason } => {
                    return Err(PolicyRefusal::Denied {
                        policy: asked.name().to_owned(),
                        reason,
                    });
                }
                PolicyDecision::Restrict { tables } => {
                    for table in tables {
                        add(&mut restrictions, asked.name(), table, facts)?;
                    }
                }
            }
        }
        Ok(restrictions)
    }
}

/// Adds what one policy says of one table.
fn add(
    restrictions: &mut Restrictions,
    policy: &str,
    table: TableRestriction,
    facts: &StatementFacts,
) -> Result<(), PolicyRefusal> {
    let TableRestriction {
        catalog,
        schema,
        table,
        row_filter,
        masks,
        row_limit,
    } = table;
    let id = TableId {
        catalog,
        schema,
        table,
    };
    if !facts.tables.iter().any(|used| TableId::of(used) == id) {
        return Err(PolicyRefusal::Nonsense {
            policy: policy.to_owned(),
            table: format!("table '{id}'"),
            problem: "the statement has no such table".to_owned(),
        });
    }
    if row_filter.is_none() && masks.is_empty() && row_limit.is_none() {
        return Ok(());
    }
    let name = format!("table '{id}'");
    let restriction = restrictions.entry(id).or_default();
    restriction.by.insert(policy.to_owned());
    restriction
        .filters
        .extend(row_filter.map(|filter| (policy.to_owned(), filter)));
    for (column, mask) in masks {
        match restriction.masks.entry(column) {
            Entry::Vacant(vacant) => {
                vacant.insert((policy.to_owned(), mask));
            }
            Entry::Occupied(there) if there.get().1 == mask => {}
            Entry::Occupied(there) => {
                return Err(PolicyRefusal::Conflict {
                    first: there.get().0.clone(),
                    second: policy.to_owned(),
                    table: name,
                    column: there.key().clone(),
                });
            }
        }
    }
    if let Some(limit) = row_limit
        && restriction
            .limit
            .as_ref()
            .is_none_or(|(_, smallest)| limit < *smallest)
    {
        restriction.limit = Some((policy.to_owned(), limit));
    }
    Ok(())
}
