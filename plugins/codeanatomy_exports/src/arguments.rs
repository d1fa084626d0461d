//! What functions accept, and what they say of what they do not accept.

use std::fmt::Write;

use arrow::datatypes::{DataType, Field};
use datafusion_common::{Result, plan_err};

use crate::span::is_span;

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    Any,
    Text,
    /// Whole numbers of every width, as `Int64`.
    Integer,
    /// Whole numbers, as `Int32`.
    SmallInteger,
    Boolean,
    TextOrInteger,
    Span,
    /// A map of any keys.
    Map,
    /// A map whose keys are strings.
    TextMap,
    List,
    Struct,
}

impl Accepts {
    fn names(self) -> &'static str {
        match self {
            Self::Any => "any type",
            Self::Text => "Utf8, LargeUtf8 or Utf8View",
            Self::Integer => "an integer type",
            Self::SmallInteger => "an integer type whose values fit Int32",
            Self::Boolean => "Boolean",
            Self::TextOrInteger => "Utf8, LargeUtf8, Utf8View or an integer type",
            Self::Span => "a span: Struct with Int64 fields bstart and bend",
            Self::Map => "Map",
            Self::TextMap => "Map with keys of type Utf8, LargeUtf8 or Utf8View",
            Self::List => "List, LargeList or FixedSizeList",
            Self::Struct => "Struct",
        }
    }

    /// The type in which an argument of type `found` arrives.
    fn coerced(self, found: &DataType) -> Option<DataType> {
        use DataType::{
            Boolean, Dictionary, FixedSizeList, Int32, Int64, LargeList, List, Map, Null, Struct,
            Utf8,
        };
        match (self, found) {
            (Self::Any, any) => Some(any.clone()),
            (_, Dictionary(_, values)) => self.coerced(values),
            (Self::Text | Self::TextOrInteger, Null) => Some(Utf8),
            (Self::Text | Self::TextOrInteger, text) if text.is_string() => Some(text.clone()),
            (Self::Integer, Null) => Some(Int64),
            (Self::Integer | Self::TextOrInteger, number) if number.is_integer() => Some(Int64),
            // Literals of SQL are Int64; one that does not fit is an error of the cast.
            (Self::SmallInteger, Null) => Some(Int32),
            (Self::SmallInteger, number) if number.is_integer() => Some(Int32),
            (Self::Boolean, Boolean | Null) => Some(Boolean),
            (Self::Span, Null) => Some(crate::span::span_type()),
            (Self::Span, span) if is_span(span) => Some(span.clone()),
            (Self::Map, Map(..)) | (Self::Struct, Struct(_)) => Some(found.clone()),
            // There is no telling of what a null is a map or a struct.
            (Self::Map | Self::TextMap | Self::Struct, Null) => Some(Null),
            (Self::TextMap, Map(entries, _)) => match entries.data_type() {
                Struct(fields) if fields[0].data_type().is_string() => Some(found.clone()),
                _ => None,
            },
            (Self::List, List(_) | LargeList(_)) => Some(found.clone()),
            (Self::List, FixedSizeList(item, _)) => Some(List(item.clone())),
            (Self::List, Null) => Some(List(Field::new_list_field(Null, true).into())),
            _ => None,
        }
    }
}

/// How often an argument stands in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Once,
    Optional,
    /// Once or more; only the last argument.
    Repeated,
}

/// An argument of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    accepts: Accepts,
    count: Count,
}

impl Argument {
    pub(crate) const fn new(name: &'static str, accepts: Accepts) -> Self {
        Self {
            name,
            accepts,
            count: Count::Once,
        }
    }

    pub(crate) const fn optional(mut self) -> Self {
        self.count = Count::Optional;
        self
    }

    pub(crate) const fn repeated(mut self) -> Self {
        self.count = Count::Repeated;
        self
    }
}

/// The types in which arguments of the types `found` arrive at `function`.
///
/// # Errors
/// A planning error that names function, argument and what is accepted.
pub(crate) fn coerce(
    function: &str,
    arguments: &[Argument],
    found: &[DataType],
) -> Result<Vec<DataType>> {
    let least = arguments
        .iter()
        .filter(|argument| argument.count != Count::Optional)
        .count();
    let repeated = arguments
        .last()
        .filter(|argument| argument.count == Count::Repeated);
    if found.len() < least || (repeated.is_none() && found.len() > arguments.len()) {
        return plan_err!(
            "{} takes the arguments {}, found {}",
            function,
            usage(arguments),
            found.len()
        );
    }
    let of = |at: usize| arguments.get(at).or(repeated);
    let coerced = found.iter().enumerate().map(|(at, found)| {
        let Some(argument) = of(at) else {
            return plan_err!("{function} has no argument {}", at + 1);
        };
        match argument.accepts.coerced(found) {
            Some(coerced) => Ok(coerced),
            None => plan_err!(
                "{function}: the argument '{}' is of type {found}, expected {}",
                argument.name,
                argument.accepts.names()
            ),
        }
    });
    coerced.collect()
}

/// The arguments as a call has them: `(a, b [, c])`.
fn usage(arguments: &[Argument]) -> String {
    let mut usage = "(".to_owned();
    for (at, argument) in arguments.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        let name = argument.name;
        // Writing to a string does not fail.
        let _ = match argument.count {
            Count::Once => write!(usage, "{comma}{name}"),
            Count::Optional => write!(usage, " [{comma}{name}]"),
            Count::Repeated => write!(usage, "{comma}{name}, ..."),
        };
    }
    usage.push(')');
    usage
}
