//! Having function factories make a function.

use super::Check;
use crate::{
    check::{Call, Part},
    child,
    exit::CliError,
};

/// What most factories of SQL take, and calls of what it makes.
const STATEMENTS: [&str; 3] = [
    "CREATE OR REPLACE FUNCTION plugin_host_check(BIGINT) RETURNS BIGINT RETURN $1 + 1",
    "SELECT plugin_host_check(value) FROM generate_series(1, 0)",
    "SELECT plugin_host_check(value) FROM generate_series(1, 1)",
];

impl Check<'_> {
    /// Asks a plugin's factories for a function and calls it. What they take is theirs to say, so that
    /// an error is an answer.
    pub(super) fn factories(&mut self, plugin: &str, names: &[String]) -> Result<(), CliError> {
        let name = format!("{plugin}.{}", names.join(", "));
        self.begin("function_factory", &name)?;
        let mut outcomes = Vec::new();
        for statement in STATEMENTS {
            child::step(self.out, format!("asking {name} for {statement}"))?;
            let result = self
                .runtime
                .block_on(async { self.ctx.sql(statement).await?.collect().await });
            if let Err(error) = result {
                self.judge(&name, &[], "SQL", &error)?;
                outcomes.push(error.strip_backtrace());
                break;
            }
            outcomes.push("ok".to_owned());
        }
        let mut outcomes = outcomes.into_iter();
        let created = outcomes.next();
        let call = match outcomes.next() {
            Some(empty) => Call {
                arguments: vec!["Int64".to_owned()],
                empty: Some(empty),
                one_row: outcomes.next(),
                ..Call::default()
            },
            // Nothing was made, so nothing was called.
            None => Call {
                empty: created,
                ..Call::default()
            },
        };
        Ok(child::answer(self.out, Part::Call(call))?)
    }
}
