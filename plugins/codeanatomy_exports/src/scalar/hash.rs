//! Hashes of strings and of any values.

use std::{fmt::Write, sync::Arc};

use arrow::{
    array::{ArrayRef, Int64Builder, StringBuilder},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::{Result, config::ConfigOptions};
use datafusion_doc::Documentation;
use datafusion_expr::ReturnFieldArgs;
use datafusion_macros::user_doc;

use super::unicode::Normalizer;
use crate::{
    Options,
    arguments::{Accepts, Argument},
    column::{AnyText, Booleans, Text},
    digest::{NULL_PART, hash128, hashes64, hashes128},
    kernel::{Call, Kernel},
};

const TEXT: &[Argument] = &[Argument::new("text", Accepts::Text)];
const PREFIX_TEXT: &[Argument] = &[
    Argument::new("prefix", Accepts::Text),
    Argument::new("text", Accepts::Text),
];

#[user_doc(
    doc_section(label = "Hashing Functions"),
    description = "A stable 63-bit hash of a string: BLAKE2b with a digest of 8 bytes, big-endian, without its top bit.",
    syntax_example = "stable_hash64(text)",
    sql_example = "select stable_hash64('os.path'); -- a non-negative Int64",
    argument(name = "text", description = "What is hashed, as UTF-8.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StableHash64;

impl Kernel for StableHash64 {
    fn name(&self) -> &'static str {
        "stable_hash64"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["hash64"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        TEXT
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let texts = Text::of(&call.args.args[0])?;
        let mut hashes = Int64Builder::with_capacity(call.rows);
        for hash in hashes64(call.rows, |row| texts.get(row)) {
            hashes.append_option(hash);
        }
        Ok(Arc::new(hashes.finish()))
    }
}

#[user_doc(
    doc_section(label = "Hashing Functions"),
    description = "A stable 128-bit hash of a string: BLAKE2b with a digest of 16 bytes, as 32 lower-case hexadecimal digits.",
    syntax_example = "stable_hash128(text)",
    sql_example = "select stable_hash128(''); -- cae66941d9efbd404e4d88758ea67670",
    argument(name = "text", description = "What is hashed, as UTF-8.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StableHash128;

impl Kernel for StableHash128 {
    fn name(&self) -> &'static str {
        "stable_hash128"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["hash128"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        TEXT
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let texts = Text::of(&call.args.args[0])?;
        let mut hashes = StringBuilder::with_capacity(call.rows, 32 * call.rows);
        for hash in hashes128(call.rows, |row| texts.get(row)) {
            hashes.append_option(hash.as_deref());
        }
        Ok(Arc::new(hashes.finish()))
    }
}

#[user_doc(
    doc_section(label = "Hashing Functions"),
    description = "A prefix, a colon and stable_hash64 in decimal digits.",
    syntax_example = "prefixed_hash64(prefix, text)",
    sql_example = "select prefixed_hash64('file', 'src/a.py'); -- file:...",
    argument(name = "prefix", description = "What the identifier is of."),
    argument(name = "text", description = "What is hashed.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PrefixedHash64;

impl Kernel for PrefixedHash64 {
    fn name(&self) -> &'static str {
        "prefixed_hash64"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["prefixed_hash"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        PREFIX_TEXT
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let prefixes = Text::of(&call.args.args[0])?;
        let texts = Text::of(&call.args.args[1])?;
        let mut ids = StringBuilder::with_capacity(call.rows, 28 * call.rows);
        for (row, hash) in hashes64(call.rows, |row| texts.get(row)).enumerate() {
            match (prefixes.get(row), hash) {
                (Some(prefix), Some(hash)) => {
                    write!(ids, "{prefix}:{hash}")?;
                    ids.append_value("");
                }
                _ => ids.append_null(),
            }
        }
        Ok(Arc::new(ids.finish()))
    }
}

#[user_doc(
    doc_section(label = "Hashing Functions"),
    description = "stable_hash128 of the text of any value: that of a cast to VARCHAR, or, of a type without such a cast (structs, maps), the text that DataFusion shows. A null value hashes as the sentinel.",
    syntax_example = "stable_hash_any(value [, canonical [, null_sentinel]])",
    sql_example = "select stable_hash_any(42) = stable_hash128('42'); -- true",
    argument(name = "value", description = "What is hashed; of any type."),
    argument(
        name = "canonical",
        description = "Whether the text is normalized as by utf8_normalize first; false without it."
    ),
    argument(
        name = "null_sentinel",
        description = "The text that stands for a null value; __NULL__ without it."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StableHashAny {
    options: Options,
}

impl StableHashAny {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
        }
    }

    fn normalizer(&self, settings: &ConfigOptions) -> Result<Normalizer> {
        Normalizer::of(self.options.of(settings))
    }
}

impl Kernel for StableHashAny {
    fn name(&self) -> &'static str {
        "stable_hash_any"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["stable_hash"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("value", Accepts::Any),
                Argument::new("canonical", Accepts::Boolean).optional(),
                Argument::new("null_sentinel", Accepts::Text).optional(),
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
        let nullable = args
            .arg_fields
            .iter()
            .skip(1)
            .any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), DataType::Utf8, nullable)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let values = AnyText::of(&call.args.args[0])?;
        let canonical = match call.argument(1) {
            Some(flags) => Booleans::of(flags)?,
            None => Booleans::Constant(Some(false)),
        };
        let sentinels = match call.argument(2) {
            Some(sentinels) => Text::of(sentinels)?,
            None => Text::Constant(Some(NULL_PART)),
        };
        let mut normalizer = self.normalizer(&call.args.config_options)?;
        let mut hashes = StringBuilder::with_capacity(call.rows, 32 * call.rows);
        let mut text = String::new();
        for row in 0..call.rows {
            let (Some(canonical), Some(sentinel)) = (canonical.get(row), sentinels.get(row)) else {
                hashes.append_null();
                continue;
            };
            text.clear();
            let hashed = match values.write(row, &mut text)? {
                false => sentinel,
                true if canonical => normalizer.normalized(&text),
                true => &text,
            };
            hashes.append_value(&*hash128(hashed));
        }
        Ok(Arc::new(hashes.finish()))
    }
}
