//! Syntax trees as JSON, as deep as the SQL parser makes them.

use datafusion_common::Result;
use serde::{Serialize, de::DeserializeOwned};

use crate::df55::expressions::breach;

/// Levels of JSON. A level of a syntax tree takes two to four of them, and DataFusion's parser ends
/// at 50 levels of nesting; operators in a row are deeper than that.
const MAX_DEPTH: usize = 20_000;

/// What a level may take of the stack; unoptimized code of so many cases takes a lot.
const RED_ZONE: usize = if cfg!(debug_assertions) {
    1536 * 1024
} else {
    256 * 1024
};
const STACK: usize = 16 * 1024 * 1024;

/// Where less of the stack is left, a tree is written on one that the deepest fits on.
const WRITING: usize = 2 * 1024 * 1024;
const DEEPEST: usize = 128 * 1024 * 1024;

/// Writes a syntax tree.
///
/// # Errors
/// When it is deeper than what the other side would read.
pub fn syntax_to_json<T: Serialize>(tree: &T) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut json);
    // `serde_stacker` grows the stack while it reads, but not between the fields that it writes.
    stacker::maybe_grow(WRITING, DEEPEST, || tree.serialize(&mut serializer))
        .map_err(|error| breach(format!("a syntax tree that cannot be written: {error}")))?;
    check_depth(&json)?;
    Ok(json)
}

/// As [`syntax_to_json`], as text.
///
/// # Errors
/// As for [`syntax_to_json`].
pub fn syntax_to_text<T: Serialize>(tree: &T) -> Result<String> {
    String::from_utf8(syntax_to_json(tree)?)
        .map_err(|error| breach(format!("a syntax tree that is no text: {error}")))
}

/// Reads a syntax tree.
///
/// # Errors
/// A breach of the contract for what is none of its type, or deeper than any parser makes one.
pub fn syntax_from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    check_depth(json)?;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer.disable_recursion_limit();
    let mut stacked = serde_stacker::Deserializer::new(&mut deserializer);
    (stacked.red_zone, stacked.stack_size) = (RED_ZONE, STACK);
    let tree = T::deserialize(stacked);
    let tree = tree.and_then(|tree| deserializer.end().map(|()| tree));
    tree.map_err(|error| breach(format!("an unreadable syntax tree: {error}")))
}

fn check_depth(json: &[u8]) -> Result<()> {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => loop {
                match bytes.next() {
                    Some(b'\\') => drop(bytes.next()),
                    Some(b'"') | None => break,
                    Some(_) => {}
                }
            },
            _ => {}
        }
    }
    match deepest > MAX_DEPTH {
        true => Err(breach(format!("a syntax tree of {deepest} levels"))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use sqlparser::{
        ast::{BinaryOperator, Expr, Value},
        dialect::GenericDialect,
        parser::Parser,
    };

    use super::*;

    fn number(text: &str) -> Expr {
        Expr::Value(Value::Number(text.to_owned(), false).with_empty_span())
    }

    fn sum(levels: usize) -> Expr {
        (0..levels).fold(number("1"), |left, _| Expr::BinaryOp {
            left: Box::new(left),
            op: BinaryOperator::Plus,
            right: Box::new(number("1")),
        })
    }

    #[test]
    fn a_statement_comes_back() {
        let sql = "SELECT a, \"b\"\"[{\" FROM t TABLESAMPLE (10 PERCENT) REPEATABLE (7), \
                   LATERAL (SELECT x FROM UNNEST([1, 2]) AS u(x) WHERE x > ALL (SELECT 1)) AS l, r \
                   PIVOT(sum(q) FOR m IN ('a' AS x, 'b')) AS p";
        let tree = Parser::parse_sql(&GenericDialect {}, sql).unwrap();
        let json = syntax_to_json(&tree).unwrap();
        let back: Vec<sqlparser::ast::Statement> = syntax_from_json(&json).unwrap();
        assert_eq!(back, tree);
    }

    #[test]
    fn a_tree_deeper_than_serde_jsons_limit_comes_back() {
        let tree = sum(1000);
        let json = syntax_to_json(&tree).unwrap();
        let back = syntax_from_json::<Expr>(&json).unwrap();
        // Trees of `sqlparser` are compared and dropped by recursion: not on a test's small stack.
        assert!(syntax_to_json(&back).unwrap() == json);
        std::mem::forget([tree, back]);
    }

    #[test]
    fn a_tree_deeper_than_any_is_refused() {
        let mut json = Vec::new();
        for _ in 0..MAX_DEPTH + 1 {
            json.extend_from_slice(br#"{"Nested":"#);
        }
        let error = syntax_from_json::<Expr>(&json).unwrap_err();
        assert!(error.to_string().contains("20001 levels"), "{error}");
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        for json in [&b""[..], b"{", b"[]", br#"{"Nested":1}"#, b"null", b"\"\\"] {
            assert!(syntax_from_json::<Expr>(json).is_err());
        }
    }
}
