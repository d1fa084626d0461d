//! Table functions and scans.

use serde::{Deserialize, Serialize};

use super::{Documentation, Settings};

/// A table function as exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFunctionDescriptor {
    /// Its name.
    pub name: String,
    /// How it is written, for people.
    #[serde(default)]
    pub syntax: Option<String>,
    /// What it says of itself.
    #[serde(default)]
    pub documentation: Option<Documentation>,
}

/// One argument of a table function call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TableArgument {
    /// A constant: a position among the values.
    Value(usize),
    /// An identifier, with its qualifiers first.
    Identifier(Vec<String>),
}

/// A table function call.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TableCall {
    /// The arguments in order.
    pub arguments: Vec<TableArgument>,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// A scan of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScanRequest {
    /// Columns of the table's schema, in the order wanted; all of them when absent.
    #[serde(default)]
    pub projection: Option<Vec<usize>>,
    /// No more rows than these are needed.
    #[serde(default)]
    pub limit: Option<usize>,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// A planned scan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScanDescriptor {
    /// How many partitions it has.
    pub partitions: usize,
    /// Whether it never ends.
    #[serde(default)]
    pub unbounded: bool,
    /// One line for `EXPLAIN`.
    #[serde(default)]
    pub display: String,
}
