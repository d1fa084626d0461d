//! Physical plans: a node that can be copied as DataFusion's protobuf, any other by its number.

use serde::{Deserialize, Serialize};

use super::{FunctionReference, InputRequirements, Run, ScanDescriptor, Settings};

/// A physical plan. Children stand before their parents; the last node is the plan's root.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PhysicalList {
    /// The nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<PhysicalNode>,
    /// Scalar functions, which protobuf names by their positions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scalars: Vec<FunctionReference>,
    /// Aggregate functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<FunctionReference>,
    /// Window functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<FunctionReference>,
    /// Where the types that signatures speak of begin among the parcel's types.
    #[serde(default)]
    pub signature_types: usize,
}

/// A node of a physical plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PhysicalNode {
    /// The number under which the host has it. Where it comes back, all below it is as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<u64>,
    /// Its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its children: positions among the nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<usize>,
    /// Its protobuf, in which a child is an extension node of its position among the children: a run
    /// of the parcel's blob. Absent for a node that cannot be copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Run>,
}

/// A physical plan to rewrite.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PhysicalRuleRequest {
    /// The plan.
    pub list: PhysicalList,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// A physical plan rewritten.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PhysicalRuleReply {
    /// The plan; absent where it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<PhysicalList>,
}

/// What a plugin asks of a node of the host's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhysicalQuestion {
    /// Its [`NodeDescriptor`], with its schema as types.
    Describe(u64),
    /// Its [`TableStatistics`](super::TableStatistics), of a partition or of all.
    Statistics(u64, Option<usize>),
    /// The node with the roots of a plan as its children, a [`NodeReply`].
    Replace {
        /// The node.
        node: u64,
        /// Nodes, and those below them.
        list: PhysicalList,
        /// Positions of its children.
        children: Vec<usize>,
    },
    /// The node with a limit, a [`NodeReply`].
    Fetch(u64, Option<usize>),
    /// The node in so many partitions, a [`NodeReply`].
    Repartition(u64, usize),
}

/// A node that the host has made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NodeReply {
    /// Its number; absent where the node cannot be altered so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u64>,
}

/// What a stand-in for a node says of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NodeDescriptor {
    /// Its name.
    pub name: String,
    /// What its rows promise, and its line in `EXPLAIN`.
    pub rows: ScanDescriptor,
    /// What it asks of each child.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputRequirements>,
    /// For each child whether its order is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keeps_order: Vec<bool>,
    /// A limit may go below it.
    #[serde(default)]
    pub limit_pushdown: bool,
    /// How many rows come out of those that go in.
    #[serde(default)]
    pub cardinality: Cardinality,
}

/// How many rows a node yields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cardinality {
    /// It is not known.
    #[default]
    Unknown,
    /// As many as it is given.
    Equal,
    /// No more.
    LowerEqual,
    /// No fewer.
    GreaterEqual,
}
