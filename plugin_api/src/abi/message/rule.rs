//! Rules.

use serde::{Deserialize, Serialize};

use super::{PlanList, Settings};

/// A rule as exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDescriptor {
    /// The name.
    pub name: String,
    /// When it is applied.
    pub stage: RuleStage,
    /// Where it stands among the rules of its stage.
    #[serde(default)]
    pub position: RulePosition,
    /// The kinds of nodes one of which a plan must have, of a physical plan their names; absent for
    /// any plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interests: Option<Vec<String>>,
    /// It enforces something: a statement that it has not seen is not to run.
    #[serde(default)]
    pub policy: bool,
    /// What becomes of a plan that cannot be carried to it.
    #[serde(default)]
    pub uncarried: Uncarried,
    /// A physical rule keeps the schema.
    #[serde(default)]
    pub keeps_schema: bool,
}

/// When a rule is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuleStage {
    /// Once, before optimization: it may change what a query means.
    Analyzer,
    /// In each pass of the optimizer: it may not.
    Optimizer,
    /// Once, on the physical plan.
    Physical,
}

/// Where a rule stands among those of its stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RulePosition {
    /// Before all that are there.
    First,
    /// After all that are there.
    #[default]
    Last,
    /// Before the rule of this name.
    Before(String),
    /// After the rule of this name.
    After(String),
}

/// What becomes of a plan that cannot be carried to a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Uncarried {
    /// Its statement is an error.
    #[default]
    Refuse,
    /// The rule is passed over: counted, and told of.
    Pass,
}

/// A plan to rewrite.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RuleRequest {
    /// The plan: the list's only one.
    pub list: PlanList,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
    /// When the query started, in nanoseconds since 1970; absent where `now()` stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<i64>,
    /// The least number that an alias made up by the rule may have.
    #[serde(default)]
    pub first_alias: usize,
}

/// A plan rewritten.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RuleReply {
    /// The plan; absent where it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<PlanList>,
}
