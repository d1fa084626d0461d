//! Finding and loading plugins.

use std::{path::PathBuf, sync::Arc};

use datafusion_plugin_api::abi::{CallError, PluginInstanceObject};

use super::{Inner, LoadedPlugin, PassedOverFile, PluginHost};
use crate::{
    artifact::{Artifact, ArtifactProblem},
    config::Config,
    discover::{Candidate, Origin, SearchPath, check_unique_names},
    error::{HostError, LoadFailure, LoadFailures, LoadProblem},
    import::{
        drops::report_drop_failures,
        imported::Described,
        origin::Activated,
        policy::{self, ImportedPolicy},
    },
    policy::Guard,
};

/// Says where plugins are and how they may be used.
#[derive(Debug, Default)]
pub struct PluginHostBuilder {
    search: SearchPath,
    config: Config,
    name: Option<String>,
    linked_in: Vec<(String, PluginInstanceObject)>,
}

impl PluginHostBuilder {
    /// Searches along `search`, in place of what was named before.
    pub fn search(mut self, search: SearchPath) -> Self {
        self.search = search;
        self
    }

    /// Adds a plugin file. It must be loadable.
    pub fn plugin_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.search = self.search.with_file(path);
        self
    }

    /// Adds a directory. Its libraries that are plugins must be loadable; others are passed over.
    pub fn plugin_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.search = self.search.with_dir(path);
        self
    }

    /// Sets the configuration, `plugins.toml`.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The application's name, told to plugins.
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Takes the policies of a plugin that is linked into this program, under the plugin's name. Its
    /// other exports are not taken: an application registers those with DataFusion.
    pub fn linked_policies(
        mut self,
        plugin: impl Into<String>,
        instance: PluginInstanceObject,
    ) -> Self {
        self.linked_in.push((plugin.into(), instance));
        self
    }

    /// Finds, judges, loads and activates the plugins.
    ///
    /// # Errors
    /// When a named path is missing, two files hold plugins of one name, or a plugin cannot be
    /// loaded. All failures are listed; none of the plugins is used then.
    pub fn load(self) -> Result<PluginHost, HostError> {
        report_drop_failures();
        let found = self.search.find().complete()?;
        let mut passed_over: Vec<_> = found.passed_over.into_iter().map(Into::into).collect();
        let mut failures = Vec::new();
        let mut artifacts = Vec::new();
        for candidate in found.candidates {
            match self.read(&candidate) {
                Ok(Use::Yes(artifact)) => artifacts.push(*artifact),
                Ok(Use::No(reason)) => {
                    passed_over.push(PassedOverFile {
                        path: candidate.path,
                        reason,
                    });
                }
                Err(problem) => failures.push(LoadFailure {
                    path: candidate.path,
                    problem,
                }),
            }
        }
        check_unique_names(
            artifacts
                .iter()
                .map(|artifact| (artifact.manifest().name.as_str(), artifact.path())),
        )?;
        let host = self.name.as_deref().unwrap_or("datafusion-plugin-host");
        let mut plugins = Vec::new();
        for artifact in artifacts {
            let path = artifact.path().to_owned();
            match LoadedPlugin::load_within(artifact, &self.config, host) {
                Ok(plugin) => plugins.push(plugin),
                Err(problem) => failures.push(LoadFailure { path, problem }),
            }
        }
        if !failures.is_empty() {
            return Err(HostError::Load(LoadFailures {
                failures,
                others: plugins.len(),
            }));
        }
        let mut linked_in = Vec::new();
        for (plugin, instance) in self.linked_in {
            let taken = LinkedIn::take(&plugin, instance, &self.config);
            let refuse = |source| HostError::LinkedIn { plugin, source };
            linked_in.push(taken.map_err(refuse)?);
        }
        let linked = linked_in.iter().flat_map(|plugin| &plugin.policies);
        let mut policies: Vec<_> = linked.cloned().collect();
        policies.extend(plugins.iter().flat_map(|plugin| plugin.policies()).cloned());
        let guard = Guard::new(policies, &self.config.policies.required);
        let inner = Inner {
            guard: Arc::new(guard),
            linked_in,
            plugins,
            passed_over,
            config: self.config,
        };
        Ok(PluginHost {
            inner: Arc::new(inner),
        })
    }

    fn read(&self, candidate: &Candidate) -> Result<Use, LoadProblem> {
        match Artifact::read(&candidate.path) {
            Ok(artifact) => {
                let name = &artifact.manifest().name;
                if self.config.plugin(name).enabled {
                    return Ok(Use::Yes(Box::new(artifact)));
                }
                Ok(Use::No(format!(
                    "plugin '{name}' is disabled in the configuration"
                )))
            }
            // A directory may hold libraries that plugins depend on.
            Err(error)
                if matches!(error.problem, ArtifactProblem::NoManifest { .. })
                    && candidate.origin != Origin::PluginFile =>
            {
                Ok(Use::No(error.problem.to_string()))
            }
            Err(error) => Err(LoadProblem::Artifact(error)),
        }
    }
}

/// A plugin that is linked into the program, of which the policies are taken.
#[derive(Debug)]
pub(super) struct LinkedIn {
    pub(super) activated: Arc<Activated>,
    pub(super) policies: Vec<Arc<ImportedPolicy>>,
    /// Lives as long as its policies.
    _instance: PluginInstanceObject,
}

impl LinkedIn {
    fn take(
        plugin: &str,
        instance: PluginInstanceObject,
        config: &Config,
    ) -> Result<Self, CallError> {
        let described = Described::of(&instance)?;
        let activated = Activated::new(plugin, false, config);
        let policies = policy::import(&activated, &instance, &described.exports.policies)?;
        Ok(Self {
            activated,
            policies,
            _instance: instance,
        })
    }
}

/// Whether a candidate is used, or why not.
enum Use {
    Yes(Box<Artifact>),
    No(String),
}
