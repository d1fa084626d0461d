//! Finding and loading plugins.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;

use datafusion_plugin_api::abi::{CallError, PluginInstanceObject};

use super::{Generation, Inner, LoadedPlugin, PassedOverFile, PluginHost, sessions::Sessions};
use crate::{
    config::Config,
    discover::{SearchPath, check_unique_names},
    error::{HostError, LoadFailure, LoadFailures, LoadProblem},
    import::{
        drops::report_drop_failures,
        imported::Described,
        origin::Activated,
        policy::{self, ImportedPolicy},
    },
    load::own_library,
    policy::{Guard, SharedGuard},
    trust::{Checked, Examined, Grant, Grants, Trust, TrustMode, TrustProblem},
};

/// How often a search is made when directories change under way.
const SEARCHES: usize = 10;

/// Says where plugins are and how they may be used.
#[derive(Debug, Default)]
pub struct PluginHostBuilder {
    search: SearchPath,
    config: Config,
    name: Option<String>,
    linked_in: Vec<(String, PluginInstanceObject)>,
    grants: BTreeMap<String, Vec<Grant>>,
    grants_all: bool,
}

/// Plugins that were found and may be loaded, with the bytes that will be loaded. Nothing of them has
/// been executed.
#[derive(Debug)]
pub struct CheckedPlugins {
    builder: PluginHostBuilder,
    checked: Vec<Checked>,
    passed_over: Vec<PassedOverFile>,
    /// Directories whose files need something to vouch for them.
    vouched: BTreeSet<PathBuf>,
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

    /// Lets a plugin do what `grants` name, beside what the configuration and the lock grant.
    pub fn grant(
        mut self,
        plugin: impl Into<String>,
        grants: impl IntoIterator<Item = Grant>,
    ) -> Self {
        self.grants.entry(plugin.into()).or_default().extend(grants);
        self
    }

    /// Grants every capability to every plugin: for an application that chooses its plugins itself. Names of
    /// built-ins stay with them.
    pub fn grant_every_capability(mut self) -> Self {
        self.grants_all = true;
        self
    }

    /// Finds, checks, judges, loads and activates the plugins.
    ///
    /// # Errors
    /// When a named path is missing, two files hold plugins of one name, or a plugin is not trusted or cannot
    /// be loaded. All failures of a stage are listed; none of the plugins is used then.
    pub fn load(self) -> Result<PluginHost, HostError> {
        self.check()?.load()
    }

    /// Finds the plugins and checks what vouches for them. Nothing of them is executed; what
    /// [`CheckedPlugins::load`] loads is what was checked here, whatever becomes of the files meanwhile.
    /// In mode `any` nothing vouches for the bytes, and the file is loaded as it is then.
    ///
    /// # Errors
    /// As [`PluginHostBuilder::load`].
    pub fn check(self) -> Result<CheckedPlugins, HostError> {
        let Found {
            checked,
            passed_over,
            failures,
            mut vouched,
            ..
        } = self.find()?;
        if !failures.is_empty() {
            let failures = failures.into_iter().map(|failed| failed.failure);
            return Err(HostError::Load(LoadFailures {
                failures: failures.collect(),
                others: checked.len(),
            }));
        }
        // Files that are named have directories too.
        let trusted = checked
            .iter()
            .filter(|plugin| plugin.basis().mode != TrustMode::Any);
        let trusted = trusted.filter_map(|plugin| plugin.artifact().path().parent());
        vouched.extend(trusted.map(Path::to_owned));
        Ok(CheckedPlugins {
            builder: self,
            checked,
            passed_over,
            vouched,
        })
    }

    /// Finds and checks the plugins that are enabled.
    ///
    /// # Errors
    /// When a named path is missing, or two files hold plugins of one name.
    pub(super) fn find(&self) -> Result<Found, HostError> {
        for _ in 1..SEARCHES {
            let mut trust = Trust::new(&self.config);
            trust.read_locks(&self.search);
            let found = self.find_by(&mut trust);
            if trust.is_current() {
                return found;
            }
        }
        self.find_by(&mut Trust::new(&self.config))
    }

    fn find_by(&self, trust: &mut Trust<'_>) -> Result<Found, HostError> {
        let found = self.search.find().complete()?;
        let mut passed_over: Vec<_> = found.passed_over.into_iter().map(Into::into).collect();
        let missing = trust.missing(&self.search).into_iter();
        let mut failures: Vec<_> = missing.map(FailedFile::from).collect();
        let (mut vouched, mut locked) = (BTreeSet::new(), BTreeSet::new());
        let mut unreadable = BTreeSet::new();
        for (_, path) in self.search.paths().filter(|(_, path)| path.is_dir()) {
            let (mode, lock) = match trust.mode(path) {
                Ok(found) => found,
                // A lock that cannot be used vouches for nothing else.
                Err(_) => {
                    unreadable.insert(path.to_owned());
                    (TrustMode::Locked, None)
                }
            };
            if mode != TrustMode::Any {
                vouched.insert(path.to_owned());
            }
            let names = lock.iter().flat_map(|lock| lock.plugins());
            locked.extend(names.map(|entry| (path.to_owned(), entry.name.clone())));
        }
        let (mut checked, mut not_locked) = (Vec::new(), Vec::new());
        for candidate in found.candidates {
            match trust.examine(&candidate) {
                Ok(Examined::Plugin(plugin)) => checked.push(*plugin),
                Ok(Examined::PassedOver(reason)) => passed_over.push(PassedOverFile {
                    path: candidate.path,
                    reason,
                }),
                Ok(Examined::NotLocked(reason)) => {
                    not_locked.push(candidate.path.clone());
                    passed_over.push(PassedOverFile {
                        path: candidate.path,
                        reason,
                    });
                }
                Err(problem) => failures.push(FailedFile {
                    plugin: locked_name(trust, &candidate.path),
                    failure: LoadFailure {
                        path: candidate.path,
                        problem,
                    },
                }),
            }
        }
        check_unique_names(checked.iter().map(|plugin| {
            let artifact = plugin.artifact();
            (artifact.manifest().name.as_str(), artifact.path())
        }))?;
        Ok(Found {
            checked,
            passed_over,
            not_locked,
            failures,
            vouched,
            locked,
            unreadable,
        })
    }

    /// Judges, opens and activates a plugin.
    pub(super) fn load_one(&self, checked: Checked) -> Result<LoadedPlugin, LoadProblem> {
        let host = self.name.as_deref().unwrap_or("datafusion-plugin-host");
        let grants = self.granted(&checked);
        LoadedPlugin::load_within(checked, grants, &self.config, host)
    }

    pub(super) fn configuration(&self) -> &Config {
        &self.config
    }

    /// Where plugins are looked for.
    #[cfg(feature = "watch")]
    pub(super) fn searched(&self) -> &SearchPath {
        &self.search
    }

    /// What a plugin may do.
    pub(super) fn granted(&self, checked: &Checked) -> Grants {
        let name = &checked.artifact().manifest().name;
        let own = self.grants.get(name).into_iter().flatten();
        let named = checked.granted().iter().chain(own).cloned();
        let grants = self.config.plugin(name).granted().and(named);
        match self.grants_all {
            true => grants.and_every_capability(),
            false => grants,
        }
    }
}

impl CheckedPlugins {
    /// The plugins, in the order they were found.
    pub fn plugins(&self) -> &[Checked] {
        &self.checked
    }

    /// Judges, loads and activates them.
    ///
    /// # Errors
    /// When one does not suit the host or cannot be loaded. All failures are listed; none of the
    /// plugins is used then.
    pub fn load(self) -> Result<PluginHost, HostError> {
        report_drop_failures();
        let Self {
            mut builder,
            checked,
            passed_over,
            vouched,
        } = self;
        let mut failures = Vec::new();
        let mut plugins = Vec::new();
        for checked in checked {
            let path = checked.artifact().path().to_owned();
            match builder.load_one(checked) {
                Ok(plugin) => plugins.push(Arc::new(plugin)),
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
        for (plugin, instance) in std::mem::take(&mut builder.linked_in) {
            let taken = LinkedIn::take(&plugin, instance, &builder.config);
            let refuse = |source| HostError::LinkedIn { plugin, source };
            linked_in.push(taken.map_err(refuse)?);
        }
        let guard = guard_of(&builder.config, &linked_in, &plugins, None);
        let inner = Inner {
            guard: Arc::new(SharedGuard::new(guard)),
            linked_in,
            vouched: Mutex::new(vouched),
            current: ArcSwap::from_pointee(Generation {
                plugins: plugins.into(),
                passed_over: passed_over.into(),
            }),
            loader: builder,
            sessions: Sessions::default(),
            retained: Mutex::default(),
            reloading: Mutex::default(),
        };
        Ok(PluginHost {
            inner: Arc::new(inner),
        })
    }
}

/// The policies of all plugins, asked as one.
pub(super) fn guard_of(
    config: &Config,
    linked_in: &[LinkedIn],
    plugins: &[Arc<LoadedPlugin>],
    earlier: Option<&Guard>,
) -> Guard {
    let linked = linked_in.iter().flat_map(|plugin| &plugin.policies);
    let loaded = plugins.iter().flat_map(|plugin| plugin.policies());
    let ungranted = plugins
        .iter()
        .flat_map(|plugin| plugin.ungranted_policies());
    let policies = linked.chain(loaded).cloned();
    Guard::new(policies, &config.policies.required, ungranted, earlier)
}

/// What a search found.
pub(super) struct Found {
    pub(super) checked: Vec<Checked>,
    pub(super) passed_over: Vec<PassedOverFile>,
    /// Files among them that a lock does not name.
    pub(super) not_locked: Vec<PathBuf>,
    pub(super) failures: Vec<FailedFile>,
    /// Directories, with plugins or without, whose files need something to vouch for them.
    pub(super) vouched: BTreeSet<PathBuf>,
    /// The plugins that the locks of directories name, whatever came of their files.
    pub(super) locked: BTreeSet<(PathBuf, String)>,
    /// Directories with a lock that cannot be used.
    pub(super) unreadable: BTreeSet<PathBuf>,
}

/// A file that cannot be used.
pub(super) struct FailedFile {
    /// The plugin that it should be, as the lock has it.
    pub(super) plugin: Option<String>,
    pub(super) failure: LoadFailure,
}

impl From<LoadFailure> for FailedFile {
    fn from(failure: LoadFailure) -> Self {
        let plugin = match &failure.problem {
            LoadProblem::Trust(TrustProblem::Missing { plugin, .. }) => Some(plugin.clone()),
            _ => None,
        };
        Self { plugin, failure }
    }
}

/// The plugin that a lock names a file for.
fn locked_name(trust: &mut Trust<'_>, path: &Path) -> Option<String> {
    let (_, lock) = trust.mode(path.parent()?).ok()?;
    Some(lock?.plugin_of_file(path)?.name.clone())
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
        let activated = Activated::new(plugin, own_library(), false, config);
        let policies = policy::import(&activated, &instance, &described.exports.policies)?;
        Ok(Self {
            activated,
            policies,
            _instance: instance,
        })
    }
}
