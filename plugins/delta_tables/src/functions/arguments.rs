//! What a table function was called with.

use std::num::NonZeroU64;

use datafusion::{
    arrow::datatypes::DataType,
    catalog::{Session, TableFunctionArgs},
    common::plan_err,
    error::Result,
    logical_expr::Expr,
    scalar::ScalarValue,
};

use super::Entry;
use crate::{
    location::Location,
    moment::{ACCEPTED, Moment},
    open::Tables,
};

/// The arguments of one call, all constants. Errors name function, argument and what is accepted.
pub(super) struct Arguments<'a> {
    entry: &'static Entry,
    values: Vec<&'a ScalarValue>,
    session: &'a dyn Session,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(entry: &'static Entry, args: &TableFunctionArgs<'a, 'a>) -> Result<Self> {
        let (exprs, most) = (args.exprs(), entry.arguments.len());
        if exprs.len() > most {
            return plan_err!(
                "{} takes at most {most} arguments, not {}: {}",
                entry.name,
                exprs.len(),
                entry.syntax
            );
        }
        let constant = |(i, expr): (usize, &'a Expr)| match expr {
            Expr::Literal(value, _) => Ok(value),
            other => plan_err!(
                "{}: argument {} is {other}, expected a constant: {}",
                entry.name,
                entry.arguments[i].0,
                entry.syntax
            ),
        };
        Ok(Self {
            entry,
            values: exprs
                .iter()
                .enumerate()
                .map(constant)
                .collect::<Result<_>>()?,
            session: args.session(),
        })
    }

    pub(super) fn session(&self) -> &'a dyn Session {
        self.session
    }

    /// The first argument: where the table is.
    pub(super) fn location(&self, tables: &Tables) -> Result<Location> {
        let text = self.text(0)?;
        Location::parse(text, &tables.options.storage)
            .map_err(|error| error.context(self.entry.name))
    }

    /// The moment at position `i`.
    pub(super) fn moment(&self, i: usize) -> Result<Moment> {
        match self.values.get(i) {
            Some(value) => Moment::of(value, &self.described(i)),
            None => self.missing(i, ACCEPTED),
        }
    }

    /// The moment at position `i`; the latest version when the call ends before.
    pub(super) fn moment_or_latest(&self, i: usize) -> Result<Moment> {
        match self.values.get(i) {
            Some(value) => Moment::of(value, &self.described(i)),
            None => Ok(Moment::Latest),
        }
    }

    /// The text at position `i`.
    pub(super) fn text(&self, i: usize) -> Result<&'a str> {
        match self.values.get(i) {
            Some(value) => match value.try_as_str() {
                Some(Some(text)) => Ok(text),
                _ => self.wrong(i, "text"),
            },
            None => self.missing(i, "text"),
        }
    }

    /// The text at position `i`, if there is one that is not null.
    pub(super) fn optional_text(&self, i: usize) -> Result<Option<&'a str>> {
        match self.given(i) {
            Some(_) => self.text(i).map(Some),
            None => Ok(None),
        }
    }

    /// The truth value at position `i`, if there is one that is not null.
    pub(super) fn optional_bool(&self, i: usize) -> Result<Option<bool>> {
        match self.given(i) {
            Some(ScalarValue::Boolean(value)) => Ok(*value),
            Some(_) => self.wrong(i, "true or false"),
            None => Ok(None),
        }
    }

    /// The number at position `i`, if there is one that is not null.
    pub(super) fn optional_count(&self, i: usize) -> Result<Option<u64>> {
        let Some(value) = self.given(i) else {
            return Ok(None);
        };
        let cast = value
            .data_type()
            .is_integer()
            .then(|| value.cast_to(&DataType::UInt64));
        match cast {
            Some(Ok(ScalarValue::UInt64(count))) => Ok(count),
            _ => self.wrong(i, "a whole number that is not negative"),
        }
    }

    /// As [`Self::optional_count`], and not zero.
    pub(super) fn optional_size(&self, i: usize) -> Result<Option<NonZeroU64>> {
        match self.optional_count(i)?.map(NonZeroU64::new) {
            Some(None) => self.wrong(i, "a whole number above zero"),
            size => Ok(size.flatten()),
        }
    }

    fn given(&self, i: usize) -> Option<&'a ScalarValue> {
        self.values.get(i).copied().filter(|value| !value.is_null())
    }

    fn described(&self, i: usize) -> String {
        format!(
            "{}: argument {}",
            self.entry.name, self.entry.arguments[i].0
        )
    }

    fn wrong<T>(&self, i: usize, accepted: &str) -> Result<T> {
        let value = self.values[i];
        plan_err!(
            "{} is {value} of type {}, expected {accepted}",
            self.described(i),
            value.data_type()
        )
    }

    fn missing<T>(&self, i: usize, accepted: &str) -> Result<T> {
        plan_err!(
            "{} is missing, expected {accepted}: {}",
            self.described(i),
            self.entry.syntax
        )
    }
}
