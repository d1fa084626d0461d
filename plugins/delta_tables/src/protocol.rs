//! Which tables may be touched: what they need of a reader or writer, against what is implemented
//! and what the operator allows.

use std::collections::BTreeSet;

use datafusion::{
    common::{config_err, exec_err, plan_err},
    error::Result,
};
use deltalake::kernel::Protocol;

use crate::{location::Location, options::Options};

/// What `deltalake` reads.
const READ: &[&str] = &[
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "v2Checkpoint",
    "variantType",
    "variantType-preview",
];

/// What `deltalake` keeps to when it writes.
const WRITTEN: &[&str] = &[
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "checkpointProtection",
    "columnMapping",
    "deletionVectors",
    "generatedColumns",
    "invariants",
    "timestampNtz",
    "v2Checkpoint",
    "variantType",
    "variantType-preview",
];

/// What each writer version before table features needs beyond the one before.
const LEGACY: [(i32, &[&str]); 5] = [
    (2, &["appendOnly", "invariants"]),
    (3, &["checkConstraints"]),
    (4, &["changeDataFeed", "generatedColumns"]),
    (5, &["columnMapping"]),
    (6, &["identityColumns"]),
];

/// Lets tables pass whose features are implemented and allowed; names the others.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    readable: BTreeSet<String>,
    writable: BTreeSet<String>,
    read_only: bool,
}

impl Gate {
    /// # Errors
    /// When the options allow a feature that is not implemented.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        Ok(Self {
            readable: allowed("reader_features", options.reader_features.as_ref(), READ)?,
            writable: allowed("writer_features", options.writer_features.as_ref(), WRITTEN)?,
            read_only: options.read_only,
        })
    }

    /// # Errors
    /// When a reader of the table needs a feature that is not allowed.
    pub(crate) fn reading(&self, location: &Location, protocol: &Protocol) -> Result<()> {
        let version = protocol.min_reader_version();
        if version > 3 {
            return plan_err!(
                "the Delta table '{location}' needs reader version {version}; 3 is the highest known"
            );
        }
        let needed: BTreeSet<String> = match version {
            3.. => names(protocol.reader_features()),
            2 => BTreeSet::from(["columnMapping".to_owned()]),
            _ => BTreeSet::new(),
        };
        refuse("reader", location, &needed, &self.readable)
    }

    /// # Errors
    /// When nothing may be written, or a writer or reader of the table needs a feature that is not
    /// allowed.
    pub(crate) fn writing(&self, location: &Location, protocol: &Protocol) -> Result<()> {
        if self.read_only {
            return exec_err!(
                "the Delta table '{location}' is not changed: the plugin's option read_only is set"
            );
        }
        self.reading(location, protocol)?;
        let version = protocol.min_writer_version();
        if version > 7 {
            return plan_err!(
                "the Delta table '{location}' needs writer version {version}; 7 is the highest known"
            );
        }
        refuse(
            "writer",
            location,
            &writer_features(protocol),
            &self.writable,
        )
    }
}

/// The features that a writer of the table must know, those of versions before features included.
pub(crate) fn writer_features(protocol: &Protocol) -> BTreeSet<String> {
    let version = protocol.min_writer_version();
    if version >= 7 {
        return names(protocol.writer_features());
    }
    let known = LEGACY.iter().filter(|(since, _)| *since <= version);
    known
        .flat_map(|(_, features)| features.iter().map(|&feature| feature.to_owned()))
        .collect()
}

fn names<T: ToString>(features: Option<&[T]>) -> BTreeSet<String> {
    let features = features.unwrap_or_default();
    features.iter().map(ToString::to_string).collect()
}

fn allowed(
    option: &str,
    listed: Option<&BTreeSet<String>>,
    implemented: &[&str],
) -> Result<BTreeSet<String>> {
    let Some(listed) = listed else {
        return Ok(implemented.iter().map(|&name| name.to_owned()).collect());
    };
    for name in listed {
        if !implemented.contains(&name.as_str()) {
            return config_err!(
                "option {option}: '{name}' is not implemented; known are {}",
                implemented.join(", ")
            );
        }
    }
    Ok(listed.clone())
}

fn refuse(
    kind: &str,
    location: &Location,
    needed: &BTreeSet<String>,
    allowed: &BTreeSet<String>,
) -> Result<()> {
    let missing: Vec<&str> = needed.difference(allowed).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    plan_err!(
        "the Delta table '{location}' needs the {kind} features {}, which are not allowed here; \
         allowed are {}",
        missing.join(", "),
        allowed.join(", ")
    )
}
