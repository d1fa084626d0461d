//! From facts to a decision.

use datafusion_common::Result;
use datafusion_plugin_api::{
    abi::message::{
        PolicyDecision, Stage, StatementFacts, StatementKind, TableRestriction, TableUse,
    },
    sdk::Policy,
};

use crate::{
    Rules,
    options::{Effect, Otherwise, Rule},
    pattern::{Glob, TablePattern},
};

impl Policy for Rules {
    fn decide(&self, facts: &StatementFacts) -> Result<PolicyDecision> {
        let rules = || {
            let rules = self.0.rule.iter().enumerate();
            rules.filter(|(_, rule)| rule.is_for(facts))
        };
        for (position, rule) in rules().filter(|(_, rule)| rule.effect == Effect::Deny) {
            if rule.denies(facts) {
                let title = rule.title(position);
                return Ok(PolicyDecision::deny(match &rule.reason {
                    Some(reason) => format!("{reason} ({title})"),
                    None => title,
                }));
            }
        }
        if self.0.default == Otherwise::Deny {
            let allowing: Vec<_> = rules()
                .map(|(_, rule)| rule)
                .filter(|rule| rule.effect == Effect::Allow)
                .collect();
            if let Some(gap) = gap(&allowing, facts) {
                return Ok(PolicyDecision::deny(format!("no rule allows {gap}")));
            }
        }
        if facts.stage != Stage::Planned {
            return Ok(PolicyDecision::Allow);
        }
        let mut tables: Vec<TableRestriction> = Vec::new();
        for (_, rule) in rules().filter(|(_, rule)| rule.effect == Effect::Restrict) {
            if rule.fits_statements(facts) {
                for used in facts
                    .tables
                    .iter()
                    .filter(|used| rule.fits_table(used, true))
                {
                    rule.restrict(restriction(&mut tables, used), facts);
                }
            }
        }
        Ok(match tables.is_empty() {
            true => PolicyDecision::Allow,
            false => PolicyDecision::Restrict { tables },
        })
    }

    fn needs_columns(&self) -> bool {
        self.0.rule.iter().any(|rule| rule.columns.is_some())
    }

    fn needs_functions(&self) -> bool {
        self.0.rule.iter().any(|rule| rule.functions.is_some())
    }
}

fn restriction<'a>(
    tables: &'a mut Vec<TableRestriction>,
    used: &TableUse,
) -> &'a mut TableRestriction {
    let known = tables.iter().position(|known| {
        known.table == used.table && known.schema == used.schema && known.catalog == used.catalog
    });
    let position = known.unwrap_or_else(|| {
        tables.push(TableRestriction {
            catalog: used.catalog.clone(),
            schema: used.schema.clone(),
            table: used.table.clone(),
            ..TableRestriction::default()
        });
        tables.len() - 1
    });
    &mut tables[position]
}

/// The first thing of the statement that none of the rules allows.
fn gap(allowing: &[&Rule], facts: &StatementFacts) -> Option<String> {
    let lookup = facts.stage == Stage::Lookup;
    let applying: Vec<_> = allowing
        .iter()
        // A table that some statement may read may be seen.
        .filter(|rule| lookup || rule.fits_all_statements(facts))
        .collect();
    if !lookup {
        for kind in facts.kinds() {
            let allowed = applying.iter().any(|rule| {
                rule.statements
                    .as_ref()
                    .is_some_and(|kinds| kinds.contains(&kind))
            });
            if !allowed {
                return Some(format!("statement '{}'", name(kind)));
            }
        }
    }
    for used in &facts.tables {
        if !applying
            .iter()
            .any(|rule| rule.tables.is_some() && rule.fits_table(used, false))
        {
            return Some(format!("table '{}'", used.table));
        }
    }
    for used in &facts.locations {
        let allowed = applying.iter().any(|rule| {
            let locations = rule.locations.iter().flatten();
            locations.into_iter().any(|pattern| pattern.holds(used))
        });
        if !allowed {
            return Some(format!("location '{}'", used.location));
        }
    }
    for used in &facts.settings {
        if !applying
            .iter()
            .any(|rule| any(&rule.settings, &used.key, false))
        {
            return Some(format!("setting '{}'", used.key));
        }
    }
    // Functions are free until a rule says which are.
    if allowing.iter().any(|rule| rule.functions.is_some()) {
        for used in &facts.functions {
            if !applying
                .iter()
                .any(|rule| any(&rule.functions, &used.name, false))
            {
                return Some(format!("function '{}'", used.name));
            }
        }
    }
    if let Some(extension) = facts.extensions.first() {
        return Some(format!("plan node '{extension}'"));
    }
    None
}

fn name(kind: StatementKind) -> String {
    let name = serde_json::to_value(kind).ok();
    let name = name.and_then(|name| name.as_str().map(str::to_owned));
    name.unwrap_or_default()
}

fn any(globs: &Option<Vec<Glob>>, text: &str, fold: bool) -> bool {
    globs.iter().flatten().any(|glob| glob.fits(text, fold))
}

impl Rule {
    /// Whether the rule is about the one who sends the statement.
    fn is_for(&self, facts: &StatementFacts) -> bool {
        let user = facts.user.as_ref();
        let is_user = |users: &Vec<String>| user.is_some_and(|user| users.contains(user));
        let has_role = |roles: &Vec<String>| facts.roles.iter().any(|role| roles.contains(role));
        let named = match (&self.users, &self.roles) {
            (None, None) => true,
            (users, roles) => {
                users.as_ref().is_some_and(is_user) || roles.as_ref().is_some_and(has_role)
            }
        };
        named && !is_user(&self.except_users) && !has_role(&self.except_roles)
    }

    /// Whether one of the statement's kinds is among the rule's.
    fn fits_statements(&self, facts: &StatementFacts) -> bool {
        let kinds = self.statements.as_ref();
        kinds.is_none_or(|kinds| facts.kinds().any(|kind| kinds.contains(&kind)))
    }

    /// Whether all of the statement's kinds are among the rule's.
    fn fits_all_statements(&self, facts: &StatementFacts) -> bool {
        let kinds = self.statements.as_ref();
        kinds.is_none_or(|kinds| facts.kinds().all(|kind| kinds.contains(&kind)))
    }

    fn fits_table(&self, used: &TableUse, fold: bool) -> bool {
        let patterns = self.tables.as_ref();
        patterns.is_none_or(|patterns| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern: &TablePattern| pattern.fits(used, fold))
        })
    }

    fn denies(&self, facts: &StatementFacts) -> bool {
        // Which columns are read, and what is done to which table, is known once it is planned.
        let fine = self.columns.is_some() || self.access.is_some();
        if fine && facts.stage != Stage::Planned {
            return false;
        }
        let tables = || {
            self.tables.is_none()
                || facts
                    .tables
                    .iter()
                    .any(|used| self.fits_table(used, true) && self.fits_use(used))
        };
        let functions = || {
            self.functions.is_none()
                || facts
                    .functions
                    .iter()
                    .any(|used| any(&self.functions, &used.name, true))
        };
        let locations = || {
            self.locations.as_ref().is_none_or(|patterns| {
                let used = facts.locations.iter();
                let mut pairs = used.flat_map(|used| patterns.iter().map(move |p| (p, used)));
                pairs.any(|(pattern, used)| pattern.may_touch(used))
            })
        };
        let settings = || {
            self.settings.is_none()
                || facts
                    .settings
                    .iter()
                    .any(|used| any(&self.settings, &used.key, true))
        };
        self.fits_statements(facts) && tables() && functions() && locations() && settings()
    }

    fn fits_use(&self, used: &TableUse) -> bool {
        let mut done = used.access.iter();
        if let Some(access) = &self.access
            && !done.any(|done| access.contains(done))
        {
            return false;
        }
        let Some(columns) = &self.columns else {
            return true;
        };
        let is_one = |name: &String| {
            columns
                .iter()
                .any(|column| column.eq_ignore_ascii_case(name))
        };
        let read = match &used.read {
            Some(read) => read.iter().any(|read| is_one(&read.column)),
            None => false,
        };
        read || used.written.iter().any(is_one)
    }

    fn restrict(&self, restriction: &mut TableRestriction, facts: &StatementFacts) {
        if let Some(filter) = &self.row_filter {
            let filter = filter.filled(facts);
            restriction.row_filter = Some(match restriction.row_filter.take() {
                Some(other) => format!("({other}) AND ({filter})"),
                None => filter,
            });
        }
        for (column, mask) in &self.masks {
            let mask = || mask.filled(facts);
            restriction.masks.entry(column.clone()).or_insert_with(mask);
        }
        if let Some(rows) = self.max_rows {
            let limit = restriction.row_limit.map_or(rows, |limit| limit.min(rows));
            restriction.row_limit = Some(limit);
        }
    }
}
