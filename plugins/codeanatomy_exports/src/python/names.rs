//! Names in source code, as Python reads them.

use std::borrow::Cow;

use tree_sitter::Node;
use unicode_normalization::UnicodeNormalization;

use super::grammar::{GRAMMAR, Role};

/// The text of a node. What is not UTF-8 in it is replaced.
pub(super) fn text<'a>(node: Node, source: &'a [u8]) -> Cow<'a, str> {
    String::from_utf8_lossy(&source[node.byte_range()])
}

/// An identifier; Python takes those for the same that are the same in NFKC.
pub(super) fn identifier<'a>(node: Node, source: &'a [u8]) -> Cow<'a, str> {
    let name = text(node, source);
    match name.is_ascii() {
        true => name,
        false => Cow::Owned(name.nfkc().collect()),
    }
}

/// `a.b.c` of names and attributes, without white space, comments and parentheses in between; nothing for any
/// other expression.
pub(super) fn dotted<'a>(node: Node, source: &'a [u8]) -> Option<Cow<'a, str>> {
    let grammar = &*GRAMMAR;
    if grammar.kind(node).role == Role::Identifier {
        return Some(identifier(node, source));
    }
    let mut parts = Vec::new();
    let mut next = Some(node);
    while let Some(node) = next.take() {
        match grammar.kind(node).role {
            Role::Attribute => {
                let name = node.child_by_field_id(grammar.field.attribute)?;
                parts.push(identifier(name, source));
                next = node.child_by_field_id(grammar.field.object);
            }
            Role::Identifier => parts.push(identifier(node, source)),
            Role::Parenthesized | Role::ListSplat => next = content(node),
            Role::DottedName => {
                let mut cursor = node.walk();
                let names: Vec<_> = node.named_children(&mut cursor).collect();
                let names = names.into_iter().rev();
                let names = names.filter(|name| grammar.kind(*name).role == Role::Identifier);
                parts.extend(names.map(|name| identifier(name, source)));
            }
            _ => return None,
        }
    }
    parts.reverse();
    Some(Cow::Owned(parts.join(".")))
}

/// What stands in parentheses or behind an asterisk.
pub(super) fn content(node: Node) -> Option<Node> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .find(|child| !child.is_extra())
}

/// The text of a docstring between its quotes, escapes as they are written; nothing where `body`
/// does not start with a string.
pub(super) fn docstring<'t>(body: Node<'t>, source: &[u8]) -> Option<(Node<'t>, String)> {
    let mut cursor = body.walk();
    let first = body
        .named_children(&mut cursor)
        .find(|node| node.kind() != "comment")?;
    // With a comma behind it, a string is in a tuple.
    if first.kind() != "expression_statement" || first.child_count() != 1 {
        return None;
    }
    let mut expression = first.named_child(0)?;
    while expression.kind() == "parenthesized_expression" {
        expression = content(expression)?;
    }
    let mut contents = String::new();
    match expression.kind() {
        "string" => literal(expression, source, &mut contents)?,
        "concatenated_string" => {
            let mut cursor = expression.walk();
            for part in expression.named_children(&mut cursor) {
                if part.kind() == "string" {
                    literal(part, source, &mut contents)?;
                }
            }
        }
        _ => return None,
    }
    Some((expression, contents))
}

/// Writes the contents of a string; nothing for bytes, formatted strings and templates.
fn literal(string: Node, source: &[u8], out: &mut String) -> Option<()> {
    let mut cursor = string.walk();
    for part in string.children(&mut cursor) {
        match part.kind() {
            "string_start" => {
                let prefix = text(part, source);
                if prefix.contains(['b', 'B', 'f', 'F', 't', 'T']) {
                    return None;
                }
            }
            "string_content" => out.push_str(&text(part, source)),
            "interpolation" => return None,
            _ => {}
        }
    }
    Some(())
}
