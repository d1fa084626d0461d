//! What a function accepts, and what it says of itself.

use serde::{Deserialize, Serialize};

/// Whether equal arguments give equal results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    /// Always.
    Immutable,
    /// Within one query.
    Stable,
    /// Not even there.
    Volatile,
}

/// A function's signature. Types are positions in the parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// What it accepts.
    pub accepts: TypeSignature,
    /// How stable its results are.
    pub volatility: Volatility,
    /// Parameter names, where arguments may be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter_names: Option<Vec<String>>,
}

/// DataFusion's type signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TypeSignature {
    /// Any number of arguments, all of one of these types.
    Variadic(Vec<usize>),
    /// The function coerces by itself.
    UserDefined,
    /// Any number of arguments of any type.
    VariadicAny,
    /// So many arguments, all of one of these types.
    Uniform(usize, Vec<usize>),
    /// Exactly these types.
    Exact(Vec<usize>),
    /// One coercion per argument.
    Coercible(Vec<Coercion>),
    /// So many arguments that can be compared with one another.
    Comparable(usize),
    /// So many arguments of any type.
    Any(usize),
    /// Any of these.
    OneOf(Vec<TypeSignature>),
    /// Arrays, with the arguments in order and how lists are coerced.
    Array {
        /// The arguments.
        arguments: Vec<ArrayArgument>,
        /// Whether fixed-size lists become lists.
        fixed_size_list_to_list: bool,
    },
    /// One array, coerced in its nested types too.
    RecursiveArray,
    /// One map.
    MapArray,
    /// So many numbers.
    Numeric(usize),
    /// So many strings.
    String(usize),
    /// No arguments.
    Nullary,
}

/// An argument of an array signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArrayArgument {
    /// An element of the arrays.
    Element,
    /// An index.
    Index,
    /// An array.
    Array,
    /// A string.
    String,
}

/// How one argument is coerced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coercion {
    /// The class wanted.
    pub desired: TypeClass,
    /// Whether a dictionary stays one.
    #[serde(default)]
    pub preserve_dictionary: bool,
    /// Classes that are cast, and the type they are cast to; none for an exact coercion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implicit: Option<(Vec<TypeClass>, usize)>,
}

/// A class of types. `Native` holds the position of a type that stands for its logical type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TypeClass {
    /// Any type.
    Any,
    /// Timestamps.
    Timestamp,
    /// Times of day.
    Time,
    /// Intervals.
    Interval,
    /// Durations.
    Duration,
    /// One logical type.
    Native(usize),
    /// A logical extension type: its name, and the position of a type that stands for its native
    /// type.
    Extension(String, usize),
    /// Integers.
    Integer,
    /// Floating-point numbers.
    Float,
    /// Decimals.
    Decimal,
    /// Numbers.
    Numeric,
    /// Binary strings.
    Binary,
}

/// A function's documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documentation {
    /// The section's label.
    pub section: String,
    /// The section's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_description: Option<String>,
    /// Whether the section is shown in generated documentation.
    #[serde(default)]
    pub section_included: bool,
    /// What the function does.
    pub description: String,
    /// How it is written.
    pub syntax_example: String,
    /// An example in SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_example: Option<String>,
    /// Arguments by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<(String, String)>>,
    /// Other ways to write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative_syntax: Option<Vec<String>>,
    /// Functions that a reader may want too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_udfs: Option<Vec<String>>,
}
