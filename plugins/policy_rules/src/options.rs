//! Rules as they are written.

use std::collections::BTreeMap;

use datafusion_plugin_api::abi::message::{Access, StatementKind};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};

use crate::{
    pattern::{Glob, LocationPattern, TablePattern},
    template::Template,
};

/// All rules.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    /// What becomes of a statement that no rule speaks of.
    pub(crate) default: Otherwise,
    /// In the order of their effect.
    pub(crate) rule: Vec<Rule>,
}

/// What becomes of what no rule speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Otherwise {
    #[default]
    Allow,
    Deny,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    Allow,
    Deny,
    Restrict,
}

/// A rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) effect: Effect,
    /// What a denial says.
    #[serde(default)]
    pub(crate) reason: Option<String>,

    #[serde(default, deserialize_with = "some")]
    pub(crate) users: Option<Vec<String>>,
    #[serde(default, deserialize_with = "some")]
    pub(crate) roles: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) except_users: Vec<String>,
    #[serde(default)]
    pub(crate) except_roles: Vec<String>,

    #[serde(default, deserialize_with = "statements")]
    pub(crate) statements: Option<Vec<StatementKind>>,
    #[serde(default, deserialize_with = "tables")]
    pub(crate) tables: Option<Vec<TablePattern>>,
    /// What is done to the tables; a denial's.
    #[serde(default, deserialize_with = "accesses")]
    pub(crate) access: Option<Vec<Access>>,
    /// Of the tables; a denial's.
    #[serde(default, deserialize_with = "some")]
    pub(crate) columns: Option<Vec<String>>,
    #[serde(default, deserialize_with = "globs")]
    pub(crate) functions: Option<Vec<Glob>>,
    #[serde(default, deserialize_with = "locations")]
    pub(crate) locations: Option<Vec<LocationPattern>>,
    #[serde(default, deserialize_with = "globs")]
    pub(crate) settings: Option<Vec<Glob>>,

    #[serde(default, deserialize_with = "template")]
    pub(crate) row_filter: Option<Template>,
    #[serde(default, deserialize_with = "templates")]
    pub(crate) masks: BTreeMap<String, Template>,
    #[serde(default)]
    pub(crate) max_rows: Option<u64>,
}

impl Options {
    pub(crate) fn of_json(options: &Map<String, Value>) -> Result<Self, String> {
        let options = Value::Object(options.clone());
        let read: Self = serde_path_to_error::deserialize(options)
            .map_err(|error| format!("options.{}: {}", error.path(), error.inner()))?;
        read.checked()
            .map_err(|problem| format!("options.{problem}"))
    }

    pub(crate) fn of_toml(text: &str) -> Result<Self, String> {
        let deserializer = toml::Deserializer::parse(text)
            .map_err(|error| format!("rules: {}", error.to_string().trim_end()))?;
        let read: Self = serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let inner = error.inner().to_string();
            format!("rules, {}: {}", error.path(), inner.trim_end())
        })?;
        read.checked().map_err(|problem| {
            // A rule that contradicts itself is wrong as a whole: its line is where it begins.
            let line = line_of(text, &problem);
            format!("rules, line {line}, {problem}")
        })
    }

    /// What no single key shows.
    fn checked(self) -> Result<Self, String> {
        for (position, rule) in self.rule.iter().enumerate() {
            if let Err((key, problem)) = rule.check() {
                return Err(format!("rule[{position}].{key}: {problem}"));
            }
        }
        Ok(self)
    }
}

/// The line of the rule that a problem names by its position.
fn line_of(text: &str, problem: &str) -> usize {
    let position = problem.strip_prefix("rule[").and_then(|rest| {
        let (position, _) = rest.split_once(']')?;
        position.parse::<usize>().ok()
    });
    let lines = text.lines().enumerate();
    let mut rules = lines.filter(|(_, line)| line.trim_start().starts_with("[[rule]]"));
    let line = rules.nth(position.unwrap_or_default());
    line.map_or(1, |(line, _)| line + 1)
}

impl Rule {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let restricts =
            self.row_filter.is_some() || !self.masks.is_empty() || self.max_rows.is_some();
        let names = self.statements.is_some()
            || self.tables.is_some()
            || self.functions.is_some()
            || self.locations.is_some()
            || self.settings.is_some();
        let wrong = |key, problem: &str| Err((key, problem.to_owned()));
        match self.effect {
            Effect::Restrict if self.tables.is_none() => {
                wrong("tables", "a rule that restricts says which tables")
            }
            Effect::Restrict if !restricts => wrong(
                "effect",
                "a rule that restricts has a row_filter, masks or max_rows",
            ),
            Effect::Restrict
                if self.functions.is_some()
                    || self.locations.is_some()
                    || self.settings.is_some() =>
            {
                wrong(
                    "effect",
                    "a rule that restricts looks at statements and tables alone",
                )
            }
            Effect::Allow | Effect::Deny if restricts => wrong(
                "effect",
                "row_filter, masks and max_rows are for rules that restrict",
            ),
            Effect::Allow | Effect::Deny if !names => wrong(
                "effect",
                "the rule says neither statements nor tables, functions, locations or settings",
            ),
            Effect::Allow | Effect::Restrict if self.columns.is_some() => wrong(
                "columns",
                "columns are for rules that deny; a mask hides a column",
            ),
            Effect::Allow | Effect::Restrict if self.access.is_some() => {
                wrong("access", "access is for rules that deny")
            }
            _ if self.access.is_some() && self.tables.is_none() => {
                wrong("access", "access to which tables?")
            }
            _ if self.columns.is_some() && self.tables.is_none() => {
                wrong("columns", "columns of which tables?")
            }
            _ => Ok(()),
        }
    }

    /// For messages.
    pub(crate) fn title(&self, position: usize) -> String {
        match self.name.as_str() {
            "" => format!("rule {}", position + 1),
            name => format!("rule '{name}'"),
        }
    }
}

/// Words of the contract; one that it does not know is a mistake, not something of a later minor.
fn words<'de, D: Deserializer<'de>, T: DeserializeOwned + Default + PartialEq>(
    d: D,
    what: &str,
) -> Result<Option<Vec<T>>, D::Error> {
    let names = some::<D>(d)?.unwrap_or_default();
    let word = |name: &String| match serde_json::from_value(Value::String(name.clone())) {
        Ok(word) if word != T::default() || name == "other" => Ok(word),
        _ => Err(D::Error::custom(format!("there is no {what} '{name}'"))),
    };
    names.iter().map(word).collect::<Result<_, _>>().map(Some)
}

fn statements<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<StatementKind>>, D::Error> {
    words(d, "statement")
}

fn accesses<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<Access>>, D::Error> {
    words(d, "access")
}

/// A list that is given has something in it: an empty one would match nothing, which reads like all.
fn some<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<String>>, D::Error> {
    let texts = Vec::<String>::deserialize(d)?;
    match texts.is_empty() {
        true => Err(D::Error::custom("the list is empty")),
        false => Ok(Some(texts)),
    }
}

fn each<'de, D: Deserializer<'de>, T>(
    d: D,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<Vec<T>>, D::Error> {
    let texts = some::<D>(d)?.unwrap_or_default();
    let parsed: Result<Vec<T>, String> = texts.iter().map(|text| parse(text)).collect();
    parsed.map(Some).map_err(D::Error::custom)
}

fn tables<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<TablePattern>>, D::Error> {
    each(d, TablePattern::parse)
}

fn locations<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<LocationPattern>>, D::Error> {
    each(d, LocationPattern::parse)
}

fn globs<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<Glob>>, D::Error> {
    each(d, |text| Ok(Glob::new(text)))
}

fn template<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Template>, D::Error> {
    let text = String::deserialize(d)?;
    Template::parse(&text).map(Some).map_err(D::Error::custom)
}

fn templates<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, Template>, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(d)?;
    let parse = |(column, text): (String, String)| match Template::parse(&text) {
        Ok(template) => Ok((column, template)),
        Err(problem) => Err(D::Error::custom(format!("'{column}': {problem}"))),
    };
    texts.into_iter().map(parse).collect()
}
