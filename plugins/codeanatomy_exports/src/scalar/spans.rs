//! Spans made, measured and compared.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, NullBufferBuilder,
        StringBuilder,
    },
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::{Result, exec_err};
use datafusion_doc::Documentation;
use datafusion_expr::{ColumnarValue, ReturnFieldArgs};
use datafusion_macros::user_doc;

use super::position::check_literal;
use crate::{
    Options,
    arguments::{Accepts, Argument},
    column::{Booleans, Integers, SmallIntegers, Text},
    kernel::{Call, Kernel},
    span::{Spans, span_fields, span_type, struct_of},
};

#[user_doc(
    doc_section(label = "Span Functions"),
    description = "A span of bytes: a struct of bstart, bend, line_base, col_unit and end_exclusive.",
    syntax_example = "span_make(bstart, bend [, line_base [, col_unit [, end_exclusive]]])",
    sql_example = "select span_make(10, 20);",
    argument(name = "bstart", description = "The first byte."),
    argument(name = "bend", description = "The end."),
    argument(
        name = "line_base",
        description = "The number of the first line; without it the setting codeanatomy.span_line_base, 0."
    ),
    argument(
        name = "col_unit",
        description = "What columns count; without it the setting codeanatomy.span_col_unit, byte. A literal is BYTE, UTF8, UTF16 or UTF32, as in the setting."
    ),
    argument(
        name = "end_exclusive",
        description = "Whether the end is the byte after the last; without it the setting codeanatomy.span_end_exclusive, true."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanMake {
    options: Options,
}

impl SpanMake {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
        }
    }
}

impl Kernel for SpanMake {
    fn name(&self) -> &'static str {
        "span_make"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["span"]
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("bstart", Accepts::Integer),
                Argument::new("bend", Accepts::Integer),
                Argument::new("line_base", Accepts::SmallInteger).optional(),
                Argument::new("col_unit", Accepts::Text).optional(),
                Argument::new("end_exclusive", Accepts::Boolean).optional(),
            ]
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(span_type())
    }

    fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
        let unit = args.scalar_arguments.get(3).copied().flatten();
        check_literal(self.name(), "col_unit", unit)?;
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), span_type(), nullable)))
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let options = self.options.of(&call.args.config_options);
        let starts = Integers::of(&call.args.args[0])?;
        let ends = Integers::of(&call.args.args[1])?;
        let bases = match call.argument(2) {
            Some(bases) => SmallIntegers::of(bases)?,
            None => SmallIntegers::Constant(Some(options.span_line_base)),
        };
        let units = match call.argument(3) {
            Some(units) => Text::of(units)?,
            None => Text::Constant(Some(&options.span_col_unit)),
        };
        let exclusive = match call.argument(4) {
            Some(flags) => Booleans::of(flags)?,
            None => Booleans::Constant(Some(options.span_end_exclusive)),
        };
        let rows = call.rows;
        let mut bstart = Int64Builder::with_capacity(rows);
        let mut bend = Int64Builder::with_capacity(rows);
        let mut line_base = Int32Builder::with_capacity(rows);
        let mut col_unit = StringBuilder::with_capacity(rows, 4 * rows);
        let mut end_exclusive = BooleanBuilder::with_capacity(rows);
        let mut nulls = NullBufferBuilder::new(rows);
        for row in 0..rows {
            let parts = (
                starts.get(row),
                ends.get(row),
                bases.get(row),
                units.get(row),
                exclusive.get(row),
            );
            if let (Some(start), Some(end), Some(base), Some(unit), Some(exclusive)) = parts {
                bstart.append_value(start);
                bend.append_value(end);
                line_base.append_value(base);
                col_unit.append_value(unit);
                end_exclusive.append_value(exclusive);
                nulls.append_non_null();
            } else {
                bstart.append_null();
                bend.append_null();
                line_base.append_null();
                col_unit.append_null();
                end_exclusive.append_null();
                nulls.append_null();
            }
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(bstart.finish()),
            Arc::new(bend.finish()),
            Arc::new(line_base.finish()),
            Arc::new(col_unit.finish()),
            Arc::new(end_exclusive.finish()),
        ];
        struct_of(span_fields(), columns, nulls.finish())
    }
}

const ONE: &[Argument] = &[Argument::new("span", Accepts::Span)];
const TWO: &[Argument] = &[
    Argument::new("span", Accepts::Span),
    Argument::new("other", Accepts::Span),
];

/// A span argument; a constant has one row.
fn array_of(value: &ColumnarValue) -> Result<ArrayRef> {
    match value {
        ColumnarValue::Array(array) => Ok(Arc::clone(array)),
        ColumnarValue::Scalar(value) => value.to_array_of_size(1),
    }
}

fn compared(call: &Call, holds: impl Fn((i128, i128), (i128, i128)) -> bool) -> Result<ArrayRef> {
    let (left, right) = (array_of(&call.args.args[0])?, array_of(&call.args.args[1])?);
    let left = Spans::of(&left, call.rows)?;
    let right = Spans::of(&right, call.rows)?;
    let mut flags = BooleanBuilder::with_capacity(call.rows);
    for row in 0..call.rows {
        let both = left.get(row).zip(right.get(row));
        flags.append_option(both.map(|(left, right)| holds(left, right)));
    }
    Ok(Arc::new(flags.finish()))
}

/// A span with a null start or end has no length: nullable whatever the span is.
macro_rules! nullable {
    () => {
        fn return_field(&self, args: &ReturnFieldArgs) -> Result<FieldRef> {
            let types: Vec<_> = args
                .arg_fields
                .iter()
                .map(|field| field.data_type().clone())
                .collect();
            let data_type = self.return_type(&types)?;
            Ok(Arc::new(Field::new(self.name(), data_type, true)))
        }
    };
}

#[user_doc(
    doc_section(label = "Span Functions"),
    description = "How many bytes a span has. An inclusive end counts one more.",
    syntax_example = "span_len(span)",
    sql_example = "select span_len(span_make(10, 20)); -- 10",
    argument(name = "span", description = "The span.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanLen;

impl Kernel for SpanLen {
    fn name(&self) -> &'static str {
        "span_len"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        ONE
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    nullable!();

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let spans = array_of(&call.args.args[0])?;
        let spans = Spans::of(&spans, call.rows)?;
        let mut lengths = Int64Builder::with_capacity(call.rows);
        for row in 0..call.rows {
            match spans.get(row) {
                None => lengths.append_null(),
                Some((start, end)) => match i64::try_from(end - start) {
                    Ok(length) => lengths.append_value(length),
                    Err(_) => {
                        return exec_err!(
                            "span_len: the length of {start}..{end} does not fit Int64"
                        );
                    }
                },
            }
        }
        Ok(Arc::new(lengths.finish()))
    }
}

#[user_doc(
    doc_section(label = "Span Functions"),
    description = "Whether two spans have a byte in common. An empty span has none.",
    syntax_example = "span_overlaps(span, other)",
    sql_example = "select span_overlaps(span_make(0, 5), span_make(4, 9)); -- true",
    argument(name = "span", description = "A span."),
    argument(name = "other", description = "Another span.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanOverlaps;

impl Kernel for SpanOverlaps {
    fn name(&self) -> &'static str {
        "span_overlaps"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        TWO
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    nullable!();

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        compared(call, |(start, end), (other_start, other_end)| {
            start.max(other_start) < end.min(other_end)
        })
    }
}

#[user_doc(
    doc_section(label = "Span Functions"),
    description = "Whether a span holds all of another.",
    syntax_example = "span_contains(span, other)",
    sql_example = "select span_contains(span_make(0, 9), span_make(4, 9)); -- true",
    argument(name = "span", description = "The span that holds."),
    argument(name = "other", description = "The span that is held.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanContains;

impl Kernel for SpanContains {
    fn name(&self) -> &'static str {
        "span_contains"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        TWO
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    nullable!();

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        compared(call, |(start, end), (other_start, other_end)| {
            start <= other_start && other_end <= end
        })
    }
}

#[user_doc(
    doc_section(label = "Span Functions"),
    description = "How well a right interval fits a left one: its length, negative, so that of several the shortest is best.",
    syntax_example = "interval_align_score(left_start, left_end, right_start, right_end)",
    sql_example = "select interval_align_score(4, 6, 0, 10); -- -10.0",
    argument(name = "left_start", description = "Where the left interval starts."),
    argument(name = "left_end", description = "Where it ends."),
    argument(name = "right_start", description = "Where the right interval starts."),
    argument(name = "right_end", description = "Where it ends.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntervalAlignScore;

impl Kernel for IntervalAlignScore {
    fn name(&self) -> &'static str {
        "interval_align_score"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("left_start", Accepts::Integer),
                Argument::new("left_end", Accepts::Integer),
                Argument::new("right_start", Accepts::Integer),
                Argument::new("right_end", Accepts::Integer),
            ]
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke(&self, call: &Call) -> Result<ArrayRef> {
        let args = &call.args.args;
        let (left_start, left_end) = (Integers::of(&args[0])?, Integers::of(&args[1])?);
        let (start, end) = (Integers::of(&args[2])?, Integers::of(&args[3])?);
        let mut scores = Float64Builder::with_capacity(call.rows);
        for row in 0..call.rows {
            let left = left_start.get(row).zip(left_end.get(row));
            let right = start.get(row).zip(end.get(row));
            let score = left.zip(right).map(|(_, (start, end))| score(start, end));
            scores.append_option(score);
        }
        Ok(Arc::new(scores.finish()))
    }
}

/// The score of a right interval.
pub(crate) fn score(start: i64, end: i64) -> f64 {
    (i128::from(start) - i128::from(end)) as f64
}
