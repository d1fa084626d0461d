//! `plugins.toml`: what the host's owner decides about plugins.
//!
//! ```toml
//! [plugins.spark]
//! enabled = true              # the default
//! replace_builtins = false    # the default: built-ins keep their bare names
//! allow_panic_abort = false   # the default: a plugin whose panics end the process is refused
//! async_timeout_ms = 30000
//! async_batch_size = 1024
//! options = { ansi = true }   # handed to the plugin at activation
//! quarantine = { after = 3 }  # in place of the host's
//! limits = { stream_ms = 60000, memory_bytes = 1073741824 } # each in place of the host's
//! grants = ["expr_planner"]   # beyond functions and tables
//! validation = "full"         # in place of the host's
//!
//! [trust]
//! mode = "signed"             # or "locked", the default where there is a plugins.lock, or "any" without keys
//! keys = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
//!
//! [names]
//! prefer = { sha2 = "spark" } # who gets a bare name that several plugins have
//!
//! [policies]
//! required = ["policy"]       # plugins without whose policies no statement runs
//! time_limit_ms = 1000        # the default: a decision that takes longer refuses the statement
//!
//! [host]
//! runtime_threads = 4         # of each plugin's own runtime; 0 lets the plugin choose
//! quarantine = { after = 10, within_ms = 60000 } # the default: so many faults are too many; 0 for never
//! limits = { activation_ms = 10000, planning_ms = 5000 } # of each plugin; none are the default
//! validation = "structural"   # the default, or "full": how far arrays of plugins are looked at
//! ```

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

pub use datafusion_plugin_api::abi::Validation;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::trust::{Grant, Grants, TrustConfig, TrustProblem, check_file};

/// The configuration of a host's plugins. The default lets every plugin in, by the rules.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// By plugin name.
    pub plugins: BTreeMap<String, PluginConfig>,
    /// What must vouch for a file.
    pub trust: TrustConfig,
    /// Who gets which name.
    pub names: NamesConfig,
    /// Which policies there must be, and how long they may think.
    pub policies: PoliciesConfig,
    /// The host itself.
    pub host: HostConfig,
}

/// What is decided about one plugin.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PluginConfig {
    /// Whether it is loaded at all.
    pub enabled: bool,
    /// Whether its functions take bare names from built-in ones.
    pub replace_builtins: bool,
    /// Whether it is taken although its panics end the process.
    pub allow_panic_abort: bool,
    /// What it may do beyond functions and tables, by name.
    pub grants: Vec<Grant>,
    /// How long one call of an async function may take, in milliseconds; no limit when absent.
    pub async_timeout_ms: Option<u64>,
    /// Rows per call of its async functions; what the function asks for when absent.
    pub async_batch_size: Option<usize>,
    /// How many panics and violations of the contract are too many.
    ///
    /// The host's where absent.
    pub quarantine: Option<QuarantineConfig>,
    /// What it may take; the host's where absent.
    pub limits: LimitsConfig,
    /// How far arrays that it returns are looked at; the host's where absent.
    pub validation: Option<Validation>,
    /// Handed to the plugin at activation, as JSON.
    #[serde(deserialize_with = "json_options")]
    pub options: Map<String, Value>,
}

impl Default for PluginConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            replace_builtins: false,
            allow_panic_abort: false,
            grants: Vec::new(),
            async_timeout_ms: None,
            async_batch_size: None,
            quarantine: None,
            limits: LimitsConfig::default(),
            validation: None,
            options: Map::new(),
        }
    }
}

impl PluginConfig {
    /// What it may do, as far as the configuration says.
    pub fn granted(&self) -> Grants {
        let replace = self.replace_builtins.then_some(Grant::ReplaceBuiltins);
        Grants::default()
            .and(self.grants.iter().cloned())
            .and(replace)
    }

    /// How long one call of an async function may take.
    pub fn async_timeout(&self) -> Option<Duration> {
        self.async_timeout_ms.map(Duration::from_millis)
    }
}

/// What a plugin may take. Absent is without a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitsConfig {
    /// Threads of its runtime; `host.runtime_threads` where absent.
    pub runtime_threads: Option<usize>,
    /// Bytes that its scans may reserve together.
    pub memory_bytes: Option<usize>,
    /// How long loading and activating may take, in milliseconds.
    pub activation_ms: Option<u64>,
    /// How long a call while a statement is planned may take, in milliseconds.
    pub planning_ms: Option<u64>,
    /// How long a decision of a policy may take, in milliseconds; `policies.time_limit_ms` where absent.
    pub policy_ms: Option<u64>,
    /// How long a stream may take for its next batch, in milliseconds.
    pub stream_ms: Option<u64>,
}

impl LimitsConfig {
    /// These, and where they are absent `others`.
    fn or(self, others: Self) -> Self {
        Self {
            runtime_threads: self.runtime_threads.or(others.runtime_threads),
            memory_bytes: self.memory_bytes.or(others.memory_bytes),
            activation_ms: self.activation_ms.or(others.activation_ms),
            planning_ms: self.planning_ms.or(others.planning_ms),
            policy_ms: self.policy_ms.or(others.policy_ms),
            stream_ms: self.stream_ms.or(others.stream_ms),
        }
    }
}

/// How many panics and violations of the contract put a plugin in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct QuarantineConfig {
    /// How many; 0 for never.
    pub after: u32,
    /// Within how many milliseconds.
    pub within_ms: u64,
}

impl Default for QuarantineConfig {
    fn default() -> Self {
        Self {
            after: 10,
            within_ms: 60_000,
        }
    }
}

impl QuarantineConfig {
    /// Within what time.
    pub fn within(&self) -> Duration {
        Duration::from_millis(self.within_ms)
    }
}

/// Who gets which name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NamesConfig {
    /// The plugin that a bare name belongs to, of several that have it.
    pub prefer: BTreeMap<String, String>,
}

/// Policies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PoliciesConfig {
    /// Plugins, or single policies as `plugin.policy`, without which every statement is refused.
    pub required: Vec<String>,
    /// How long a decision may take, in milliseconds.
    pub time_limit_ms: u64,
}

impl Default for PoliciesConfig {
    fn default() -> Self {
        Self {
            required: Vec::new(),
            time_limit_ms: 1000,
        }
    }
}

impl PoliciesConfig {
    /// How long a decision may take.
    pub fn time_limit(&self) -> Duration {
        Duration::from_millis(self.time_limit_ms)
    }
}

/// The host itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HostConfig {
    /// Threads of each plugin's own runtime; 0 lets the plugin choose.
    pub runtime_threads: usize,
    /// How many panics and violations of the contract put a plugin in quarantine.
    pub quarantine: QuarantineConfig,
    /// What each plugin may take.
    pub limits: LimitsConfig,
    /// How far arrays that plugins return are looked at before DataFusion takes them.
    pub validation: Validation,
}

/// Why a configuration could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others can change the file, and with it what is decided about plugins.
    #[error(
        "{}: {}, or take it all the same with --allow-writable-config (Config::read_unchecked)",
        path.display(), problem.of_place()
    )]
    Place {
        /// The file.
        path: PathBuf,
        /// Who can, and where.
        problem: Box<TrustProblem>,
    },
    /// The text is no configuration; the message names line and key.
    #[error("{}: {message}", path.display())]
    Form {
        /// The file; `plugins.toml` for a text that is not in a file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

impl Config {
    /// Reads a file that nobody else can change: it settles what must vouch for plugins, and what they may do. It and the
    /// way to it are looked at as a lock's are. `trust.allow_writable_directories` does not count, as it stands in the file.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file, and line and key of what is wrong in it, or who else can change it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let safe = check_file(path).map_err(|source| ConfigError::Io {
            path: path.to_owned(),
            source,
        })?;
        safe.map_err(|problem| ConfigError::Place {
            path: path.to_owned(),
            problem: Box::new(problem),
        })?;
        Self::read_unchecked(path)
    }

    /// Reads a file, whoever else can change it.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the file, and line and key of what is wrong in it.
    pub fn read_unchecked(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::of(&text, path)
    }

    /// Reads a text. What is relative in it is from the working directory of the moment.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::of(text, Path::new("plugins.toml"))
    }

    fn of(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| ConfigError::Form {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let beside = path.parent().unwrap_or(Path::new(""));
        // Absolute, so that it is the same lock in whatever directory the process works later.
        let lock = config.trust.lock.as_ref();
        let lock = lock.map(|lock| std::path::absolute(beside.join(lock)));
        config.trust.lock = lock.transpose().map_err(|source| ConfigError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(config)
    }

    /// The same with other trust.
    #[must_use]
    pub fn with_trust(mut self, trust: TrustConfig) -> Self {
        self.trust = trust;
        self
    }

    /// What is decided about a plugin; the default for one that is not mentioned.
    pub fn plugin(&self, name: &str) -> PluginConfig {
        self.plugins.get(name).cloned().unwrap_or_default()
    }

    /// What a plugin may take.
    pub fn limits(&self, name: &str) -> LimitsConfig {
        let own = self.plugins.get(name).map(|plugin| plugin.limits);
        own.unwrap_or_default().or(self.host.limits)
    }

    /// Threads of a plugin's own runtime; 0 lets the plugin choose.
    pub fn runtime_threads(&self, name: &str) -> usize {
        let own = self.limits(name).runtime_threads;
        own.unwrap_or(self.host.runtime_threads)
    }

    /// How far arrays that a plugin returns are looked at.
    pub fn validation(&self, name: &str) -> Validation {
        let own = self.plugins.get(name).and_then(|plugin| plugin.validation);
        own.unwrap_or(self.host.validation)
    }

    /// What puts a plugin in quarantine.
    pub fn quarantine(&self, name: &str) -> &QuarantineConfig {
        let own = self
            .plugins
            .get(name)
            .and_then(|plugin| plugin.quarantine.as_ref());
        own.unwrap_or(&self.host.quarantine)
    }
}

/// Tables become objects, dates and times their text.
fn json_options<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    let table = toml::Table::deserialize(deserializer)?;
    table
        .into_iter()
        .map(|(key, value)| match json(value) {
            Some(value) => Ok((key, value)),
            None => Err(serde::de::Error::custom(format!(
                "option '{key}' is a number that JSON cannot hold"
            ))),
        })
        .collect()
}

/// `None` for an infinite or undefined number.
fn json(value: toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => Value::Number(serde_json::Number::from_f64(number)?),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(values) => {
            Value::Array(values.into_iter().map(json).collect::<Option<_>>()?)
        }
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| Some((key, json(value)?)))
                .collect::<Option<_>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use serde_json::json;

    use super::*;
    use crate::trust::TrustMode;

    #[test]
    fn everything_can_be_said() {
        let config = Config::parse(
            r#"
            [plugins.spark]
            replace_builtins = true
            async_timeout_ms = 250
            async_batch_size = 64
            quarantine = { after = 3 }
            limits = { planning_ms = 7, memory_bytes = 8, runtime_threads = 9 }
            validation = "structural"
            [plugins.spark.options]
            ansi = true
            since = 2024-05-01
            nested = { list = [1, 2.5, "x"] }
            [plugins.old]
            enabled = false
            allow_panic_abort = true
            grants = ["policy", "replace_builtins"]
            [trust]
            mode = "signed"
            keys = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
            lock = "/etc/plugins.lock"
            allow_relative_paths = true
            allow_writable_directories = true
            allow_outside_links = true
            [names]
            prefer = { sha2 = "spark" }
            [policies]
            required = ["guard"]
            time_limit_ms = 20
            [host]
            runtime_threads = 3
            quarantine = { after = 20, within_ms = 1000 }
            limits = { planning_ms = 5, stream_ms = 6 }
            validation = "full"
            "#,
        )
        .unwrap();
        let spark = config.plugin("spark");
        assert!(spark.enabled && spark.replace_builtins && !spark.allow_panic_abort);
        assert_eq!(spark.async_timeout(), Some(Duration::from_millis(250)));
        assert_eq!(spark.async_batch_size, Some(64));
        let quarantine = config.quarantine("spark");
        assert_eq!(
            (quarantine.after, quarantine.within()),
            (3, Duration::from_secs(60))
        );
        assert_eq!(config.quarantine("old").after, 20);
        let (limits, others) = (config.limits("spark"), config.limits("old"));
        assert_eq!((limits.planning_ms, others.planning_ms), (Some(7), Some(5)));
        assert_eq!((limits.stream_ms, others.stream_ms), (Some(6), Some(6)));
        assert_eq!((limits.memory_bytes, others.memory_bytes), (Some(8), None));
        assert_eq!(config.validation("spark"), Validation::Structural);
        assert_eq!(config.validation("old"), Validation::Full);
        assert_eq!(Config::default().validation("old"), Validation::Structural);
        assert_eq!(config.runtime_threads("spark"), 9);
        assert_eq!(config.runtime_threads("old"), 3);
        let expected = json!({
            "ansi": true, "since": "2024-05-01", "nested": {"list": [1, 2.5, "x"]}
        });
        assert_eq!(Value::Object(spark.options), expected);
        assert!(!config.plugin("old").enabled && config.plugin("old").allow_panic_abort);
        let grants: Vec<_> = ["policy", "replace_builtins"]
            .iter()
            .filter_map(|name| Grant::from_name(name))
            .collect();
        assert_eq!(config.plugin("old").grants, grants);
        let trust = &config.trust;
        assert_eq!(trust.mode, Some(TrustMode::Signed));
        assert_eq!(trust.keys[0].id().to_string(), "E7620F1842B4E81F");
        assert_eq!(trust.lock.as_deref(), Some(Path::new("/etc/plugins.lock")));
        assert!(trust.allow_relative_paths && trust.allow_writable_directories);
        assert!(trust.allow_outside_links);
        assert_eq!(config.names.prefer["sha2"], "spark");
        assert_eq!(config.policies.required, ["guard"]);
        assert_eq!(config.policies.time_limit(), Duration::from_millis(20));
        assert_eq!(config.host.runtime_threads, 3);
        assert_eq!(config.plugin("unmentioned"), PluginConfig::default());
    }

    #[test]
    fn nothing_need_be_said() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        assert!(Config::default().plugin("any").enabled);
    }

    #[test]
    fn a_mistake_names_line_and_key() {
        for (text, parts) in [
            ("[plugins.a]\nenabeld = true", ["line 2", "enabeld"]),
            ("[plugin.a]\nenabled = true", ["line 1", "plugin"]),
            ("[plugins.a]\nenabled = 3", ["line 2", "boolean"]),
            ("[host]\nruntime_threads = -1", ["line 2", "-1"]),
            ("[plugins.a]\noptions = { x = inf }", ["line 2", "'x'"]),
            ("[plugins.a", ["line 1", "plugins.toml"]),
            ("[plugins.a]\ngrants = ['polcy']", ["line 2", "'polcy'"]),
            ("[trust]\nmode = 'some'", ["line 2", "some"]),
            ("[host]\nvalidation = 'some'", ["line 2", "structural"]),
            ("[trust]\nkeys = ['RW']", ["line 2", "minisign public key"]),
        ] {
            let message = Config::parse(text).unwrap_err().to_string();
            for part in parts {
                assert!(message.contains(part), "{text}: {message}");
            }
        }
    }

    /// A later change of the working directory is to change no lock.
    #[test]
    #[cfg(unix)]
    fn the_lock_is_an_absolute_path() {
        let here = std::env::current_dir().unwrap();
        let text = "[trust]\nlock = 'reviewed.lock'";
        let lock = |config: Config| config.trust.lock.unwrap();
        assert_eq!(
            lock(Config::parse(text).unwrap()),
            here.join("reviewed.lock")
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plugins.toml"), text).unwrap();
        // From wherever the test runs up to the root, and down again.
        let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
        let relative = up.join(folder.path().strip_prefix("/").unwrap());
        assert!(relative.is_relative());
        let read = lock(Config::read(relative.join("plugins.toml")).unwrap());
        assert!(read.is_absolute(), "{}", read.display());
        fs::write(&read, "").unwrap();
        assert!(folder.path().join("reviewed.lock").is_file());
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = Config::read("/no/such/plugins.toml")
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("/no/such/plugins.toml: cannot be read"),
            "{message}"
        );
    }
}
