//! Session options of plugins in DataFusion's configuration.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::{
    common::{
        Result,
        config::{
            ConfigEntry, ConfigExtension, ConfigOptions, DATAFUSION_FFI_CONFIG_NAMESPACE,
            ExtensionOptions,
        },
    },
    error::DataFusionError,
};
use datafusion_plugin_api::abi::{
    CallError, Parcel, SessionOptionsObject,
    message::{OptionsDescriptor, SetOptionRequest, Settings},
};

use super::origin::Origin;

/// The options that a plugin declares. One object serves all sessions.
#[derive(Debug)]
pub(crate) struct PluginOptions {
    origin: Origin,
    object: Arc<SessionOptionsObject>,
    begun: Arc<Settings>,
    descriptions: BTreeMap<String, &'static str>,
}

impl PluginOptions {
    pub(crate) fn new(
        origin: Origin,
        object: SessionOptionsObject,
        descriptor: &OptionsDescriptor,
    ) -> Result<Self, CallError> {
        let (plugin, namespace) = (origin.plugin().name(), &descriptor.namespace);
        if namespace != plugin {
            return Err(CallError::contract(format!(
                "options are of the namespace '{namespace}', which is not the plugin's name"
            )));
        }
        let options = descriptor.options.iter();
        let begun = options
            .clone()
            .map(|option| (option.key.clone(), option.default.clone()));
        let descriptions =
            options.map(|option| (option.key.clone(), kept(option.description.as_str())));
        Ok(Self {
            begun: Arc::new(begun.collect()),
            descriptions: descriptions.collect(),
            origin,
            object: Arc::new(object),
        })
    }

    pub(crate) fn namespace(&self) -> &str {
        self.origin.plugin().name()
    }

    /// All options after one of them is set.
    fn set(&self, options: &Settings, key: &str, value: &str) -> Result<Settings> {
        let answer = self.ask(options, key, value);
        let settings = answer.map_err(|error| self.origin.error(error))?;
        let mut gone = self.descriptions.keys();
        if let Some(gone) = gone.find(|key| settings.iter().all(|(known, _)| known != *key)) {
            return Err(self.origin.breach(format!("option '{gone}' is gone")));
        }
        Ok(settings)
    }

    fn ask(&self, options: &Settings, key: &str, value: &str) -> Result<Settings, CallError> {
        let request = Parcel::of(&SetOptionRequest {
            options: options.clone(),
            key: key.to_owned(),
            value: value.to_owned(),
        })?;
        let set = SessionOptionsObject::set;
        self.origin.plan(&self.object, set, request)?.message()
    }
}

impl PartialEq for PluginOptions {
    fn eq(&self, other: &Self) -> bool {
        self.origin == other.origin
    }
}

/// DataFusion wants descriptions that live for ever; each is kept once.
fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = all.get(text) {
        return known;
    }
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    all.insert(text);
    text
}

/// The options of all plugins, as one session has them.
///
/// DataFusion knows an extension by a name that is a constant of its type, and plugins' names are
/// none; but it hands what it finds under no name to the extension under this one.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionOptions(BTreeMap<String, OfPlugin>);

#[derive(Debug, Clone)]
struct OfPlugin {
    plugin: Arc<PluginOptions>,
    values: Arc<Settings>,
}

impl SessionOptions {
    /// Whether a session has these options.
    pub(crate) fn has(config: &ConfigOptions, options: &PluginOptions) -> bool {
        let session = config.extensions.get::<Self>();
        let known = session.and_then(|session| session.0.get(options.namespace()));
        known.is_some_and(|known| *known.plugin == *options)
    }

    /// Adds the options of a plugin. What an earlier activation of it was set to stays, as far as
    /// this one takes it.
    pub(crate) fn add(config: &mut ConfigOptions, options: Arc<PluginOptions>) {
        if config.extensions.get::<Self>().is_none() {
            config.extensions.insert(Self::default());
        }
        let Some(session) = config.extensions.get_mut::<Self>() else {
            return;
        };
        let mut added = OfPlugin {
            values: Arc::clone(&options.begun),
            plugin: options,
        };
        let namespace = added.plugin.namespace().to_owned();
        if let Some(earlier) = session.0.get(&namespace) {
            for (key, value) in earlier.changed() {
                if let Err(error) = added.set(key, value) {
                    added.plugin.origin.tell(&error);
                }
            }
        }
        session.0.insert(namespace, added);
    }

    /// Takes out the options of a plugin, be it this activation's or an earlier one's.
    pub(crate) fn remove(config: &mut ConfigOptions, namespace: &str) {
        if let Some(session) = config.extensions.get_mut::<Self>() {
            session.0.remove(namespace);
        }
    }
}

impl OfPlugin {
    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        self.values = Arc::new(self.plugin.set(&self.values, key, value)?);
        Ok(())
    }

    /// What is not as it was in the beginning.
    fn changed(&self) -> impl Iterator<Item = (&str, &str)> {
        let begun = &self.plugin.begun;
        let changed = self.values.iter().filter(|entry| !begun.contains(entry));
        changed.filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?)))
    }
}

impl ConfigExtension for SessionOptions {
    const PREFIX: &'static str = DATAFUSION_FFI_CONFIG_NAMESPACE;
}

impl ExtensionOptions for SessionOptions {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let (namespace, key) = key.split_once('.').unwrap_or((key, ""));
        match self.0.get_mut(namespace) {
            Some(of_plugin) => of_plugin.set(key, value),
            None => Err(DataFusionError::Configuration(format!(
                "Could not find config namespace \"{namespace}\""
            ))),
        }
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        let entries = self.0.iter().flat_map(|(namespace, of_plugin)| {
            of_plugin.values.iter().map(move |(key, value)| {
                let description = of_plugin.plugin.descriptions.get(key);
                ConfigEntry {
                    key: format!("{namespace}.{key}"),
                    value: value.clone(),
                    description: description.copied().unwrap_or_default(),
                }
            })
        });
        entries.collect()
    }
}
