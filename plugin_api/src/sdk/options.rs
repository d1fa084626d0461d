//! An author's session options behind the contract.

use datafusion_common::{
    DataFusionError, Result,
    config::{ConfigExtension, ExtensionOptions},
    plan_err,
};

use super::{Plugin, runtime};
use crate::{
    abi::{
        CallError, Parcel, SessionOptions, SessionOptionsObject,
        message::{OptionDescriptor, OptionKind, OptionsDescriptor, SetOptionRequest, Settings},
    },
    df55::{error::df, settings::know_extension},
};

/// Options as exported.
#[derive(Debug)]
pub(super) struct OptionsEntry {
    prefix: &'static str,
    initial: Box<dyn ExtensionOptions>,
    /// Those of the type, by which a session's values are read into it.
    default: Box<dyn ExtensionOptions>,
}

impl Plugin {
    /// Exports session options: `SET plugin.key = value` sets them in any session that has the
    /// plugin, and `config.extensions.get::<T>()` yields them wherever the plugin is handed a
    /// session's configuration.
    ///
    /// `T::PREFIX` is the plugin's name. A plugin has one such type.
    pub fn options<T: ConfigExtension + Default>(self) -> Self {
        self.options_beginning_with(T::default())
    }

    /// As [`Self::options`]; sessions begin with these values in place of `T::default()`: those that
    /// activation asked for, for one.
    pub fn options_beginning_with<T: ConfigExtension + Default>(mut self, initial: T) -> Self {
        know_extension::<T>();
        self.options.push(OptionsEntry {
            prefix: T::PREFIX,
            initial: Box::new(initial),
            default: Box::new(T::default()),
        });
        self
    }
}

impl OptionsEntry {
    /// Refuses more than one type, and values that no session could hold.
    pub(super) fn check(entries: &[Self]) -> Result<()> {
        if let [first, second, ..] = entries {
            let (first, second) = (first.prefix, second.prefix);
            return plan_err!("options '{first}' and '{second}': a plugin has one type of them");
        }
        for entry in entries {
            let begun = entry.settings(entry.initial.as_ref());
            let unset = begun.iter().filter(|(_, value)| value.is_none());
            for (key, _) in unset {
                let defaults = entry.settings(entry.default.as_ref());
                if defaults.iter().any(|(k, v)| k == key && v.is_some()) {
                    return plan_err!(
                        "option '{}.{key}' begins with no value but has a default",
                        entry.prefix
                    );
                }
            }
        }
        Ok(())
    }

    /// Refuses a namespace that is not the plugin's name.
    pub(super) fn check_namespace(&self, plugin: &str) -> Result<()> {
        match self.prefix == plugin {
            true => Ok(()),
            false => plan_err!(
                "options have the prefix '{}', which is not the plugin's name '{plugin}'",
                self.prefix
            ),
        }
    }

    pub(super) fn descriptor(&self) -> OptionsDescriptor {
        let entries = self.initial.entries().into_iter();
        let options = entries.map(|entry| OptionDescriptor {
            kind: self.kind(self.bare(&entry.key)),
            key: self.bare(&entry.key).to_owned(),
            default: entry.value,
            description: entry.description.to_owned(),
        });
        OptionsDescriptor {
            namespace: self.prefix.to_owned(),
            options: options.collect(),
        }
    }

    pub(super) fn object(&self) -> SessionOptionsObject {
        SessionOptionsObject::new(OptionsExport(Self {
            prefix: self.prefix,
            initial: self.initial.cloned(),
            default: self.default.cloned(),
        }))
    }

    /// Some types write their keys with the prefix, most without.
    fn bare<'a>(&self, key: &'a str) -> &'a str {
        let rest = key.strip_prefix(self.prefix);
        rest.and_then(|rest| rest.strip_prefix('.')).unwrap_or(key)
    }

    fn settings(&self, options: &dyn ExtensionOptions) -> Settings {
        let entries = options.entries().into_iter();
        entries
            .map(|entry| (self.bare(&entry.key).to_owned(), entry.value))
            .collect()
    }

    /// DataFusion's options do not tell their types; what they accept does.
    fn kind(&self, key: &str) -> OptionKind {
        let accepts = |value: &str| self.initial.cloned().set(key, value).is_ok();
        match () {
            () if accepts("any text") => OptionKind::Text,
            () if accepts("1.5") => OptionKind::Number,
            () if accepts("-1") => OptionKind::Integer,
            () if accepts("1") => OptionKind::UnsignedInteger,
            () if accepts("true") && accepts("false") => OptionKind::Boolean,
            () => OptionKind::Other,
        }
    }

    fn set(&self, request: &SetOptionRequest) -> Result<Settings> {
        let SetOptionRequest {
            options,
            key,
            value,
        } = request;
        let mut session = self.default.cloned();
        for (key, value) in options {
            if let Some(value) = value {
                session.set(key, value)?;
            }
        }
        match session.set(key, value) {
            Ok(()) => Ok(self.settings(session.as_ref())),
            Err(error) => Err(self.refusal(key, value, &error)),
        }
    }

    /// Says which keys there are, or what the option accepts.
    fn refusal(&self, key: &str, value: &str, error: &DataFusionError) -> DataFusionError {
        let prefix = self.prefix;
        let entries = self.initial.entries();
        let keys: Vec<_> = entries.iter().map(|entry| self.bare(&entry.key)).collect();
        let Some(position) = keys.iter().position(|known| *known == key) else {
            let known = keys.join(", ");
            let message = format!("there is no option '{prefix}.{key}'; {prefix} has {known}");
            return DataFusionError::Configuration(message);
        };
        let accepted = match self.kind(key) {
            OptionKind::Boolean => "true or false",
            OptionKind::Integer => "a whole number",
            OptionKind::UnsignedInteger => "a whole number that is not negative",
            OptionKind::Number => "a number",
            _ => entries[position].description,
        };
        let accepted = match accepted.is_empty() {
            true => String::new(),
            false => format!("; accepted: {accepted}"),
        };
        DataFusionError::Configuration(format!(
            "option '{prefix}.{key}' cannot be set to '{value}': {}{accepted}",
            error.strip_backtrace()
        ))
    }
}

struct OptionsExport(OptionsEntry);

impl SessionOptions for OptionsExport {
    fn item(&self) -> &str {
        "options"
    }

    fn set(&self, request: Parcel) -> Result<Parcel, CallError> {
        let request: SetOptionRequest = request.message()?;
        let _entered = runtime::enter()?;
        let settings = df(self.0.set(&request))?;
        Parcel::of(&settings)
    }
}
