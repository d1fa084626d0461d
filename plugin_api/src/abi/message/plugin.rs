//! Activation, and what an activated plugin exports.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    FunctionDescriptor, OptionsDescriptor, PlannerDescriptor, RuleDescriptor,
    TableFunctionDescriptor,
};

/// What the host tells a plugin at activation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Activation {
    /// The plugin's options, from the host's configuration.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// The name of the plugin's manifest, which errors and events bear; the name that the plugin was
    /// compiled with when empty.
    #[serde(default)]
    pub plugin: String,
    /// The host application's name.
    #[serde(default)]
    pub host: String,
    /// The host's DataFusion version.
    #[serde(default)]
    pub datafusion: String,
    /// Threads of the plugin's own runtime; 0 lets the plugin choose.
    #[serde(default)]
    pub runtime_threads: usize,
    /// The most verbose level that the host records: 0 none, 1 error ... 5 trace.
    #[serde(default)]
    pub max_level: u8,
}

/// Everything that a plugin exports, each kind in the order of its positions.
///
/// Types of all descriptors are positions in the one parcel that carries this message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exports {
    /// Scalar functions, sync and async.
    #[serde(default)]
    pub scalar_functions: Vec<FunctionDescriptor>,
    /// Aggregate functions.
    #[serde(default)]
    pub aggregate_functions: Vec<FunctionDescriptor>,
    /// Window functions.
    #[serde(default)]
    pub window_functions: Vec<FunctionDescriptor>,
    /// Table functions.
    #[serde(default)]
    pub table_functions: Vec<TableFunctionDescriptor>,
    /// Tables, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// Table factories, by the word after `STORED AS`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table_factories: Vec<String>,
    /// Catalogs, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catalogs: Vec<String>,
    /// Relation planners, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relation_planners: Vec<PlannerDescriptor>,
    /// Expression planners, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expression_planners: Vec<PlannerDescriptor>,
    /// Type planners, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub type_planners: Vec<PlannerDescriptor>,
    /// Policies, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Analyzer, optimizer and physical optimizer rules, in the order in which they are installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleDescriptor>,
    /// Function factories, by name, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub function_factories: Vec<String>,
    /// Session options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<OptionsDescriptor>,
}
