//! The manifest: what a plugin says of itself, as static bytes of its library.
//!
//! Layout of the bytes, all numbers little-endian: the magic [`MAGIC`], the header version as
//! `u16`, two zero bytes, the length of what follows as `u32`; then records, each a key length
//! (`u16`), a value length (`u32`), the key and the value, both UTF-8. A key may repeat
//! (`capability`); keys that a reader does not know are kept aside, not guessed.

mod encode;
mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ContractVersion;

pub use encode::{encode, encoded_len};
pub use parse::ManifestError;

/// The section that holds the manifest in ELF files.
pub const SECTION_ELF: &str = ".dfplugin";
/// The segment and section that hold it in Mach-O files.
pub const SECTION_MACHO: (&str, &str) = ("__DATA", "__dfplugin");
/// The section that holds it in PE files (eight characters at most).
pub const SECTION_PE: &str = ".dfplug";

/// The first bytes of a manifest.
pub const MAGIC: [u8; 8] = *b"\x7fDFPLUG\n";
/// The version of the manifest's layout.
pub const HEADER_VERSION: u16 = 1;
/// Bytes before the records: magic, version, padding, length.
pub const HEADER_LEN: usize = 16;
/// The longest manifest that is read.
pub const MAX_LEN: usize = 64 * 1024;
/// The most records that are read.
pub const MAX_RECORDS: usize = 256;

/// How far a capability depends on DataFusion's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Crosses as Arrow data and contract types only.
    Portable,
    /// Host and plugin must share the DataFusion major.
    SameMajor,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::SameMajor => "same-major",
        })
    }
}

/// A kind of thing that a plugin exports.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CapabilityKind {
    /// Scalar functions.
    ScalarFunction,
    /// Async scalar functions.
    AsyncScalarFunction,
    /// Aggregate functions.
    AggregateFunction,
    /// Window functions.
    WindowFunction,
    /// Table functions.
    TableFunction,
    /// `simplify` and `preimage` of scalar functions.
    ScalarFunctionSimplify,
    /// Tables.
    TableProvider,
    /// Table factories, for `CREATE EXTERNAL TABLE ... STORED AS`.
    TableProviderFactory,
    /// Catalogs.
    CatalogProvider,
    /// Filters of scans, and the expressions of deletes and updates.
    TableExpressions,
    /// Relation planners.
    RelationPlanner,
    /// Expression planners.
    ExprPlanner,
    /// Type planners.
    TypePlanner,
    /// Policies.
    Policy,
    /// Analyzer rules.
    AnalyzerRule,
    /// Optimizer rules.
    OptimizerRule,
    /// Physical optimizer rules.
    PhysicalOptimizerRule,
    /// Function factories, for `CREATE FUNCTION`.
    FunctionFactory,
    /// Session options, for `SET`.
    SessionOptions,
    /// A kind of a later contract minor.
    Unknown(String),
}

impl CapabilityKind {
    const KNOWN: [(Self, &'static str); 19] = [
        (Self::ScalarFunction, "scalar_function"),
        (Self::AsyncScalarFunction, "async_scalar_function"),
        (Self::AggregateFunction, "aggregate_function"),
        (Self::WindowFunction, "window_function"),
        (Self::TableFunction, "table_function"),
        (Self::ScalarFunctionSimplify, "scalar_function_simplify"),
        (Self::TableProvider, "table_provider"),
        (Self::TableProviderFactory, "table_provider_factory"),
        (Self::CatalogProvider, "catalog_provider"),
        (Self::TableExpressions, "table_expressions"),
        (Self::RelationPlanner, "relation_planner"),
        (Self::ExprPlanner, "expr_planner"),
        (Self::TypePlanner, "type_planner"),
        (Self::Policy, "policy"),
        (Self::AnalyzerRule, "analyzer_rule"),
        (Self::OptimizerRule, "optimizer_rule"),
        (Self::PhysicalOptimizerRule, "physical_optimizer_rule"),
        (Self::FunctionFactory, "function_factory"),
        (Self::SessionOptions, "session_options"),
    ];

    /// Its name in manifests.
    pub fn name(&self) -> &str {
        if let Self::Unknown(name) = self {
            return name;
        }
        Self::KNOWN
            .iter()
            .find(|(kind, _)| kind == self)
            .map_or("", |(_, name)| name)
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Self {
        Self::KNOWN
            .iter()
            .find(|(_, known)| *known == name)
            .map_or_else(|| Self::Unknown(name.to_owned()), |(kind, _)| kind.clone())
    }
}

impl fmt::Display for CapabilityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for CapabilityKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for CapabilityKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::from_name(&name))
    }
}

/// A declared capability.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capability {
    /// The kind.
    pub kind: CapabilityKind,
    /// How far it depends on DataFusion's version.
    pub layer: Layer,
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The plugin's name: lower-case letters, digits and `_`, starting with a letter.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// One line on what it is for.
    pub description: String,
    /// Its SPDX license expression.
    pub license: String,
    /// The contract that it speaks.
    #[serde(with = "contract_text")]
    pub contract: ContractVersion,
    /// The DataFusion it was built with.
    pub datafusion: String,
    /// The arrow it was built with.
    pub arrow: String,
    /// The datafusion-ffi it was built with, empty when none.
    pub datafusion_ffi: String,
    /// The sqlparser it was built with, empty when none.
    pub sqlparser: String,
    /// The compiler it was built with.
    pub rustc: String,
    /// The platform it was built for.
    pub target: String,
    /// `debug` or `release`.
    pub profile: String,
    /// `unwind` or `abort`.
    pub panic: String,
    /// What it exports.
    pub capabilities: Vec<Capability>,
    /// Records whose keys this reader does not know.
    pub unknown: Vec<(String, String)>,
}

mod contract_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::ContractVersion;

    pub fn serialize<S: Serializer>(version: &ContractVersion, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&version.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<ContractVersion, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}
