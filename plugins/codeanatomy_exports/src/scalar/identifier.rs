//! Identifiers: a prefix and a hash of one or more parts.

use std::{fmt::Write, sync::Arc};

use arrow::{
    array::{ArrayRef, StringBuilder},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::Result;
use datafusion_doc::Documentation;
use datafusion_expr::ReturnFieldArgs;
use datafusion_macros::user_doc;

use crate::{
    arguments::{Accepts, Argument},
    column::{AnyText, Text},
    digest::{NULL_PART, SEPARATOR, hash64, hash128, hashes128},
    kernel::{Call, Kernel},
    semantic::{SEMANTIC_TYPE, of_prefix},
};

#[user_doc(
    doc_section(label = "Identifier Functions"),
    description = "A prefix, a colon and stable_hash128. With one of the literals node, edge and span (or node_id, edge_id and span_id) as prefix the result's field says so in its metadata: semantic_type is NodeId, EdgeId or SpanId.",
    syntax_example = "stable_id(prefix, text)",
    sql_example = "select stable_id('node', 'os.path.join'); -- node:...",
    argument(name = "prefix", description = "What the identifier is of."),
    argument(name = "text", description = "What is hashed.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StableId;

impl Kernel for StableId {
    fn name(&self) -> &'static str {
        "stable_id"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("prefix", Accepts::Text),
                Argument::new("text", Accepts::Text),
            ]
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let field = Field::new(self.name(), DataType::Utf8, nullable);
        Ok(of_semantic_type(field, args))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let prefixes = Text::of(&call.args.args[0])?;
        let texts = Text::of(&call.args.args[1])?;
        let mut ids = StringBuilder::with_capacity(call.rows, 40 * call.rows);
        for (row, hash) in hashes128(call.rows, |row| texts.get(row)).enumerate() {
            match (prefixes.get(row), hash) {
                (Some(prefix), Some(hash)) => {
                    write!(ids, "{prefix}:{}", &*hash)?;
                    ids.append_value("");
                }
                _ => ids.append_null(),
            }
        }
        Ok(Arc::new(ids.finish()))
    }
}

/// The field of an identifier, which says what it identifies where the prefix is a literal.
fn of_semantic_type(field: Field, args: &ReturnFieldArgs) -> FieldRef {
    let prefix = args.scalar_arguments.first().copied().flatten();
    let semantic = prefix.and_then(|prefix| of_prefix(prefix.try_as_str()??));
    Arc::new(match semantic {
        Some(semantic) => {
            field.with_metadata([(SEMANTIC_TYPE.to_owned(), semantic.to_owned())].into())
        }
        None => field,
    })
}

/// Calls `write` with each row's prefix and joined parts; a null prefix gives null, a null part is
/// the sentinel.
fn of_parts(
    call: &Call,
    mut write: impl FnMut(&mut StringBuilder, &str, &str) -> Result<()>,
) -> Result<ArrayRef> {
    let prefixes = Text::of(&call.args.args[0])?;
    let parts = call.args.args[1..].iter();
    let parts: Vec<_> = parts.map(AnyText::of).collect::<Result<_>>()?;
    let mut ids = StringBuilder::with_capacity(call.rows, 40 * call.rows);
    let mut joined = String::new();
    for row in 0..call.rows {
        let Some(prefix) = prefixes.get(row) else {
            ids.append_null();
            continue;
        };
        joined.clear();
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                joined.push(SEPARATOR);
            }
            if !part.write(row, &mut joined)? {
                joined.push_str(NULL_PART);
            }
        }
        write(&mut ids, prefix, &joined)?;
        ids.append_value("");
    }
    Ok(Arc::new(ids.finish()))
}

fn stable_id_of_parts(call: &Call) -> Result<ArrayRef> {
    of_parts(call, |ids, prefix, joined| {
        Ok(write!(ids, "{prefix}:{}", &*hash128(joined))?)
    })
}

/// Null where the prefix is.
fn nullable_as_prefix(name: &str, args: &ReturnFieldArgs) -> Field {
    let nullable = args.arg_fields[0].is_nullable();
    Field::new(name, DataType::Utf8, nullable)
}

const PARTS: &[Argument] = &[
    Argument::new("prefix", Accepts::Text),
    Argument::new("part", Accepts::Any).repeated(),
];

#[user_doc(
    doc_section(label = "Identifier Functions"),
    description = "stable_id of parts joined by U+001F, with its metadata. A part that is no string has the text that stable_hash_any hashes, a null part __NULL__.",
    syntax_example = "stable_id_parts(prefix, part [, part, ...])",
    sql_example = "select stable_id_parts('node', 'src/a.py', 10, 20); -- node:...",
    argument(name = "prefix", description = "What the identifier is of."),
    argument(name = "part", description = "A part, of any type.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StableIdParts;

impl Kernel for StableIdParts {
    fn name(&self) -> &'static str {
        "stable_id_parts"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["stable_id_multi"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        PARTS
    }

    fn strict(&self) -> bool {
        false
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let field = nullable_as_prefix(self.name(), args);
        Ok(of_semantic_type(field, args))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        stable_id_of_parts(call)
    }
}

#[user_doc(
    doc_section(label = "Identifier Functions"),
    description = "prefixed_hash64 of parts joined by U+001F. A part that is no string has the text that stable_hash_any hashes, a null part __NULL__.",
    syntax_example = "prefixed_hash_parts64(prefix, part [, part, ...])",
    sql_example = "select prefixed_hash_parts64('edge', 1, 2); -- edge:...",
    argument(name = "prefix", description = "What the identifier is of."),
    argument(name = "part", description = "A part, of any type.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PrefixedHashParts64;

impl Kernel for PrefixedHashParts64 {
    fn name(&self) -> &'static str {
        "prefixed_hash_parts64"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["prefixed_hash_parts"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        PARTS
    }

    fn strict(&self) -> bool {
        false
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(nullable_as_prefix(self.name(), args)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        of_parts(call, |ids, prefix, joined| {
            Ok(write!(ids, "{prefix}:{}", hash64(joined))?)
        })
    }
}

#[user_doc(
    doc_section(label = "Identifier Functions"),
    description = "The identifier of a span: stable_id_parts of path, start, end and, where it is given, kind, with its metadata.",
    syntax_example = "span_id(prefix, path, bstart, bend [, kind])",
    sql_example = "select span_id('span', 'src/a.py', 10, 20, 'def'); -- span:...",
    argument(name = "prefix", description = "What the identifier is of."),
    argument(name = "path", description = "The file."),
    argument(name = "bstart", description = "The first byte."),
    argument(name = "bend", description = "The end."),
    argument(name = "kind", description = "What the span is of.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanId;

impl Kernel for SpanId {
    fn name(&self) -> &'static str {
        "span_id"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("prefix", Accepts::Text),
                Argument::new("path", Accepts::Text),
                Argument::new("bstart", Accepts::Integer),
                Argument::new("bend", Accepts::Integer),
                Argument::new("kind", Accepts::Text).optional(),
            ]
        }
    }

    fn strict(&self) -> bool {
        false
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let field = nullable_as_prefix(self.name(), args);
        Ok(of_semantic_type(field, args))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        stable_id_of_parts(call)
    }
}
