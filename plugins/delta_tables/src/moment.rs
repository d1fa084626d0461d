//! A point in a table's history.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::{
    arrow::datatypes::{DataType, TimeUnit},
    common::plan_err,
    error::Result,
    scalar::ScalarValue,
};

/// Which version of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Moment {
    /// The newest there is when the table is read.
    #[default]
    Latest,
    /// This version.
    Version(u64),
    /// The newest version that is not newer than this.
    Time(DateTime<Utc>),
}

/// What is accepted as a moment, for messages.
pub(crate) const ACCEPTED: &str = "a version (integer) or a time (timestamp, date or text such as \
                                   '2024-05-06T07:08:09Z'; UTC where it names no zone)";

impl Moment {
    /// The moment that a constant means; `what` names it in errors.
    pub(crate) fn of(value: &ScalarValue, what: &str) -> Result<Self> {
        if value.is_null() {
            return plan_err!("{what} is null, expected {ACCEPTED}");
        }
        let kind = value.data_type();
        if kind.is_integer() {
            return match value.cast_to(&DataType::UInt64) {
                Ok(ScalarValue::UInt64(Some(version))) => Ok(Self::Version(version)),
                _ => plan_err!("{what} is {value}, expected {ACCEPTED}"),
            };
        }
        let text = matches!(
            kind,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        );
        if !(text || kind.is_temporal()) {
            return plan_err!("{what} is of type {kind}, expected {ACCEPTED}");
        }
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
        match value.cast_to(&utc) {
            Ok(ScalarValue::TimestampMicrosecond(Some(micros), _)) => {
                match DateTime::from_timestamp_micros(micros) {
                    Some(time) => Ok(Self::Time(time)),
                    None => plan_err!("{what} is {value}, which is out of range"),
                }
            }
            _ => plan_err!("{what} is '{value}', expected {ACCEPTED}"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("the latest version"),
            Self::Version(version) => write!(f, "version {version}"),
            Self::Time(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: ScalarValue) -> std::result::Result<String, String> {
        Moment::of(&value, "x")
            .map(|moment| moment.to_string())
            .map_err(|error| error.strip_backtrace())
    }

    #[test]
    fn versions_and_times_of_every_type() {
        assert_eq!(of(3i64.into()).unwrap(), "version 3");
        assert_eq!(of(3u8.into()).unwrap(), "version 3");
        for text in [
            "2024-05-06T07:08:09Z",
            "2024-05-06 07:08:09",
            "2024-05-06T09:08:09+02:00",
        ] {
            assert_eq!(of(text.into()).unwrap(), "2024-05-06T07:08:09Z");
        }
        assert_eq!(of("2024-05-06".into()).unwrap(), "2024-05-06T00:00:00Z");
        let day = ScalarValue::Date32(Some(1));
        assert_eq!(of(day).unwrap(), "1970-01-02T00:00:00Z");
        let nanos = ScalarValue::TimestampNanosecond(Some(1_500_000_000), None);
        assert_eq!(of(nanos).unwrap(), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn what_is_no_moment_is_named() {
        for (value, part) in [
            (ScalarValue::from(-1i64), "x is -1, expected a version"),
            ("soon".into(), "x is 'soon', expected a version"),
            (1.5f64.into(), "x is of type Float64"),
            (ScalarValue::Int64(None), "x is null"),
        ] {
            let message = of(value).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }
}
