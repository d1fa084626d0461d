//! One loaded plugin.

use std::{path::Path, sync::Arc, time::Duration};

use datafusion::arrow::datatypes::DataType;
use datafusion_plugin_api::abi::{
    HostServicesObject, PluginInstanceObject,
    manifest::{Capability, CapabilityKind, Manifest},
    message::{Activation, Exports, FunctionKind, PlannerDescriptor, RuleStage},
};

use super::source::{self, Source};
use crate::{
    artifact::{Artifact, description::Description},
    config::{Config, PluginConfig},
    error::LoadProblem,
    import::{
        async_scalar::AsyncLimits,
        health::Quarantine,
        imported::{self, Described, Imported},
        origin::Activated,
        policy::{self, ImportedPolicy},
    },
    judge::{HostIdentity, JudgeOptions, Refusal, judge},
    load::{self, LoadError},
    log::{HostLog, current_max_level},
    threads::Threads,
    trust::{Checked, Grants, TrustBasis},
};

/// A plugin that is loaded and activated. Its library stays mapped for the life of the process.
#[derive(Debug)]
pub struct LoadedPlugin {
    artifact: Artifact,
    trust: TrustBasis,
    grants: Grants,
    described: Described,
    refused: Vec<RefusedCapability>,
    functions: Vec<Imported>,
    policies: Vec<Arc<ImportedPolicy>>,
    activated: Arc<Activated>,
    source: Source,
}

/// A declared capability that this host does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedCapability {
    /// The capability.
    pub capability: Capability,
    /// Why.
    pub reason: Refusal,
}

impl LoadedPlugin {
    /// As [`Self::load`], with the limit of time that the configuration sets.
    pub(super) fn load_within(
        checked: Checked,
        grants: Grants,
        config: &Config,
        host: &str,
    ) -> Result<Self, LoadProblem> {
        let plugin = checked.artifact().manifest().name.clone();
        let Some(limit) = config.limits(&plugin).activation_ms else {
            return Self::load(checked, grants, config, host);
        };
        let (config, host) = (config.clone(), host.to_owned());
        let loading = Threads::new(format!("load {plugin}"), 1);
        let loaded = loading.run(Duration::from_millis(limit), move || {
            Self::load(checked, grants, &config, &host)
        });
        loaded.unwrap_or_else(|error| {
            let problem = error.to_string();
            Err(LoadProblem::NoAnswer { plugin, problem })
        })
    }

    /// Judges, opens and activates the plugin of an artifact.
    fn load(
        checked: Checked,
        grants: Grants,
        config: &Config,
        host: &str,
    ) -> Result<Self, LoadProblem> {
        let in_place = checked.snapshot.is_none();
        let Checked {
            artifact,
            basis,
            snapshot,
            ..
        } = match in_place && !source::may_open_in_place(checked.artifact().path()) {
            true => checked.copied().map_err(LoadProblem::Artifact)?,
            false => checked,
        };
        let manifest = artifact.manifest();
        let name = manifest.name.clone();
        let settings = config.plugin(&name);
        let options = JudgeOptions::default().with_panic_abort(settings.allow_panic_abort);
        let verdict = judge(&artifact, &HostIdentity::current(), &options);
        if !verdict.loadable() {
            return Err(LoadProblem::Refused {
                plugin: name,
                reasons: verdict.reasons,
            });
        }
        let verdict = verdict.within(&grants, &name);
        let source = Source::of(artifact.path(), snapshot.as_ref());
        let opened = match snapshot {
            Some(snapshot) => load::open_snapshot(snapshot),
            None => load::open(artifact.path()),
        };
        if in_place && matches!(opened, Err(LoadError::Open(_))) {
            source::was_not_opened(artifact.path());
        }
        let load::Opened { module, library } = opened.map_err(|source| LoadProblem::Open {
            plugin: name.clone(),
            source,
        })?;
        let attribute = |error: datafusion_plugin_api::abi::CallError| {
            LoadProblem::Activate(error.attributed_to(&name).at(&name, "", "activate", ""))
        };
        let instance = activate(module, &name, &settings, config, host).map_err(attribute)?;
        let described = Described::of(&instance).map_err(attribute)?;
        let undeclared = |problem| LoadProblem::Undeclared {
            plugin: name.clone(),
            problem,
        };
        check_declared(manifest, &described.exports).map_err(undeclared)?;
        if let Some(packed) = artifact.description() {
            let activated = Description::of(&described.exports, &described.types);
            if let Some(difference) = packed.disagreement(&activated) {
                return Err(undeclared(format!(
                    "has a packed description that differs from what it exports: {difference}; \
                     pack it again"
                )));
            }
        }
        let limits = AsyncLimits {
            timeout: settings.async_timeout(),
            batch_size: settings.async_batch_size,
        };
        let granted: Vec<_> = verdict
            .granted
            .into_iter()
            .map(|granted| granted.kind)
            .collect();
        let expressions = granted.contains(&CapabilityKind::TableExpressions);
        let activated = Activated::new(&name, library, expressions, config);
        let functions = imported::import(&activated, &instance, &described, limits, &granted)
            .map_err(attribute)?;
        let policies = match granted.contains(&CapabilityKind::Policy) {
            true => policy::import(&activated, &instance, &described.exports.policies),
            false => Ok(Vec::new()),
        };
        let policies = policies.map_err(attribute)?;
        activated.keep(instance);
        let refused = verdict
            .refused_capabilities
            .into_iter()
            .map(|(capability, reason)| RefusedCapability { capability, reason })
            .collect();
        Ok(Self {
            artifact,
            trust: basis,
            grants,
            described,
            refused,
            functions,
            policies,
            activated,
            source,
        })
    }

    /// Lets go of plugins, as [`Self::dispose`] does of those that nobody else has.
    pub(super) fn let_go(plugins: impl IntoIterator<Item = Arc<Self>>) {
        let last = plugins.into_iter().filter_map(Arc::into_inner);
        last.for_each(Self::dispose);
    }

    /// Drops it on threads of its own: what its author has it do then may block.
    pub(super) fn dispose(self) {
        // Without the plugin: this end of it may be the last.
        let threads = Arc::clone(&self.activated.limits().threads);
        threads.dispose(self);
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.manifest().name
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        self.artifact.manifest()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.artifact.path()
    }

    /// What it exports, and the types that the signatures speak of.
    pub fn exports(&self) -> (&Exports, &[DataType]) {
        (&self.described.exports, &self.described.types)
    }

    /// What it exports, as text.
    pub fn description(&self) -> Description {
        Description::of(&self.described.exports, &self.described.types)
    }

    /// Declared capabilities that this host does not take, and why.
    pub fn refused(&self) -> &[RefusedCapability] {
        &self.refused
    }

    /// Why and since when the plugin is in quarantine; nothing while it is in use.
    pub fn quarantine(&self) -> Option<Quarantine> {
        self.activated.health().quarantine()
    }

    /// What it was loaded from.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    pub(crate) fn activated(&self) -> &Arc<Activated> {
        &self.activated
    }

    /// Why it was loaded.
    pub fn trust(&self) -> &TrustBasis {
        &self.trust
    }

    /// What it may do.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// The policies that it exports and that are not granted, as `plugin.policy`.
    pub(crate) fn ungranted_policies(&self) -> impl Iterator<Item = String> {
        let refused = !self.grants.allow_capability(&CapabilityKind::Policy);
        let policies = self
            .described
            .exports
            .policies
            .iter()
            .filter(move |_| refused);
        policies.map(|policy| format!("{}.{policy}", self.name()))
    }

    pub(crate) fn functions(&self) -> &[Imported] {
        &self.functions
    }

    pub(crate) fn policies(&self) -> &[Arc<ImportedPolicy>] {
        &self.policies
    }
}

fn activate(
    module: datafusion_plugin_api::abi::PluginModuleRef,
    name: &str,
    settings: &PluginConfig,
    config: &Config,
    host: &str,
) -> Result<PluginInstanceObject, datafusion_plugin_api::abi::CallError> {
    let activation = Activation {
        options: settings.options.clone(),
        plugin: name.to_owned(),
        host: host.to_owned(),
        datafusion: datafusion::DATAFUSION_VERSION.to_owned(),
        runtime_threads: config.runtime_threads(name),
        max_level: current_max_level(),
    };
    let activation = serde_json::to_string(&activation).map_err(|error| {
        datafusion_plugin_api::abi::CallError::contract(format!("unwritable options: {error}"))
    })?;
    let services = HostServicesObject::new(HostLog::new(name));
    module.activate()(activation.into(), services).into_result()
}

/// Compares what is exported with what the manifest declares, by kind.
fn check_declared(manifest: &Manifest, exports: &Exports) -> Result<(), String> {
    let functions = &exports.scalar_functions;
    let of_kind = |kind| functions.iter().find(|function| function.kind == kind);
    let first = |function: Option<&datafusion_plugin_api::abi::message::FunctionDescriptor>| {
        function.map(|function| function.name.clone())
    };
    let planner = |planners: &[PlannerDescriptor]| planners.first().map(|p| p.name.clone());
    let rule = |stage| {
        let rule = exports.rules.iter().find(|rule| rule.stage == stage);
        rule.map(|rule| rule.name.clone())
    };
    let exported = [
        (
            CapabilityKind::ScalarFunction,
            first(of_kind(FunctionKind::Scalar)),
        ),
        (
            CapabilityKind::AsyncScalarFunction,
            first(of_kind(FunctionKind::AsyncScalar)),
        ),
        (
            CapabilityKind::AggregateFunction,
            first(exports.aggregate_functions.first()),
        ),
        (
            CapabilityKind::WindowFunction,
            first(exports.window_functions.first()),
        ),
        (
            CapabilityKind::TableFunction,
            exports
                .table_functions
                .first()
                .map(|function| function.name.clone()),
        ),
        (
            CapabilityKind::TableProvider,
            exports.tables.first().cloned(),
        ),
        (
            CapabilityKind::TableProviderFactory,
            exports.table_factories.first().cloned(),
        ),
        (
            CapabilityKind::CatalogProvider,
            exports.catalogs.first().cloned(),
        ),
        (CapabilityKind::Policy, exports.policies.first().cloned()),
        (
            CapabilityKind::RelationPlanner,
            planner(&exports.relation_planners),
        ),
        (
            CapabilityKind::ExprPlanner,
            planner(&exports.expression_planners),
        ),
        (CapabilityKind::TypePlanner, planner(&exports.type_planners)),
        (CapabilityKind::AnalyzerRule, rule(RuleStage::Analyzer)),
        (CapabilityKind::OptimizerRule, rule(RuleStage::Optimizer)),
        (
            CapabilityKind::PhysicalOptimizerRule,
            rule(RuleStage::Physical),
        ),
        (
            CapabilityKind::FunctionFactory,
            exports.function_factories.first().cloned(),
        ),
        (
            CapabilityKind::SessionOptions,
            exports.options.as_ref().map(|o| o.namespace.clone()),
        ),
        (
            CapabilityKind::ScalarFunctionSimplify,
            first(functions.iter().find(|function| function.simplifies)),
        ),
    ];
    let declares = |kind: &CapabilityKind| {
        let mut declared = manifest.capabilities.iter();
        declared.any(|capability| capability.kind == *kind)
    };
    for (kind, example) in exported {
        let declared = declares(&kind);
        match example {
            Some(name) if !declared => {
                return Err(format!(
                    "exports '{name}', but its manifest does not declare capability '{kind}'"
                ));
            }
            None if declared => {
                return Err(format!(
                    "declares capability '{kind}' in its manifest, but exports nothing of it"
                ));
            }
            _ => {}
        }
    }
    // Whether a table understands expressions shows when it is there, not in the exports.
    let tables = exports.table_functions.len()
        + exports.tables.len()
        + exports.table_factories.len()
        + exports.catalogs.len();
    let kind = CapabilityKind::TableExpressions;
    if declares(&kind) && tables == 0 {
        return Err(format!(
            "declares capability '{kind}' in its manifest, but exports nothing that yields tables"
        ));
    }
    Ok(())
}

/// The plugin's identity in messages.
impl std::fmt::Display for LoadedPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name(), self.manifest().version)
    }
}

/// Shared by all sessions, so callable from any thread.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Arc<LoadedPlugin>>();
};
