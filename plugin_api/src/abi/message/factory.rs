//! What a function factory is asked.

use serde::{Deserialize, Serialize};

use super::{PlanList, Settings, Volatility};

/// `CREATE FUNCTION`. Types are positions among the parcel's types.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateFunctionRequest {
    /// The function's name.
    pub name: String,
    /// `OR REPLACE`.
    #[serde(default)]
    pub or_replace: bool,
    /// `TEMPORARY`.
    #[serde(default)]
    pub temporary: bool,
    /// The arguments; none where the statement has no list of them.
    #[serde(default)]
    pub args: Option<Vec<CreateFunctionArgument>>,
    /// The type that it returns.
    #[serde(default)]
    pub return_type: Option<usize>,
    /// `LANGUAGE`.
    #[serde(default)]
    pub language: Option<QuotedName>,
    /// `IMMUTABLE`, `STABLE` or `VOLATILE`.
    #[serde(default)]
    pub behavior: Option<Volatility>,
    /// Whether the last expression is the body.
    #[serde(default)]
    pub has_body: bool,
    /// The session's id.
    #[serde(default)]
    pub session: String,
    /// The session's settings.
    #[serde(default)]
    pub settings: Settings,
    /// The host's number for this creation: functions of the host's that the body names keep their
    /// handles for as long as the made function has them, and come back with this number.
    #[serde(default)]
    pub creation: u64,
    /// The defaults of arguments, then the body.
    pub list: PlanList,
}

/// An argument of [`CreateFunctionRequest`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateFunctionArgument {
    /// Its name.
    #[serde(default)]
    pub name: Option<QuotedName>,
    /// Its type.
    pub data_type: usize,
    /// Whether it has a default.
    #[serde(default)]
    pub has_default: bool,
}

/// A name as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedName {
    /// Without quotes.
    pub name: String,
    /// The quote that it stands in.
    #[serde(default)]
    pub quote: Option<char>,
}
