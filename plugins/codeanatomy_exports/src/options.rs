//! What an operator and a session decide.

use std::any::Any;

use datafusion_common::{
    Result,
    config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions},
    plan_err,
};
use serde::Deserialize;

use crate::{
    scalar::{check_form, check_unit},
    snapshot,
};

/// The plugin's options: JSON at activation, and in a session the settings `codeanatomy.<name>`.
///
/// A session that has them as an extension of its configuration sees what `SET` makes of them; any
/// other sees what the functions were made with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Options {
    /// `line_base` of spans that do not say.
    pub span_line_base: i32,
    /// `col_unit` of spans that do not say: BYTE, UTF8, UTF16 or UTF32.
    pub span_col_unit: String,
    /// `end_exclusive` of spans that do not say.
    pub span_end_exclusive: bool,
    /// The form of `utf8_normalize`: NFC, NFD, NFKC or NFKD.
    pub utf8_normalize_form: String,
    /// Whether `utf8_normalize` makes lower case.
    pub utf8_normalize_casefold: bool,
    /// Whether `utf8_normalize` makes runs of white space one space.
    pub utf8_normalize_collapse_ws: bool,
    /// The tables of which only a snapshot is seen, with commas between them: `table`,
    /// `schema.table` or `catalog.schema.table`.
    pub snapshot_tables: String,
    /// The column of these tables that says the snapshot.
    pub snapshot_column: String,
    /// The snapshot that is seen.
    pub snapshot_value: String,
    /// Whether sorts of what is in order already are taken out of plans.
    pub remove_redundant_sorts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            span_line_base: 0,
            span_col_unit: "byte".to_owned(),
            span_end_exclusive: true,
            utf8_normalize_form: "NFKC".to_owned(),
            utf8_normalize_casefold: true,
            utf8_normalize_collapse_ws: true,
            snapshot_tables: String::new(),
            snapshot_column: String::new(),
            snapshot_value: String::new(),
            remove_redundant_sorts: false,
        }
    }
}

impl Options {
    /// Makes sure that the options mean something.
    ///
    /// # Errors
    /// Names the option that does not.
    pub fn check(&self) -> Result<()> {
        check_unit(&self.span_col_unit)
            .map_err(|error| error.context("codeanatomy: span_col_unit"))?;
        check_form(&self.utf8_normalize_form)
            .map_err(|error| error.context("codeanatomy: utf8_normalize_form"))?;
        snapshot::tables(&self.snapshot_tables).map(drop)
    }

    /// The settings of a session in the order in which they are listed: key, description and value.
    fn settings(&self) -> [(&'static str, &'static str, String); 10] {
        [
            (
                "span_line_base",
                "line_base of spans that do not say",
                self.span_line_base.to_string(),
            ),
            (
                "span_col_unit",
                "col_unit of spans that do not say: BYTE, UTF8, UTF16 or UTF32",
                self.span_col_unit.clone(),
            ),
            (
                "span_end_exclusive",
                "end_exclusive of spans that do not say",
                self.span_end_exclusive.to_string(),
            ),
            (
                "utf8_normalize_form",
                "The form of utf8_normalize: NFC, NFD, NFKC or NFKD",
                self.utf8_normalize_form.clone(),
            ),
            (
                "utf8_normalize_casefold",
                "Whether utf8_normalize makes lower case",
                self.utf8_normalize_casefold.to_string(),
            ),
            (
                "utf8_normalize_collapse_ws",
                "Whether utf8_normalize makes runs of white space one space",
                self.utf8_normalize_collapse_ws.to_string(),
            ),
            (
                "snapshot_tables",
                "Tables of which only a snapshot is seen, with commas between them",
                self.snapshot_tables.clone(),
            ),
            (
                "snapshot_column",
                "The column of these tables that says the snapshot",
                self.snapshot_column.clone(),
            ),
            (
                "snapshot_value",
                "The snapshot that is seen",
                self.snapshot_value.clone(),
            ),
            (
                "remove_redundant_sorts",
                "Whether sorts of what is in order already are taken out of plans",
                self.remove_redundant_sorts.to_string(),
            ),
        ]
    }

    /// Those of the session where it has them, else these.
    pub(crate) fn of<'a>(&'a self, settings: &'a ConfigOptions) -> &'a Self {
        settings.extensions.get::<Self>().unwrap_or(self)
    }
}

fn parsed<T: std::str::FromStr>(key: &str, value: &str, expected: &str) -> Result<T> {
    match value.trim().parse() {
        Ok(parsed) => Ok(parsed),
        Err(_) => plan_err!("codeanatomy.{key} is '{value}', expected {expected}"),
    }
}

impl ConfigExtension for Options {
    const PREFIX: &'static str = "codeanatomy";
}

impl ExtensionOptions for Options {
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
        let flag = || parsed(key, value, "true or false");
        match key {
            "span_line_base" => self.span_line_base = parsed(key, value, "an integer")?,
            "span_col_unit" => {
                check_unit(value).map_err(|error| error.context(format!("codeanatomy.{key}")))?;
                self.span_col_unit = value.to_owned();
            }
            "span_end_exclusive" => self.span_end_exclusive = flag()?,
            "utf8_normalize_form" => {
                check_form(value).map_err(|error| error.context(format!("codeanatomy.{key}")))?;
                self.utf8_normalize_form = value.to_owned();
            }
            "utf8_normalize_casefold" => self.utf8_normalize_casefold = flag()?,
            "utf8_normalize_collapse_ws" => self.utf8_normalize_collapse_ws = flag()?,
            "snapshot_tables" => {
                snapshot::tables(value)?;
                self.snapshot_tables = value.to_owned();
            }
            "snapshot_column" => self.snapshot_column = value.to_owned(),
            "snapshot_value" => self.snapshot_value = value.to_owned(),
            "remove_redundant_sorts" => self.remove_redundant_sorts = flag()?,
            _ => {
                let known = self.settings().map(|(key, ..)| key);
                return plan_err!(
                    "there is no setting codeanatomy.{key}, expected one of {}",
                    known.join(", ")
                );
            }
        }
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        self.settings()
            .map(|(key, description, value)| ConfigEntry {
                key: format!("{}.{key}", Self::PREFIX),
                value: Some(value),
                description,
            })
            .into()
    }
}
