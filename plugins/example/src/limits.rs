//! A policy made of the plugin's options: how much of a table may be read, and which settings stay.

use std::collections::BTreeMap;

use datafusion_plugin_api::{
    abi::message::{PolicyDecision, StatementFacts, TableRestriction},
    prelude::*,
};
use serde::Deserialize;

/// What the operator writes in `plugins.toml`; without options, every statement is allowed.
///
/// ```toml
/// [plugins.example]
/// grants = ["policy"]
/// [plugins.example.options]
/// max_rows = { planets = 3 }
/// fixed_settings = ["datafusion.catalog.*", "datafusion.execution.time_zone"]
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of these tables, a statement reads so many rows at most.
    pub max_rows: BTreeMap<String, u64>,
    /// No statement changes these settings; `*` at the end stands for the rest of a name.
    pub fixed_settings: Vec<String>,
}

impl Limits {
    fn fixes(&self, key: &str) -> bool {
        self.fixed_settings
            .iter()
            .any(|fixed| match fixed.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key == fixed,
            })
    }
}

impl Policy for Limits {
    fn decide(&self, facts: &StatementFacts) -> Result<PolicyDecision> {
        if let Some(setting) = facts.settings.iter().find(|s| self.fixes(&s.key)) {
            let reason = format!("the setting '{}' stays as it is", setting.key);
            return Ok(PolicyDecision::deny(reason));
        }
        let limited = facts.tables.iter().filter_map(|used| {
            let limit = self.max_rows.get(&used.table)?;
            Some(TableRestriction {
                catalog: used.catalog.clone(),
                schema: used.schema.clone(),
                table: used.table.clone(),
                row_limit: Some(*limit),
                ..TableRestriction::default()
            })
        });
        let tables: Vec<_> = limited.collect();
        Ok(match tables.is_empty() {
            true => PolicyDecision::Allow,
            false => PolicyDecision::Restrict { tables },
        })
    }

    // Neither is looked at, so neither is gathered.
    fn needs_columns(&self) -> bool {
        false
    }

    fn needs_functions(&self) -> bool {
        false
    }
}
