//! The export macro, and what it calls.

use datafusion_common::{DataFusionError, Result};
use serde::de::DeserializeOwned;

use super::{Plugin, instance::Instance, runtime};
use crate::{
    abi::{
        CallError, HostServicesObject, PluginInstanceObject, install_panic_hook,
        message::Activation, on_drop_failure,
    },
    df55::error::to_call_error,
};

/// What a plugin learns when it is activated.
#[derive(Debug)]
pub struct ActivationContext {
    activation: Activation,
}

impl ActivationContext {
    /// The options that the host's configuration has for this plugin, as JSON.
    pub fn options(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.activation.options
    }

    /// The options as a type of the plugin's.
    ///
    /// # Errors
    /// A configuration error that says which option is wrong.
    pub fn parse_options<T: DeserializeOwned>(&self) -> Result<T> {
        let options = serde_json::Value::Object(self.activation.options.clone());
        serde_json::from_value(options)
            .map_err(|error| DataFusionError::Configuration(format!("options: {error}")))
    }

    /// The name of the host application.
    pub fn host(&self) -> &str {
        &self.activation.host
    }

    /// The host's DataFusion version.
    pub fn datafusion_version(&self) -> &str {
        &self.activation.datafusion
    }
}

/// The plugin that the export macro names.
#[doc(hidden)]
pub trait Author: 'static {
    const NAME: &'static str;
    /// Whether `scalar_function_simplify` is declared.
    const SIMPLIFIES: bool;

    fn activate(context: &ActivationContext) -> Result<Plugin>;
}

/// Starts a plugin; called by the export macro's entry.
#[doc(hidden)]
pub fn activate<A: Author>(
    activation: Activation,
    host: HostServicesObject,
) -> Result<PluginInstanceObject, CallError> {
    let name = match activation.plugin.as_str() {
        "" => A::NAME,
        manifest => manifest,
    };
    super::log::install(name, host, activation.max_level);
    install_panic_hook(name, super::log::log_panic);
    on_drop_failure(super::log::log_drop_failure);
    runtime::set_threads(activation.runtime_threads);
    let name = name.to_owned();
    let mut plugin = A::activate(&ActivationContext { activation })
        .and_then(|plugin| plugin.check_names().map(|()| plugin))
        .and_then(|plugin| plugin.check_namespace(&name).map(|()| plugin))
        .map_err(|error| to_call_error(&error))?;
    for entry in &mut plugin.scalar {
        entry.simplifies = A::SIMPLIFIES && entry.asynchronous.is_none();
    }
    Ok(PluginInstanceObject::new(Instance::new(plugin)))
}

/// The manifest's record of `scalar_function_simplify`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "simplify")]
pub const SIMPLIFY_NEEDS_FEATURE_SIMPLIFY: &str = "scalar_function_simplify:same-major";

/// The manifest's record of `table_expressions`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "table-expressions")]
pub const TABLE_EXPRESSIONS_NEED_FEATURE_TABLE_EXPRESSIONS: &str = "table_expressions:same-major";

/// The manifest's record of `relation_planner`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "planners")]
pub const RELATION_PLANNERS_NEED_FEATURE_PLANNERS: &str = "relation_planner:same-major";

/// The manifest's record of `expr_planner`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "planners")]
pub const EXPR_PLANNERS_NEED_FEATURE_PLANNERS: &str = "expr_planner:same-major";

/// The manifest's record of `type_planner`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "planners")]
pub const TYPE_PLANNERS_NEED_FEATURE_PLANNERS: &str = "type_planner:same-major";

/// The manifest's record of `analyzer_rule`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "rules")]
pub const ANALYZER_RULES_NEED_FEATURE_RULES: &str = "analyzer_rule:same-major";

/// The manifest's record of `optimizer_rule`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "rules")]
pub const OPTIMIZER_RULES_NEED_FEATURE_RULES: &str = "optimizer_rule:same-major";

/// The manifest's record of `physical_optimizer_rule`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "rules")]
pub const PHYSICAL_OPTIMIZER_RULES_NEED_FEATURE_RULES: &str = "physical_optimizer_rule:same-major";

/// The manifest's record of `function_factory`; there is none without the SDK's feature.
#[doc(hidden)]
#[cfg(feature = "function-factory")]
pub const FUNCTION_FACTORIES_NEED_FEATURE_FUNCTION_FACTORY: &str = "function_factory:same-major";

/// Whether a manifest's records declare `scalar_function_simplify`.
#[doc(hidden)]
pub const fn declares_simplify(records: &[(&str, &str)]) -> bool {
    let mut i = 0;
    while i < records.len() {
        if equal(records[i].0, "capability")
            && equal(records[i].1, "scalar_function_simplify:same-major")
        {
            return true;
        }
        i += 1;
    }
    false
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Makes a crate of type `cdylib` a plugin.
///
/// `capabilities` declares what [`Plugin`](crate::sdk::Plugin) will export; a host refuses a plugin
/// that exports something else. `activate` is a function from
/// [`&ActivationContext`](crate::sdk::ActivationContext) to `Result<Plugin>`. Version, description
/// and license are those of the crate.
///
/// ```
/// use datafusion_plugin_api::prelude::*;
///
/// fn activate(_context: &ActivationContext) -> Result<Plugin> {
///     Ok(Plugin::new())
/// }
///
/// datafusion_plugin_api::export_plugin! {
///     name: "nothing",
///     capabilities: [],
///     activate: activate,
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_plugin {
    (
        name: $name:literal,
        capabilities: [$($capability:ident),* $(,)?],
        activate: $activate:path $(,)?
    ) => {
        const _: () = {
            use $crate::{abi, sdk};

            const RECORDS: &[(&str, &str)] = &[
                ("name", $name),
                ("version", ::core::env!("CARGO_PKG_VERSION")),
                ("description", ::core::env!("CARGO_PKG_DESCRIPTION")),
                ("license", ::core::env!("CARGO_PKG_LICENSE")),
                ("contract", abi::CONTRACT_TEXT),
                ("datafusion", abi::built_with::DATAFUSION),
                ("arrow", abi::built_with::ARROW),
                ("datafusion-ffi", abi::built_with::DATAFUSION_FFI),
                ("sqlparser", abi::built_with::SQLPARSER),
                ("rustc", abi::built_with::RUSTC),
                ("target", abi::built_with::TARGET),
                ("profile", abi::built_with::PROFILE),
                ("panic", if ::core::cfg!(panic = "abort") { "abort" } else { "unwind" }),
                $(("capability", $crate::__capability!($capability)),)*
            ];
            const LEN: usize = abi::manifest::encoded_len(RECORDS);

            // Exported, as the linker would drop a section that nothing refers to.
            #[allow(unsafe_code)]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__dfplugin"))]
            #[cfg_attr(windows, unsafe(link_section = ".dfplug"))]
            #[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".dfplugin"))]
            #[unsafe(export_name = "datafusion_plugin_manifest")]
            pub static MANIFEST: [u8; LEN] = abi::manifest::encode(RECORDS);

            #[allow(unsafe_code)]
            #[unsafe(export_name = "datafusion_plugin_root")]
            pub static ROOT: $crate::LibHeader = abi::export_module::<Exported>();

            struct Exported;

            impl sdk::Author for Exported {
                const NAME: &'static str = $name;
                const SIMPLIFIES: bool = sdk::declares_simplify(RECORDS);

                fn activate(
                    context: &sdk::ActivationContext,
                ) -> $crate::prelude::Result<sdk::Plugin> {
                    $activate(context)
                }
            }

            impl abi::PluginEntry for Exported {
                fn activate(
                    activation: abi::message::Activation,
                    host: abi::HostServicesObject,
                ) -> ::core::result::Result<abi::PluginInstanceObject, abi::CallError> {
                    sdk::activate::<Self>(activation, host)
                }
            }
        };
    };
}

/// The manifest record of a capability.
#[doc(hidden)]
#[macro_export]
macro_rules! __capability {
    (scalar_function) => {
        "scalar_function:portable"
    };
    (async_scalar_function) => {
        "async_scalar_function:portable"
    };
    (aggregate_function) => {
        "aggregate_function:portable"
    };
    (window_function) => {
        "window_function:portable"
    };
    (table_function) => {
        "table_function:portable"
    };
    (table_provider) => {
        "table_provider:portable"
    };
    (table_provider_factory) => {
        "table_provider_factory:portable"
    };
    (catalog_provider) => {
        "catalog_provider:portable"
    };
    (policy) => {
        "policy:portable"
    };
    (session_options) => {
        "session_options:portable"
    };
    (table_expressions) => {
        $crate::sdk::TABLE_EXPRESSIONS_NEED_FEATURE_TABLE_EXPRESSIONS
    };
    (relation_planner) => {
        $crate::sdk::RELATION_PLANNERS_NEED_FEATURE_PLANNERS
    };
    (expr_planner) => {
        $crate::sdk::EXPR_PLANNERS_NEED_FEATURE_PLANNERS
    };
    (type_planner) => {
        $crate::sdk::TYPE_PLANNERS_NEED_FEATURE_PLANNERS
    };
    (analyzer_rule) => {
        $crate::sdk::ANALYZER_RULES_NEED_FEATURE_RULES
    };
    (optimizer_rule) => {
        $crate::sdk::OPTIMIZER_RULES_NEED_FEATURE_RULES
    };
    (physical_optimizer_rule) => {
        $crate::sdk::PHYSICAL_OPTIMIZER_RULES_NEED_FEATURE_RULES
    };
    (function_factory) => {
        $crate::sdk::FUNCTION_FACTORIES_NEED_FEATURE_FUNCTION_FACTORY
    };
    (scalar_function_simplify) => {
        $crate::sdk::SIMPLIFY_NEEDS_FEATURE_SIMPLIFY
    };
}
