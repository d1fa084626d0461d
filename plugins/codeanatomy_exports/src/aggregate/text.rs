//! Strings joined.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, LargeListArray, LargeStringArray, LargeStringBuilder},
    buffer::OffsetBuffer,
    compute::cast,
    datatypes::{DataType, Field, FieldRef},
    row::SortField,
};
use datafusion_common::{Result, internal_err, plan_err};
use datafusion_doc::Documentation;
use datafusion_expr::{
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::format_state_name,
};
use datafusion_macros::user_doc;
use datafusion_physical_expr::expressions::Literal;

use super::{
    frame::{InFrame, Yields},
    grouped::{Assigned, GroupStates},
    kernel::AggregateKernel,
};
use crate::{
    arguments::{Accepts, Argument},
    column::Text,
};

/// The strings of a group, one behind the other.
#[derive(Debug, Default)]
struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.text[start..end])
    }

    fn size(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

#[derive(Debug)]
struct Joined {
    /// Nothing joins with a null separator.
    separator: Option<String>,
    distinct: bool,
    data_type: DataType,
    groups: Vec<Strings>,
    bytes: usize,
}

impl Joined {
    fn push(&mut self, group: usize, text: &str) {
        let group = &mut self.groups[group];
        let before = group.size();
        group.push(text);
        self.bytes += group.size() - before;
    }
}

impl GroupStates for Joined {
    fn fresh(&self) -> Result<Box<dyn GroupStates>> {
        Ok(Box::new(Self {
            separator: self.separator.clone(),
            distinct: self.distinct,
            data_type: self.data_type.clone(),
            groups: Vec::new(),
            bytes: 0,
        }))
    }

    fn resize(&mut self, groups: usize) {
        self.groups.resize_with(groups, Strings::default);
    }

    fn update(&mut self, values: &[ArrayRef], rows: &Assigned) -> Result<()> {
        let texts = Text::of_array(&values[0])?;
        for row in 0..values[0].len() {
            if let (Some(text), Some(group)) = (texts.get(row), rows.group(row)) {
                self.push(group, text);
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Assigned) -> Result<()> {
        let Some(lists) = states[0].as_list_opt::<i64>() else {
            return internal_err!("a state of type {}", states[0].data_type());
        };
        let texts: &LargeStringArray = lists.values().as_string();
        for row in 0..lists.len() {
            let Some(group) = rows.group(row).filter(|_| lists.is_valid(row)) else {
                continue;
            };
            let offsets = lists.value_offsets();
            for at in offsets[row] as usize..offsets[row + 1] as usize {
                self.push(group, texts.value(at));
            }
        }
        Ok(())
    }

    fn results(&self, groups: Range<usize>) -> Result<ArrayRef> {
        let mut joined = LargeStringBuilder::new();
        let mut text = String::new();
        for strings in &self.groups[groups] {
            let Some(separator) = self.separator.as_ref().filter(|_| !strings.ends.is_empty())
            else {
                joined.append_null();
                continue;
            };
            let mut sorted: Vec<_> = strings.iter().collect();
            sorted.sort_unstable();
            if self.distinct {
                sorted.dedup();
            }
            text.clear();
            for (at, part) in sorted.into_iter().enumerate() {
                if at > 0 {
                    text.push_str(separator);
                }
                text.push_str(part);
            }
            joined.append_value(&text);
        }
        Ok(cast(&joined.finish(), &self.data_type)?)
    }

    fn states(&self, groups: Range<usize>) -> Result<Vec<ArrayRef>> {
        let groups = &self.groups[groups];
        let bytes = groups.iter().map(|strings| strings.text.len()).sum();
        let count = groups.iter().map(|strings| strings.ends.len()).sum();
        let mut texts = LargeStringBuilder::with_capacity(count, bytes);
        for text in groups.iter().flat_map(Strings::iter) {
            texts.append_value(text);
        }
        let lengths = groups.iter().map(|strings| strings.ends.len());
        let field = Field::new_list_field(DataType::LargeUtf8, true);
        Ok(vec![Arc::new(LargeListArray::try_new(
            Arc::new(field),
            OffsetBuffer::from_lengths(lengths),
            Arc::new(texts.finish()),
            None,
        )?)])
    }

    fn forget_first(&mut self, groups: usize) -> Result<()> {
        let forgotten = self.groups.drain(..groups);
        self.bytes -= forgotten.map(|strings| strings.size()).sum::<usize>();
        Ok(())
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Strings>() + self.bytes
    }
}

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "The strings of a group in ascending order with a separator between them; null over no strings. Nulls do not count. The result has the type of the strings.",
    syntax_example = "string_agg([DISTINCT] value, separator)",
    sql_example = "select string_agg(name, ', ') from (values ('b'), ('a')) t(name); -- a, b",
    argument(name = "value", description = "The strings."),
    argument(
        name = "separator",
        description = "What stands between them, a literal."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct StringAgg;

impl AggregateKernel for StringAgg {
    fn name(&self) -> &'static str {
        "string_agg"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const {
            &[
                Argument::new("value", Accepts::Text),
                Argument::new("separator", Accepts::Text),
            ]
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn state_fields(&self, args: &StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "strings");
        let item = Field::new_list_field(DataType::LargeUtf8, true);
        let list = DataType::LargeList(Arc::new(item));
        Ok(vec![Arc::new(Field::new(name, list, true))])
    }

    fn states(&self, args: &AccumulatorArgs) -> Result<Box<dyn GroupStates>> {
        Ok(Box::new(Joined {
            separator: separator(args)?,
            distinct: args.is_distinct,
            data_type: args.return_field.data_type().clone(),
            groups: Vec::new(),
            bytes: 0,
        }))
    }

    fn in_frame(&self, args: &AccumulatorArgs) -> Result<Option<InFrame>> {
        let data_type = args.return_field.data_type().clone();
        let yields = Yields::Joined {
            separator: separator(args)?,
            distinct: args.is_distinct,
        };
        let fields = vec![SortField::new(data_type.clone())];
        InFrame::new(&[0], fields, data_type, yields).map(Some)
    }
}

fn separator(args: &AccumulatorArgs) -> Result<Option<String>> {
    let literal = args.exprs[1].downcast_ref::<Literal>();
    match literal.and_then(|literal| literal.value().try_as_str()) {
        Some(separator) => Ok(separator.map(str::to_owned)),
        None => {
            plan_err!("string_agg: the argument 'separator' is not a literal, expected a string")
        }
    }
}
