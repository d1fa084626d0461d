//! Normal forms of strings.

use std::{str::FromStr, sync::Arc};

use arrow::{
    array::{ArrayRef, LargeStringBuilder, StringBuilder, StringViewBuilder},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::{DataFusionError, Result, plan_err};
use datafusion_doc::Documentation;
use datafusion_expr::ReturnFieldArgs;
use datafusion_macros::user_doc;
use unicode_normalization::UnicodeNormalization;

use crate::{
    Options,
    arguments::{Accepts, Argument},
    column::{Booleans, Text},
    kernel::{Call, Kernel},
};

/// A form of Unicode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

impl FromStr for Form {
    type Err = DataFusionError;

    fn from_str(name: &str) -> Result<Self> {
        let known = [
            ("NFC", Self::Nfc),
            ("NFD", Self::Nfd),
            ("NFKC", Self::Nfkc),
            ("NFKD", Self::Nfkd),
        ];
        let form = known
            .into_iter()
            .find(|(known, _)| name.trim().eq_ignore_ascii_case(known));
        match form {
            Some((_, form)) => Ok(form),
            None => plan_err!("'{name}' is no form of Unicode, expected NFC, NFD, NFKC or NFKD"),
        }
    }
}

/// Whether `name` is a form of Unicode.
///
/// # Errors
/// Names those that are.
pub(crate) fn check_form(name: &str) -> Result<()> {
    Form::from_str(name).map(|_| ())
}

/// Normalizes strings one after the other.
pub(super) struct Normalizer {
    form: Form,
    casefold: bool,
    collapse: bool,
    normal: String,
    folded: String,
}

impl Normalizer {
    pub(super) fn of(options: &Options) -> Result<Self> {
        Ok(Self {
            form: options.utf8_normalize_form.parse()?,
            casefold: options.utf8_normalize_casefold,
            collapse: options.utf8_normalize_collapse_ws,
            normal: String::new(),
            folded: String::new(),
        })
    }

    /// Trimmed, in the form, in lower case and with white space collapsed, as is asked for.
    pub(super) fn normalized(&mut self, text: &str) -> &str {
        let text = text.trim();
        self.normal.clear();
        // ASCII is in every form already.
        match self.form {
            _ if text.is_ascii() => self.normal.push_str(text),
            Form::Nfc => self.normal.extend(text.nfc()),
            Form::Nfd => self.normal.extend(text.nfd()),
            Form::Nfkc => self.normal.extend(text.nfkc()),
            Form::Nfkd => self.normal.extend(text.nfkd()),
        }
        if self.casefold {
            if self.normal.is_ascii() {
                self.normal.make_ascii_lowercase();
            } else {
                // Of the whole, not of each character: a final sigma has a lower case of its own.
                self.normal = self.normal.to_lowercase();
            }
        }
        if !self.collapse {
            return &self.normal;
        }
        self.folded.clear();
        for word in self.normal.split_whitespace() {
            if !self.folded.is_empty() {
                self.folded.push(' ');
            }
            self.folded.push_str(word);
        }
        &self.folded
    }
}

/// Builds strings of the type that an argument has.
pub(super) enum TextBuilder {
    Utf8(StringBuilder),
    Large(LargeStringBuilder),
    View(StringViewBuilder),
}

impl TextBuilder {
    pub(super) fn of(data_type: &DataType, rows: usize) -> Self {
        match data_type {
            DataType::LargeUtf8 => Self::Large(LargeStringBuilder::with_capacity(rows, 16 * rows)),
            DataType::Utf8View => Self::View(StringViewBuilder::with_capacity(rows)),
            _ => Self::Utf8(StringBuilder::with_capacity(rows, 16 * rows)),
        }
    }

    pub(super) fn append(&mut self, text: Option<&str>) {
        match self {
            Self::Utf8(builder) => builder.append_option(text),
            Self::Large(builder) => builder.append_option(text),
            Self::View(builder) => builder.append_option(text),
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Utf8(mut builder) => Arc::new(builder.finish()),
            Self::Large(mut builder) => Arc::new(builder.finish()),
            Self::View(mut builder) => Arc::new(builder.finish()),
        }
    }
}

#[user_doc(
    doc_section(label = "String Functions"),
    description = "A string without white space at its ends, in a form of Unicode, in lower case and with runs of white space as one space. The result has the type of the string.",
    syntax_example = "utf8_normalize(text [, form [, casefold [, collapse_ws]]])",
    sql_example = "select utf8_normalize('  Straße\u{3000}ﬁne '); -- straße fine",
    argument(name = "text", description = "The string."),
    argument(
        name = "form",
        description = "NFC, NFD, NFKC or NFKD; without it the setting codeanatomy.utf8_normalize_form, NFKC."
    ),
    argument(
        name = "casefold",
        description = "Whether letters become lower case; without it the setting codeanatomy.utf8_normalize_casefold, true."
    ),
    argument(
        name = "collapse_ws",
        description = "Whether runs of white space become one space; without it the setting codeanatomy.utf8_normalize_collapse_ws, true."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Utf8Normalize {
    options: Options,
}

impl Utf8Normalize {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
        }
    }
}

impl Kernel for Utf8Normalize {
    fn name(&self) -> &'static str {
        "utf8_normalize"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["normalize_utf8"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("text", Accepts::Text),
                Argument::new("form", Accepts::Text).optional(),
                Argument::new("casefold", Accepts::Boolean).optional(),
                Argument::new("collapse_ws", Accepts::Boolean).optional(),
            ]
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        // A literal form that is none is an error before anything runs.
        let form = args.scalar_arguments.get(1).copied().flatten();
        if let Some(form) = form.and_then(|form| form.try_as_str().flatten()) {
            Form::from_str(form)
                .map_err(|error| error.context("utf8_normalize: argument 'form'"))?;
        }
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let data_type = args.arg_fields[0].data_type().clone();
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let options = self.options.of(&call.args.config_options);
        let mut normalizer = Normalizer::of(options)?;
        let texts = Text::of(&call.args.args[0])?;
        let forms = call.argument(1).map(Text::of).transpose()?;
        let casefold = match call.argument(2) {
            Some(flags) => Booleans::of(flags)?,
            None => Booleans::Constant(Some(options.utf8_normalize_casefold)),
        };
        let collapse = match call.argument(3) {
            Some(flags) => Booleans::of(flags)?,
            None => Booleans::Constant(Some(options.utf8_normalize_collapse_ws)),
        };
        let mut builder = TextBuilder::of(call.return_type(), call.rows);
        for row in 0..call.rows {
            let (Some(text), Some(casefold), Some(collapse)) =
                (texts.get(row), casefold.get(row), collapse.get(row))
            else {
                builder.append(None);
                continue;
            };
            if let Some(forms) = &forms {
                let Some(form) = forms.get(row) else {
                    builder.append(None);
                    continue;
                };
                normalizer.form = form.parse()?;
            }
            normalizer.casefold = casefold;
            normalizer.collapse = collapse;
            builder.append(Some(normalizer.normalized(text)));
        }
        Ok(builder.finish())
    }
}

#[user_doc(
    doc_section(label = "String Functions"),
    description = "A string without white space at its ends, null if nothing is left. The result has the type of the string.",
    syntax_example = "utf8_null_if_blank(text)",
    sql_example = "select utf8_null_if_blank('  '); -- NULL",
    argument(name = "text", description = "The string.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Utf8NullIfBlank;

impl Kernel for Utf8NullIfBlank {
    fn name(&self) -> &'static str {
        "utf8_null_if_blank"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["null_if_blank"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const { &[Argument::new("text", Accepts::Text)] }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = args.arg_fields[0].data_type().clone();
        Ok(Arc::new(Field::new(self.name(), data_type, true)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let texts = Text::of(&call.args.args[0])?;
        let mut builder = TextBuilder::of(call.return_type(), call.rows);
        for row in 0..call.rows {
            let trimmed = texts.get(row).map(str::trim);
            builder.append(trimmed.filter(|text| !text.is_empty()));
        }
        Ok(builder.finish())
    }
}
