//! What a plugin may do.

use std::{collections::BTreeSet, fmt};

use datafusion_plugin_api::abi::manifest::CapabilityKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Something that a plugin may do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grant {
    /// Have its exports of a kind installed.
    Capability(CapabilityKind),
    /// Take bare names from what a session has.
    ReplaceBuiltins,
}

impl Grant {
    const REPLACE_BUILTINS: &str = "replace_builtins";

    /// The grant of a name: that of a capability's kind, or `replace_builtins`. `None` for a kind that
    /// this host does not know.
    pub fn from_name(name: &str) -> Option<Self> {
        match CapabilityKind::from_name(name) {
            _ if name == Self::REPLACE_BUILTINS => Some(Self::ReplaceBuiltins),
            CapabilityKind::Unknown(_) => None,
            kind => Some(Self::Capability(kind)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Capability(kind) => kind.name(),
            Self::ReplaceBuiltins => Self::REPLACE_BUILTINS,
        }
    }

    /// Whether every plugin has it: functions, tables and session options. Whatever else there is, and whatever kind is
    /// new, must be granted by name.
    pub fn is_default(&self) -> bool {
        let Self::Capability(kind) = self else {
            return false;
        };
        matches!(
            kind,
            CapabilityKind::ScalarFunction
                | CapabilityKind::ScalarFunctionSimplify
                | CapabilityKind::AsyncScalarFunction
                | CapabilityKind::AggregateFunction
                | CapabilityKind::WindowFunction
                | CapabilityKind::TableFunction
                | CapabilityKind::TableProvider
                | CapabilityKind::TableProviderFactory
                | CapabilityKind::TableExpressions
                | CapabilityKind::SessionOptions
        )
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialOrd for Grant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By name, so that lists stay in order when a kind comes in.
impl Ord for Grant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name().cmp(other.name())
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| {
            de::Error::custom(format!(
                "'{name}' is no capability that this host knows, nor '{}'",
                Self::REPLACE_BUILTINS
            ))
        })
    }
}

/// What one plugin may do: functions and tables, and what was granted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    capabilities: bool,
    named: BTreeSet<Grant>,
}

impl Grants {
    /// These, and others by name.
    #[must_use]
    pub fn and(mut self, others: impl IntoIterator<Item = Grant>) -> Self {
        self.named.extend(others);
        self
    }

    /// These, and every capability. Names of built-ins stay with them.
    #[must_use]
    pub fn and_every_capability(mut self) -> Self {
        self.capabilities = true;
        self
    }

    /// Whether something is granted.
    pub fn allow(&self, grant: &Grant) -> bool {
        grant.is_default()
            || (self.capabilities && matches!(grant, Grant::Capability(_)))
            || self.named.contains(grant)
    }

    /// Whether exports of a kind are installed.
    pub fn allow_capability(&self, kind: &CapabilityKind) -> bool {
        self.allow(&Grant::Capability(kind.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_tables_need_no_grant_and_everything_else_does() {
        let none = Grants::default();
        for name in [
            "scalar_function",
            "table_function",
            "table_provider",
            "session_options",
        ] {
            assert!(none.allow_capability(&CapabilityKind::from_name(name)));
        }
        for name in [
            "relation_planner",
            "expr_planner",
            "type_planner",
            "analyzer_rule",
            "optimizer_rule",
            "physical_optimizer_rule",
            "function_factory",
            "policy",
            "catalog_provider",
            "function_factory",
            "a_kind_of_a_later_minor",
        ] {
            let kind = CapabilityKind::from_name(name);
            assert!(!none.allow_capability(&kind), "{name}");
            assert!(
                Grants::default()
                    .and_every_capability()
                    .allow_capability(&kind)
            );
        }
        assert!(
            !Grants::default()
                .and_every_capability()
                .allow(&Grant::ReplaceBuiltins)
        );
        let one = Grants::default().and(Grant::from_name("policy"));
        assert!(one.allow_capability(&CapabilityKind::Policy));
        assert!(!one.allow_capability(&CapabilityKind::TypePlanner));
    }
}
