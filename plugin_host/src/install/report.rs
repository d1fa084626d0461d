//! What an install did.

use std::fmt;

use crate::{import::imported::ItemKind, registry::RefusedCapability};

/// What an install did, plugin by plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstallReport {
    /// The plugins in the order they were loaded.
    pub plugins: Vec<PluginReport>,
}

/// What an install did for one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginReport {
    /// The plugin's name.
    pub plugin: String,
    /// Its functions.
    pub items: Vec<InstalledItem>,
    /// What it exports and what is not installed: kinds that this host does not take, and kinds that are
    /// not granted.
    pub refused: Vec<RefusedCapability>,
}

/// One function as installed. It answers to its qualified name in every case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InstalledItem {
    /// The kind.
    pub kind: ItemKind,
    /// The qualified name, `plugin.function`.
    pub name: String,
    /// What became of the bare name.
    pub bare: BareName,
    /// The bare aliases that it answers to as well.
    pub aliases: Vec<String>,
    /// The session had it already, under the same names.
    pub unchanged: bool,
    /// The rule beside which it was to stand, where the session has no such rule: it stands last.
    pub missing_neighbour: Option<String>,
    /// Why the session could not take it: it is not installed then.
    pub left_out: Option<LeftOut>,
}

/// Why a session could not take an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeftOut {
    /// The session would have to be built anew.
    #[error(
        "the session has prepared statements, which it would lose; install before the first PREPARE"
    )]
    PreparedStatements,
    /// The session's configuration has an extension of the plugin's name.
    #[error(
        "the session has options '{namespace}' of its own; SET would reach those and not the plugin's"
    )]
    NamespaceTaken {
        /// The plugin's name.
        namespace: String,
    },
    /// The place where DataFusion looks for options that no Rust type stands for is taken.
    #[error(
        "the session's configuration has an extension '{}' that is not this host's",
        datafusion::common::config::DATAFUSION_FFI_CONFIG_NAMESPACE
    )]
    ForeignOptions,
}

/// What became of a function's bare name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BareName {
    /// It was free.
    Granted,
    /// It was taken, and the configuration lets the plugin replace what had it.
    Replaced,
    /// The session had it, and keeps it.
    Taken,
    /// Other plugins export it too, and the configuration prefers none.
    Contested {
        /// The other plugins.
        with: Vec<String>,
    },
    /// Items of this kind answer to their qualified name alone.
    Unused,
    /// The configuration gives it to another plugin.
    PreferredFrom {
        /// The preferred plugin.
        plugin: String,
    },
}

impl BareName {
    /// Whether the function answers to it.
    pub fn is_granted(&self) -> bool {
        matches!(self, Self::Granted | Self::Replaced)
    }
}

impl fmt::Display for BareName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("granted"),
            Self::Replaced => f.write_str("replaced what had the name"),
            Self::Taken => f.write_str("taken by the session; set replace_builtins to replace it"),
            Self::Unused => f.write_str("not used for this kind"),
            Self::Contested { with } => {
                write!(
                    f,
                    "also exported by {}; set names.prefer to choose",
                    with.join(", ")
                )
            }
            Self::PreferredFrom { plugin } => write!(f, "preferred from plugin '{plugin}'"),
        }
    }
}

impl InstallReport {
    /// Whether the install changed nothing.
    pub fn is_unchanged(&self) -> bool {
        self.plugins
            .iter()
            .flat_map(|plugin| &plugin.items)
            .all(|item| item.unchanged)
    }

    /// What is exported and not installed, each with its plugin.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &RefusedCapability)> {
        self.plugins.iter().flat_map(|plugin| {
            let refused = plugin.refused.iter();
            refused.map(|refused| (plugin.plugin.as_str(), refused))
        })
    }

    /// What a session could not take as it is.
    pub fn left_out(&self) -> impl Iterator<Item = &InstalledItem> {
        let items = self.plugins.iter().flat_map(|plugin| &plugin.items);
        items.filter(|item| item.left_out.is_some())
    }

    /// The items that do not answer to their bare name, where their kind has one.
    pub fn qualified_only(&self) -> impl Iterator<Item = &InstalledItem> {
        let items = self.plugins.iter().flat_map(|plugin| &plugin.items);
        items.filter(|item| !item.bare.is_granted() && item.bare != BareName::Unused)
    }
}
