//! Whether one signature, as people read it, accepts all that another does.

use std::collections::BTreeSet;

/// A signature taken apart.
#[derive(Debug)]
struct Parts<'a> {
    /// Each with its name, if it has one, and the types it may have.
    arguments: Vec<(Option<&'a str>, BTreeSet<&'a str>)>,
    /// How many must be given.
    required: usize,
    /// Whether more may follow, of the last one's types.
    open: bool,
}

/// Whether whoever calls by `narrow` can call by `wide`. Where the text does not tell, only the same text will
/// do.
pub(in super::super) fn covers(wide: &str, narrow: &str) -> bool {
    if wide == narrow {
        return true;
    }
    let (Some(wide), Some(narrow)) = (parts(wide), parts(narrow)) else {
        return false;
    };
    // What is not told (`f(...)`) is not compared.
    if wide.open || narrow.open {
        return false;
    }
    wide.required <= narrow.required
        && wide.arguments.len() >= narrow.arguments.len()
        && wide
            .arguments
            .iter()
            .zip(&narrow.arguments)
            .all(|(wide, narrow)| {
                let any = wide.1.contains("any");
                // A query may give the argument by name.
                let name = narrow.0.is_none() || wide.0 == narrow.0;
                name && (any || wide.1.is_superset(&narrow.1))
            })
}

/// Takes `f(a, x: b|c[, d])` apart.
fn parts(signature: &str) -> Option<Parts<'_>> {
    let arguments = signature.split_once('(')?.1.strip_suffix(')')?;
    let closed = arguments.trim_end_matches(']');
    let mut required = None;
    let mut parsed = Vec::new();
    let mut rest = closed;
    let mut open = false;
    while !rest.is_empty() {
        if let Some(optional) = rest.strip_prefix('[') {
            required.get_or_insert(parsed.len());
            rest = optional.strip_prefix(", ").unwrap_or(optional);
        }
        let end = end_of_argument(rest);
        let argument = &rest[..end];
        open |= argument == "...";
        parsed.push(argument_parts(argument));
        rest = rest[end..].strip_prefix(", ").unwrap_or(&rest[end..]);
    }
    // As many brackets are closed as were opened: otherwise it is another notation.
    let optional = required.map_or(0, |required| parsed.len() - required);
    (optional == arguments.len() - closed.len()).then(|| Parts {
        required: required.unwrap_or(parsed.len()),
        arguments: parsed,
        open,
    })
}

/// Up to a comma or bracket that is in no parentheses.
fn end_of_argument(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            ',' | '[' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn argument_parts(argument: &str) -> (Option<&str>, BTreeSet<&str>) {
    let plain = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let (name, types) = match argument.split_once(": ") {
        Some((name, types)) if plain(&name) => (Some(name), types),
        _ => (None, argument),
    };
    (name, types.split('|').collect())
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn more_types_and_more_optional_arguments_cover_fewer() {
        for (wide, narrow) in [
            ("f(Int32)", "f(Int32)"),
            ("f(Int32|Int64)", "f(Int64)"),
            ("f(any)", "f(List(Int64))"),
            ("f(Int32[, Utf8])", "f(Int32)"),
            ("f(Int32[, Utf8])", "f(Int32, Utf8)"),
            ("f([Int32[, Utf8]])", "f()"),
            (
                "f(Decimal128(38, 10)|Int8, Utf8)",
                "f(Decimal128(38, 10), Utf8)",
            ),
            ("f(days: Int32|Int64)", "f(days: Int32)"),
            ("f(days: Int32)", "f(Int32)"),
            ("f(...)", "f(...)"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("f(Int64)", "f(Int32|Int64)"),
            ("f(Int32)", "f(Int32[, Utf8])"),
            ("f(Int32, Utf8)", "f(Int32[, Utf8])"),
            ("f(Int32, Utf8)", "f(Int32)"),
            ("f(Decimal128(38, 10))", "f(Decimal128(38, 20))"),
            ("f(day: Int32)", "f(days: Int32)"),
            ("f(Int32)", "f(days: Int32)"),
            ("f(any, ...)", "f(Int32)"),
            ("f(Int32)", "f(...)"),
        ] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }
}
