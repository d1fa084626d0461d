//! Positions in lines.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int32Builder, Int64Builder, NullBufferBuilder},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion_doc::Documentation;
use datafusion_expr::{ColumnarValue, ReturnFieldArgs};
use datafusion_macros::user_doc;

use crate::{
    arguments::{Accepts, Argument},
    column::{Integers, Text},
    kernel::{Call, Kernel},
    span::{byte_range_fields, struct_of},
};

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Utf8,
    Utf16,
    Utf32,
}

/// Makes sure that `name` is that of a unit.
pub(crate) fn check_unit(name: &str) -> Result<()> {
    match Unit::of(name) {
        Some(_) => Ok(()),
        None => plan_err!("'{name}' is no unit of columns, expected BYTE, UTF8, UTF16 or UTF32"),
    }
}

/// The code of a position encoding; SCIP's names are among those that are known.
fn code(name: &str) -> i32 {
    let name = name.trim();
    match Unit::of(name) {
        Some(Unit::Utf8) => 1,
        Some(Unit::Utf16) => 2,
        Some(_) => 3,
        None if name == "1" || has(name, "utf8") => 1,
        None if name == "2" || has(name, "utf16") => 2,
        None => 3,
    }
}

/// Whether `name` has `part`, letters in any case, hyphens and underscores aside.
fn has(name: &str, part: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        let bytes = text.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
        bytes.map(|byte| byte.to_ascii_lowercase()).collect()
    };
    let (name, part) = (letters(name), letters(part));
    name.windows(part.len()).any(|window| window == part)
}

impl Unit {
    /// The unit of a name, in any case.
    fn of(name: &str) -> Option<Self> {
        let names = [
            ("BYTE", Self::Byte),
            ("UTF8", Self::Utf8),
            ("UTF16", Self::Utf16),
            ("UTF32", Self::Utf32),
            ("UTF-8", Self::Utf8),
            ("UTF-16", Self::Utf16),
            ("UTF-32", Self::Utf32),
        ];
        let mut units = names.into_iter();
        let unit = units.find(|(known, _)| name.eq_ignore_ascii_case(known))?;
        Some(unit.1)
    }

    fn checked(function: &str, name: &str) -> Result<Self> {
        Self::of(name).ok_or_else(|| exec_datafusion_err!("{}", wrong_unit(function, "unit", name)))
    }

    /// The byte at which the column `column` of `line` starts: never beyond the line and, but for
    /// bytes, never inside of a character.
    fn byte(self, line: &str, column: i64) -> usize {
        let Ok(column) = usize::try_from(column) else {
            return if column < 0 { 0 } else { line.len() };
        };
        match self {
            Self::Byte => column.min(line.len()),
            Self::Utf8 => line.floor_char_boundary(column),
            // One byte is one unit.
            _ if line.is_ascii() => column.min(line.len()),
            Self::Utf32 => line
                .char_indices()
                .nth(column)
                .map_or(line.len(), |(at, _)| at),
            Self::Utf16 => {
                let mut units = 0;
                for (at, character) in line.char_indices() {
                    units += character.len_utf16();
                    if units > column {
                        return at;
                    }
                }
                line.len()
            }
        }
    }
}

fn wrong_unit(function: &str, argument: &str, name: &str) -> String {
    format!(
        "{function}: the argument '{argument}' is '{name}', expected BYTE, UTF8, UTF16 or UTF32"
    )
}

/// Makes sure that a literal that says a unit is one before anything runs.
pub(super) fn check_literal(
    function: &str,
    argument: &str,
    literal: Option<&ScalarValue>,
) -> Result<()> {
    match literal.and_then(|literal| literal.try_as_str().flatten()) {
        Some(name) if Unit::of(name).is_none() => {
            plan_err!("{}", wrong_unit(function, argument, name))
        }
        _ => Ok(()),
    }
}

#[user_doc(
    doc_section(label = "Position Functions"),
    description = "The code of a position encoding: 1 for UTF-8, 2 for UTF-16, 3 for UTF-32, which is also what an unknown one counts as.",
    syntax_example = "position_encoding_norm(encoding)",
    sql_example = "select position_encoding_norm('utf-16'); -- 2",
    argument(
        name = "encoding",
        description = "A name that holds UTF8, UTF16 or UTF32, in any case and with or without a hyphen, or a code."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PositionEncodingNorm;

impl Kernel for PositionEncodingNorm {
    fn name(&self) -> &'static str {
        "position_encoding_norm"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const { &[Argument::new("encoding", Accepts::TextOrInteger)] }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let mut codes = Int32Builder::with_capacity(call.rows);
        let encoding = &call.args.args[0];
        if encoding.data_type().is_integer() {
            let numbers = Integers::of(encoding)?;
            for row in 0..call.rows {
                let code = |number| match number {
                    1 => 1,
                    2 => 2,
                    _ => 3,
                };
                codes.append_option(numbers.get(row).map(code));
            }
        } else {
            let names = Text::of(encoding)?;
            for row in 0..call.rows {
                codes.append_option(names.get(row).map(code));
            }
        }
        Ok(Arc::new(codes.finish()))
    }
}

#[user_doc(
    doc_section(label = "Position Functions"),
    description = "The byte of a line at which a column starts. A column beyond the line is the line's end, one before it its start, and one inside of a character that character's start.",
    syntax_example = "col_to_byte(line, col, unit)",
    sql_example = "select col_to_byte('é = 1', 2, 'UTF16'); -- 3",
    argument(name = "line", description = "The line's text."),
    argument(name = "col", description = "The column, from 0."),
    argument(
        name = "unit",
        description = "What the column counts: BYTE, UTF8, UTF16 or UTF32, in any case and with or without a hyphen."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ColToByte;

impl Kernel for ColToByte {
    fn name(&self) -> &'static str {
        "col_to_byte"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("line", Accepts::Text),
                Argument::new("col", Accepts::Integer),
                Argument::new("unit", Accepts::Text),
            ]
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        field_after_check(self.name(), DataType::Int64, args)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let lines = Text::of(&call.args.args[0])?;
        let columns = Integers::of(&call.args.args[1])?;
        let units = Units::of(self.name(), &call.args.args[2])?;
        let mut bytes = Int64Builder::with_capacity(call.rows);
        for row in 0..call.rows {
            let byte = match (lines.get(row), columns.get(row), units.get(row)?) {
                (Some(line), Some(column), Some(unit)) => Some(unit.byte(line, column) as i64),
                _ => None,
            };
            bytes.append_option(byte);
        }
        Ok(Arc::new(bytes.finish()))
    }
}

/// The unit is the last argument.
fn field_after_check(name: &str, data_type: DataType, args: &ReturnFieldArgs) -> Result<FieldRef> {
    let unit = args.scalar_arguments.last().copied().flatten();
    check_literal(name, "unit", unit)?;
    let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
    Ok(Arc::new(Field::new(name, data_type, nullable)))
}

/// The argument `unit`; a constant is read once.
enum Units<'a> {
    Column(&'static str, Text<'a>),
    Constant(Option<Unit>),
}

impl<'a> Units<'a> {
    fn of(function: &'static str, value: &'a ColumnarValue) -> Result<Self> {
        Ok(match Text::of(value)? {
            Text::Constant(name) => {
                let unit = name.map(|name| Unit::checked(function, name));
                Self::Constant(unit.transpose()?)
            }
            names => Self::Column(function, names),
        })
    }

    fn get(&self, row: usize) -> Result<Option<Unit>> {
        match self {
            Self::Column(function, names) => {
                let name = names.get(row);
                name.map(|name| Unit::checked(function, name)).transpose()
            }
            Self::Constant(unit) => Ok(*unit),
        }
    }
}

#[user_doc(
    doc_section(label = "Position Functions"),
    description = "Absolute bytes of a span given by lines and columns: a struct of bstart and bend.",
    syntax_example = "canonicalize_byte_span(start_line_byte, start_line, start_col, end_line_byte, end_line, end_col, unit)",
    sql_example = "select canonicalize_byte_span(100, 'x = 1', 0, 100, 'x = 1', 5, 'UTF16'); -- {bstart: 100, bend: 105}",
    argument(
        name = "start_line_byte",
        description = "The byte of the file at which the first line starts."
    ),
    argument(name = "start_line", description = "The text of the first line."),
    argument(name = "start_col", description = "The column in it."),
    argument(
        name = "end_line_byte",
        description = "The byte of the file at which the last line starts."
    ),
    argument(name = "end_line", description = "The text of the last line."),
    argument(name = "end_col", description = "The column in it."),
    argument(
        name = "unit",
        description = "What columns count: BYTE, UTF8, UTF16 or UTF32, in any case and with or without a hyphen."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CanonicalizeByteSpan;

impl Kernel for CanonicalizeByteSpan {
    fn name(&self) -> &'static str {
        "canonicalize_byte_span"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("start_line_byte", Accepts::Integer),
                Argument::new("start_line", Accepts::Text),
                Argument::new("start_col", Accepts::Integer),
                Argument::new("end_line_byte", Accepts::Integer),
                Argument::new("end_line", Accepts::Text),
                Argument::new("end_col", Accepts::Integer),
                Argument::new("unit", Accepts::Text),
            ]
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(byte_range_fields()))
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        field_after_check(self.name(), DataType::Struct(byte_range_fields()), args)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let args = &call.args.args;
        let start = Side::of(&args[0], &args[1], &args[2])?;
        let end = Side::of(&args[3], &args[4], &args[5])?;
        let units = Units::of(self.name(), &args[6])?;
        let mut bstart = Int64Builder::with_capacity(call.rows);
        let mut bend = Int64Builder::with_capacity(call.rows);
        let mut nulls = NullBufferBuilder::new(call.rows);
        for row in 0..call.rows {
            let unit = units.get(row)?;
            let sides = match unit {
                Some(unit) => start.byte(row, unit)?.zip(end.byte(row, unit)?),
                None => None,
            };
            bstart.append_option(sides.map(|(start, _)| start));
            bend.append_option(sides.map(|(_, end)| end));
            nulls.append(sides.is_some());
        }
        let columns: Vec<ArrayRef> = vec![Arc::new(bstart.finish()), Arc::new(bend.finish())];
        struct_of(byte_range_fields(), columns, nulls.finish())
    }
}

/// The start or the end of a span.
struct Side<'a> {
    line_byte: Integers<'a>,
    line: Text<'a>,
    column: Integers<'a>,
}

impl<'a> Side<'a> {
    fn of(
        line_byte: &'a ColumnarValue,
        line: &'a ColumnarValue,
        column: &'a ColumnarValue,
    ) -> Result<Self> {
        Ok(Self {
            line_byte: Integers::of(line_byte)?,
            line: Text::of(line)?,
            column: Integers::of(column)?,
        })
    }

    fn byte(&self, row: usize, unit: Unit) -> Result<Option<i64>> {
        let (Some(first), Some(line), Some(column)) = (
            self.line_byte.get(row),
            self.line.get(row),
            self.column.get(row),
        ) else {
            return Ok(None);
        };
        match first.checked_add(unit.byte(line, column) as i64) {
            Some(byte) => Ok(Some(byte)),
            None => exec_err!(
                "canonicalize_byte_span: a line at byte {first} ends beyond what Int64 holds"
            ),
        }
    }
}
