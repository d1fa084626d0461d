//! Session options.

use serde::{Deserialize, Serialize};

use super::Settings;

/// The options of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionsDescriptor {
    /// What stands before the dot: the plugin's name.
    pub namespace: String,
    /// The options, in the plugin's order.
    #[serde(default)]
    pub options: Vec<OptionDescriptor>,
}

/// One option.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionDescriptor {
    /// What stands after the dot.
    pub key: String,
    /// What it accepts.
    #[serde(default)]
    pub kind: OptionKind,
    /// The value that a session begins with; none where it has none.
    #[serde(default)]
    pub default: Option<String>,
    /// What it says of itself.
    #[serde(default)]
    pub description: String,
}

/// What an option accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OptionKind {
    /// `true` and `false`.
    Boolean,
    /// Whole numbers.
    Integer,
    /// Whole numbers from 0.
    UnsignedInteger,
    /// Numbers.
    Number,
    /// Any text.
    Text,
    /// What its description says, or a kind of a later contract minor.
    #[default]
    #[serde(other)]
    Other,
}

impl OptionKind {
    /// Its name, as messages have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::UnsignedInteger => "unsigned_integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Other => "other",
        }
    }
}

/// `SET`. Keys stand without the namespace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SetOptionRequest {
    /// The options as they are in the session.
    #[serde(default)]
    pub options: Settings,
    /// The option to set.
    pub key: String,
    /// Its new value.
    pub value: String,
}
