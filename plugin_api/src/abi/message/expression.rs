//! Logical expressions: DataFusion's protobuf, with what it would alter kept beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ExpressionNode, FunctionDescriptor, Handle};

/// A table's name in parts, the table last; empty for no table.
pub type TableName = Vec<String>;

/// Expressions in a parcel's blob.
///
/// The blob is a protobuf list. Its first `roots` expressions are the list's own; those after
/// them are parts, to which slots refer. A column in it is no column but a slot: its name is the
/// slot's position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpressionList {
    /// How many expressions are not parts.
    #[serde(default)]
    pub roots: usize,
    /// What the columns stand for.
    #[serde(default)]
    pub slots: Vec<ExpressionSlot>,
    /// The functions: the definition of a function call is a position here, in decimal digits.
    #[serde(default)]
    pub functions: Vec<FunctionReference>,
}

/// What stands in for a column of the protobuf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpressionSlot {
    /// A column.
    Column {
        /// Its qualifier.
        relation: TableName,
        /// Its name.
        name: String,
    },
    /// An expression that stayed on the host, by number. The plugin sees a column.
    Kept(usize),
    /// A constant.
    Literal {
        /// Its position among the parcel's values.
        value: usize,
        /// Its field metadata.
        metadata: Option<BTreeMap<String, String>>,
    },
    /// An alias with field metadata.
    Alias {
        /// The expression, a position among the blob's.
        part: usize,
        /// Its qualifier.
        relation: TableName,
        /// Its name.
        name: String,
        /// Its field metadata.
        metadata: BTreeMap<String, String>,
    },
    /// An expression that is nested too deep for one protobuf message: a position among the
    /// blob's, greater than that of the expression that refers to it.
    Part(usize),
    /// An expression of plans that protobuf would alter or does not know.
    Node {
        /// What it is.
        node: Box<ExpressionNode>,
        /// Its children: positions among the blob's.
        parts: Vec<usize>,
    },
}

/// A scalar function of the plugin, or a built-in of both sides, as an expression names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionReference {
    /// Its name.
    pub name: String,
    /// Its `Debug` text, by which the host recognises a function that it has itself.
    #[serde(default)]
    pub debug: String,
    /// Its position among the plugin's exports, if it is one of them.
    #[serde(default)]
    pub export: Option<usize>,
    /// The host has it without any plugin: it is found by name and `Debug` text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub builtin: bool,
    /// Its number inside the plugin.
    #[serde(default)]
    pub identity: u64,
    /// In plans: a function that does not travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<Handle>,
    /// What a stand-in for it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<Box<FunctionDescriptor>>,
    /// The one field that it returns, if it does not depend on arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<usize>,
    /// The creation that lent it, where a made function names it after that call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation: Option<u64>,
}
