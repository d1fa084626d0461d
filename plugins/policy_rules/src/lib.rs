//! A policy whose rules are configuration.
//!
//! ```toml
//! [plugins.policy.options]
//! default = "allow"            # what no rule speaks of; "deny" lets only through what rules allow
//!
//! [[plugins.policy.options.rule]]
//! name = "payroll"             # stands in messages
//! effect = "deny"
//! tables = ["hr.payroll*"]     # table, schema.table or catalog.schema.table, each part with * and ?
//! except_roles = ["hr"]        # for whom the rule is not
//!
//! [[plugins.policy.options.rule]]
//! name = "region"
//! effect = "restrict"
//! tables = ["sales"]
//! roles = ["agent"]
//! row_filter = "agent = {user}"           # {user} and {variable.name} become SQL literals
//! masks = { phone = "concat('***', right(phone, 2))" }
//! max_rows = 10000
//!
//! [[plugins.policy.options.rule]]
//! name = "no exports"
//! effect = "deny"
//! statements = ["copy", "create_external_table"]
//! locations = ["s3://archive/*"]
//! ```
//!
//! What a rule lists must all be in the statement for the rule to apply: of `statements`, `tables`,
//! `functions`, `locations` and `settings` each one that is given must have a match. A denial counts
//! before everything else; restrictions of several rules on one table add up, and where two mask one
//! column, the earlier rule's mask stays.

mod decide;
mod options;
mod pattern;
mod template;

use datafusion_common::{DataFusionError, Result};
use serde_json::{Map, Value};

use options::Options;

/// The rules.
#[derive(Debug)]
pub struct Rules(Options);

impl Rules {
    /// Reads rules from a plugin's options: `default` and `rule`, or `text`, TOML that has them.
    ///
    /// # Errors
    /// A configuration error that names rule and key of what is wrong, and its line in `text`.
    pub fn of_options(options: &Map<String, Value>) -> Result<Self> {
        match options.get("text") {
            None => Self::checked(Options::of_json(options)),
            Some(Value::String(text)) if options.len() == 1 => Self::of_toml(text),
            Some(_) => Self::checked(Err(
                "options: 'text' is a text, and beside it there are no others".to_owned(),
            )),
        }
    }

    /// Reads rules from TOML.
    ///
    /// # Errors
    /// A configuration error that names line, rule and key of what is wrong.
    pub fn of_toml(text: &str) -> Result<Self> {
        Self::checked(Options::of_toml(text))
    }

    fn checked(options: Result<Options, String>) -> Result<Self> {
        options.map(Self).map_err(DataFusionError::Configuration)
    }
}
