//! What an operator decides about the plugin.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The plugin's options, from the table `options` of its entry in `plugins.toml`.
///
/// The default allows every feature of the protocol that is implemented, and every statement but
/// those that empty a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Options {
    /// The reader features that a table may need, by their names in the protocol. A table that
    /// needs another is refused. Without this option, all that are implemented.
    pub reader_features: Option<BTreeSet<String>>,
    /// The writer features that a table may need when it is written to. Without this option, all
    /// that are implemented.
    pub writer_features: Option<BTreeSet<String>>,
    /// Refuses everything that changes a table.
    pub read_only: bool,
    /// Allows `DELETE` without a predicate, and `TRUNCATE`.
    pub allow_delete_all: bool,
    /// Allows `delta_vacuum` to remove files younger than the table's own retention.
    pub allow_short_retention: bool,
    /// How often a commit that lost a race is tried again, as long as the other writer's changes
    /// do not touch what this one read; 15 without this option.
    pub commit_retries: Option<usize>,
    /// Settings of the object store for every table, overridden by a table's own.
    pub storage: BTreeMap<String, String>,
}
