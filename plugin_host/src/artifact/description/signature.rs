//! Signatures as people read them.

mod covers;

pub(super) use covers::covers;

use arrow_schema::DataType;
use datafusion_plugin_api::abi::message::{
    ArrayArgument, Coercion, Signature, TypeClass, TypeSignature,
};

/// More arguments than this are not written out.
const MAX_ARGUMENTS: usize = 8;

/// More alternatives than this are not merged.
const MAX_MERGED: usize = 64;

/// `name(types)`, one per alternative of the signature, none twice.
///
/// Alternatives that differ in one argument are one, `f(Int8|Int16)`, and so are those that differ
/// in how many of the last arguments are given, `f(Utf8[, Int32])`.
pub(super) fn render(name: &str, signature: &Signature, types: &[DataType]) -> Vec<String> {
    let mut alternatives = Vec::new();
    collect(&signature.accepts, types, &mut alternatives);
    if alternatives.len() <= MAX_MERGED {
        merge(&mut alternatives);
    }
    let parameters = signature.parameter_names.as_deref().unwrap_or_default();
    let mut alternatives: Vec<_> = alternatives
        .into_iter()
        .map(|arguments| named(arguments, parameters))
        .collect();
    if let Some(arguments) = optional(&mut alternatives) {
        return vec![format!("{name}({arguments})")];
    }
    let mut out: Vec<String> = Vec::new();
    for arguments in alternatives {
        let text = format!("{name}({})", arguments.join(", "));
        if !out.contains(&text) {
            out.push(text);
        }
    }
    out
}

/// Makes one of two alternatives that differ in at most one argument, until there are none.
fn merge(alternatives: &mut Vec<Vec<String>>) {
    let mut at = 0;
    while at < alternatives.len() {
        let found = (at + 1..alternatives.len())
            .find_map(|other| Some((other, joined(&alternatives[at], &alternatives[other])?)));
        match found {
            Some((other, both)) => {
                alternatives.remove(other);
                alternatives[at] = both;
                // What grew may now differ from an earlier one in one argument only.
                at = 0;
            }
            None => at += 1,
        }
    }
}

/// The alternative that accepts what either does, if they differ in at most one argument.
fn joined(one: &[String], other: &[String]) -> Option<Vec<String>> {
    if one.len() != other.len() {
        return None;
    }
    let mut differing = (0..one.len()).filter(|at| one[*at] != other[*at]);
    let mut both = one.to_vec();
    if let Some(at) = differing.next() {
        if differing.next().is_some() || one[at] == "..." || other[at] == "..." {
            return None;
        }
        let names = one[at].split('|').chain(other[at].split('|'));
        both[at] = self::alternatives(names.map(str::to_owned));
    }
    Some(both)
}

/// `a, b[, c]`, if every alternative but the longest is the one after it without its last argument.
fn optional(alternatives: &mut [Vec<String>]) -> Option<String> {
    alternatives.sort_by_key(Vec::len);
    let extends =
        |pair: &[Vec<String>]| pair[1].len() == pair[0].len() + 1 && pair[1].starts_with(&pair[0]);
    let (shortest, longest) = (alternatives.first()?, alternatives.last()?);
    if alternatives.len() < 2 || !alternatives.windows(2).all(extends) {
        return None;
    }
    let mut text = shortest.join(", ");
    for argument in &longest[shortest.len()..] {
        text += if text.is_empty() { "[" } else { "[, " };
        text += argument;
    }
    Some(text + &"]".repeat(longest.len() - shortest.len()))
}

/// `days: Int32` where parameters have names.
fn named(arguments: Vec<String>, parameters: &[String]) -> Vec<String> {
    let mut names = parameters.iter();
    arguments
        .into_iter()
        .map(|argument| match (argument.as_str(), names.next()) {
            ("...", _) | (_, None) => argument,
            (_, Some(name)) => format!("{name}: {argument}"),
        })
        .collect()
}

fn collect(accepts: &TypeSignature, types: &[DataType], out: &mut Vec<Vec<String>>) {
    let repeat = |count: usize, text: &str| {
        let mut arguments = vec![text.to_owned(); count.min(MAX_ARGUMENTS)];
        if count > MAX_ARGUMENTS {
            arguments.push("...".to_owned());
        }
        arguments
    };
    let any_of = |positions: &[usize]| {
        let names = positions.iter().map(|position| type_at(types, *position));
        alternatives(names)
    };
    let rest = || "...".to_owned();
    out.push(match accepts {
        TypeSignature::OneOf(all) => {
            for one in all {
                collect(one, types, out);
            }
            return;
        }
        TypeSignature::Variadic(positions) => vec![any_of(positions), rest()],
        TypeSignature::UserDefined => vec![rest()],
        TypeSignature::VariadicAny => vec!["any".to_owned(), rest()],
        TypeSignature::Uniform(count, positions) => repeat(*count, &any_of(positions)),
        TypeSignature::Exact(positions) => positions.iter().map(|at| type_at(types, *at)).collect(),
        TypeSignature::Coercible(coercions) => coercions
            .iter()
            .map(|coercion| coercible(coercion, types))
            .collect(),
        TypeSignature::Comparable(count) => repeat(*count, "comparable"),
        TypeSignature::Any(count) => repeat(*count, "any"),
        TypeSignature::Array { arguments, .. } => {
            let name = |argument: &ArrayArgument| match argument {
                ArrayArgument::Element => "element",
                ArrayArgument::Index => "index",
                ArrayArgument::Array => "array",
                ArrayArgument::String => "string",
                _ => "any",
            };
            arguments.iter().map(|a| name(a).to_owned()).collect()
        }
        TypeSignature::RecursiveArray => vec!["array".to_owned()],
        TypeSignature::MapArray => vec!["map".to_owned()],
        TypeSignature::Numeric(count) => repeat(*count, "numeric"),
        TypeSignature::String(count) => repeat(*count, "string"),
        TypeSignature::Nullary => Vec::new(),
        // A signature of a later contract minor.
        _ => vec![rest()],
    });
}

/// The class wanted, then those that are cast to it.
fn coercible(coercion: &Coercion, types: &[DataType]) -> String {
    let sources = coercion.implicit.iter().flat_map(|(sources, _)| sources);
    let classes = std::iter::once(&coercion.desired).chain(sources);
    alternatives(classes.map(|class| class_name(class, types)))
}

fn class_name(class: &TypeClass, types: &[DataType]) -> String {
    let name = match class {
        TypeClass::Any => "any",
        TypeClass::Timestamp => "timestamp",
        TypeClass::Time => "time",
        TypeClass::Interval => "interval",
        TypeClass::Duration => "duration",
        TypeClass::Native(position) => return type_at(types, *position),
        TypeClass::Integer => "integer",
        TypeClass::Float => "float",
        TypeClass::Decimal => "decimal",
        TypeClass::Numeric => "numeric",
        TypeClass::Binary => "binary",
        _ => "?",
    };
    name.to_owned()
}

fn type_at(types: &[DataType], position: usize) -> String {
    types
        .get(position)
        .map_or_else(|| "?".to_owned(), DataType::to_string)
}

/// `A|B`, none twice.
fn alternatives(names: impl Iterator<Item = String>) -> String {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.contains(&name) {
            out.push(name);
        }
    }
    if out.is_empty() {
        return "any".to_owned();
    }
    out.join("|")
}

#[cfg(test)]
mod tests {
    use datafusion_plugin_api::abi::message::Volatility;

    use super::*;

    const TYPES: [DataType; 3] = [DataType::Binary, DataType::Utf8, DataType::Int32];

    fn rendered(accepts: TypeSignature) -> Vec<String> {
        let signature = Signature {
            accepts,
            volatility: Volatility::Immutable,
            parameter_names: None,
        };
        render("f", &signature, &TYPES)
    }

    #[test]
    fn every_kind_of_signature_is_written() {
        let native = |position| Coercion {
            desired: TypeClass::Native(position),
            preserve_dictionary: false,
            implicit: None,
        };
        let mut string = native(0);
        string.implicit = Some((vec![TypeClass::Native(1), TypeClass::Native(0)], 0));
        for (accepts, expected) in [
            (
                TypeSignature::Coercible(vec![string, native(2)]),
                "f(Binary|Utf8, Int32)",
            ),
            (TypeSignature::Variadic(vec![1, 0]), "f(Utf8|Binary, ...)"),
            (TypeSignature::UserDefined, "f(...)"),
            (TypeSignature::VariadicAny, "f(any, ...)"),
            (TypeSignature::Uniform(2, vec![2]), "f(Int32, Int32)"),
            (TypeSignature::Exact(vec![0, 2]), "f(Binary, Int32)"),
            (TypeSignature::Exact(vec![9]), "f(?)"),
            (TypeSignature::Comparable(1), "f(comparable)"),
            (TypeSignature::Any(2), "f(any, any)"),
            (TypeSignature::RecursiveArray, "f(array)"),
            (TypeSignature::MapArray, "f(map)"),
            (TypeSignature::Numeric(1), "f(numeric)"),
            (TypeSignature::String(1), "f(string)"),
            (TypeSignature::Nullary, "f()"),
            (
                TypeSignature::Array {
                    arguments: vec![ArrayArgument::Array, ArrayArgument::Index],
                    fixed_size_list_to_list: true,
                },
                "f(array, index)",
            ),
        ] {
            assert_eq!(rendered(accepts), [expected]);
        }
    }

    #[test]
    fn alternatives_are_listed_once() {
        let accepts = TypeSignature::OneOf(vec![
            TypeSignature::Exact(vec![2]),
            TypeSignature::OneOf(vec![TypeSignature::Nullary, TypeSignature::Exact(vec![2])]),
        ]);
        assert_eq!(rendered(accepts), ["f([Int32])"]);
    }

    #[test]
    fn alternatives_that_differ_in_one_argument_are_one() {
        let exact = |positions: &[usize]| TypeSignature::Exact(positions.to_vec());
        let one_of = |all: &[&[usize]]| {
            rendered(TypeSignature::OneOf(
                all.iter().map(|positions| exact(positions)).collect(),
            ))
        };
        assert_eq!(one_of(&[&[0], &[1], &[2]]), ["f(Binary|Utf8|Int32)"]);
        assert_eq!(
            one_of(&[&[0, 2], &[0], &[1, 2], &[1], &[1, 2, 2]]),
            [
                "f(Binary|Utf8)",
                "f(Binary|Utf8, Int32)",
                "f(Utf8, Int32, Int32)"
            ]
        );
        assert_eq!(
            one_of(&[&[], &[2], &[2, 1], &[2, 0]]),
            ["f([Int32[, Utf8|Binary]])"]
        );
        // Not all four combinations are accepted.
        assert_eq!(
            one_of(&[&[0, 1], &[1, 0]]),
            ["f(Binary, Utf8)", "f(Utf8, Binary)"]
        );
        assert_eq!(
            one_of(&[&[0], &[0, 1, 2]]),
            ["f(Binary)", "f(Binary, Utf8, Int32)"]
        );
    }

    #[test]
    fn a_hostile_count_is_not_written_out() {
        let text = &rendered(TypeSignature::Any(usize::MAX))[0];
        assert!(text.len() < 100 && text.ends_with(", ...)"), "{text}");
    }

    #[test]
    fn parameters_are_named() {
        let signature = Signature {
            accepts: TypeSignature::Exact(vec![1, 2]),
            volatility: Volatility::Immutable,
            parameter_names: Some(vec!["text".to_owned(), "days".to_owned()]),
        };
        assert_eq!(
            render("f", &signature, &TYPES),
            ["f(text: Utf8, days: Int32)"]
        );
    }
}
