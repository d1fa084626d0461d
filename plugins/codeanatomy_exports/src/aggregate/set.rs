//! The different values of a group.

use std::{collections::HashSet, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, ListArray},
    buffer::OffsetBuffer,
    datatypes::{DataType, Field, FieldRef},
    row::{RowConverter, SortField},
};
use datafusion_common::{Result, ScalarValue, internal_err, not_impl_err};
use datafusion_doc::Documentation;
use datafusion_expr::{
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::format_state_name,
};
use datafusion_macros::user_doc;

use super::{
    frame::{self, InFrame},
    grouped::{Assigned, GroupStates},
    kernel::AggregateKernel,
};
use crate::arguments::{Accepts, Argument};

/// What becomes of a group's values.
#[derive(Debug, Clone, Copy)]
enum Yields {
    Values,
    Count,
}

/// The values of each group as bytes whose order is theirs.
#[derive(Debug)]
struct Sets {
    converter: RowConverter,
    item: DataType,
    yields: Yields,
    sets: Vec<HashSet<Box<[u8]>>>,
    bytes: usize,
}

impl Sets {
    fn new(item: DataType, yields: Yields) -> Result<Self> {
        let fields = vec![SortField::new(item.clone())];
        if !RowConverter::supports_fields(&fields) {
            return not_impl_err!("values of type {item} are not compared");
        }
        Ok(Self {
            converter: RowConverter::new(fields)?,
            item,
            yields,
            sets: Vec::new(),
            bytes: 0,
        })
    }

    /// `group` tells the group of each value; nulls do not count.
    fn take_in(
        &mut self,
        values: &ArrayRef,
        rows: Range<usize>,
        group: impl Fn(usize) -> Option<usize>,
    ) -> Result<()> {
        let converted = self.converter.convert_columns(&[Arc::clone(values)])?;
        let nulls = values.logical_nulls();
        for row in rows {
            let Some(group) = group(row) else {
                continue;
            };
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let value = converted.row(row);
            let value = value.as_ref();
            let set = &mut self.sets[group];
            if !set.contains(value) {
                set.insert(value.into());
                self.bytes += value.len() + size_of::<Box<[u8]>>();
            }
        }
        Ok(())
    }

    /// Each group's values in ascending order.
    fn lists(&self, groups: Range<usize>) -> Result<ArrayRef> {
        let mut values: Vec<&[u8]> = Vec::new();
        let mut lengths = Vec::with_capacity(groups.len());
        for set in &self.sets[groups] {
            let first = values.len();
            values.extend(set.iter().map(|value| value.as_ref()));
            values[first..].sort_unstable();
            lengths.push(set.len());
        }
        let parser = self.converter.parser();
        let rows = values.into_iter().map(|value| parser.parse(value));
        let columns = self.converter.convert_rows(rows)?;
        let [items] = columns.as_slice() else {
            return internal_err!("{} columns of a row of one", columns.len());
        };
        let field = Field::new_list_field(self.item.clone(), true);
        Ok(Arc::new(ListArray::try_new(
            Arc::new(field),
            OffsetBuffer::from_lengths(lengths),
            Arc::clone(items),
            None,
        )?))
    }
}

impl GroupStates for Sets {
    fn fresh(&self) -> Result<Box<dyn GroupStates>> {
        Ok(Box::new(Self::new(self.item.clone(), self.yields)?))
    }

    fn resize(&mut self, groups: usize) {
        self.sets.resize_with(groups, HashSet::new);
    }

    fn update(&mut self, values: &[ArrayRef], rows: &Assigned) -> Result<()> {
        self.take_in(&values[0], 0..values[0].len(), |row| rows.group(row))
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Assigned) -> Result<()> {
        let Some(lists) = states[0].as_list_opt::<i32>() else {
            return internal_err!("a state of type {}", states[0].data_type());
        };
        let offsets = lists.value_offsets();
        let mut groups = vec![None; lists.values().len()];
        for row in 0..lists.len() {
            if lists.is_valid(row) {
                groups[offsets[row] as usize..offsets[row + 1] as usize].fill(rows.group(row));
            }
        }
        let first = offsets.first().map_or(0, |&offset| offset as usize);
        let last = offsets.last().map_or(0, |&offset| offset as usize);
        self.take_in(lists.values(), first..last, |row| groups[row])
    }

    fn results(&self, groups: Range<usize>) -> Result<ArrayRef> {
        match self.yields {
            Yields::Values => self.lists(groups),
            Yields::Count => {
                let counts = self.sets[groups].iter().map(|set| set.len() as i64);
                Ok(Arc::new(Int64Array::from_iter_values(counts)))
            }
        }
    }

    fn states(&self, groups: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.lists(groups)?])
    }

    fn forget_first(&mut self, groups: usize) -> Result<()> {
        for set in self.sets.drain(..groups) {
            let bytes = set.iter().map(|value| value.len() + size_of::<Box<[u8]>>());
            self.bytes -= bytes.sum::<usize>();
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.converter.size() + self.sets.capacity() * size_of::<HashSet<Box<[u8]>>>() + self.bytes
    }
}

const ARGUMENTS: &[Argument] = &[Argument::new("value", Accepts::Any)];

fn list_of(item: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item.clone(), true)))
}

fn state_fields(args: &StateFieldsArgs) -> Vec<FieldRef> {
    let name = format_state_name(args.name, "values");
    let item = args.input_fields[0].data_type();
    vec![Arc::new(Field::new(name, list_of(item), true))]
}

fn states(args: &AccumulatorArgs, yields: Yields) -> Result<Box<dyn GroupStates>> {
    let item = args.expr_fields[0].data_type().clone();
    Ok(Box::new(Sets::new(item, yields)?))
}

fn in_frame(args: &AccumulatorArgs, yields: frame::Yields) -> Result<Option<InFrame>> {
    let item = args.expr_fields[0].data_type().clone();
    let fields = vec![SortField::new(item.clone())];
    InFrame::new(&[0], fields, item, yields).map(Some)
}

/// A list without elements, of the type `list`.
fn empty(list: &DataType) -> Result<ScalarValue> {
    match list {
        DataType::List(item) => Ok(ScalarValue::List(ScalarValue::new_list_nullable(
            &[],
            item.data_type(),
        ))),
        other => internal_err!("a list of type {other}"),
    }
}

macro_rules! set {
    ($function:ident, $name:literal) => {
        impl AggregateKernel for $function {
            fn name(&self) -> &'static str {
                $name
            }

            fn documentation(&self) -> Option<&Documentation> {
                self.doc()
            }

            fn arguments(&self) -> &'static [Argument] {
                ARGUMENTS
            }

            fn return_type(&self, types: &[DataType]) -> Result<DataType> {
                Ok(list_of(&types[0]))
            }

            fn over_nothing(&self, data_type: &DataType) -> Result<ScalarValue> {
                empty(data_type)
            }

            fn nullable(&self) -> bool {
                false
            }

            fn state_fields(&self, args: &StateFieldsArgs) -> Result<Vec<FieldRef>> {
                Ok(state_fields(args))
            }

            fn states(&self, args: &AccumulatorArgs) -> Result<Box<dyn GroupStates>> {
                states(args, Yields::Values)
            }

            fn in_frame(&self, args: &AccumulatorArgs) -> Result<Option<InFrame>> {
                in_frame(args, frame::Yields::Values)
            }
        }
    };
}

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "The different values of a group as a list in ascending order, without nulls; an empty list over no values.",
    syntax_example = "list_unique(value)",
    sql_example = "select list_unique(module) from imports;",
    argument(name = "value", description = "What is collected.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ListUnique;

set!(ListUnique, "list_unique");

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "The different values of a group as a list in ascending order, without nulls; an empty list over no values. It is list_unique under Spark's name.",
    syntax_example = "collect_set(value)",
    sql_example = "select collect_set(module) from imports;",
    argument(name = "value", description = "What is collected.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CollectSet;

set!(CollectSet, "collect_set");

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "How many different values a group has, nulls not counted.",
    syntax_example = "count_distinct_agg(value)",
    sql_example = "select count_distinct_agg(module) from imports;",
    argument(name = "value", description = "What is counted.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CountDistinctAgg;

impl AggregateKernel for CountDistinctAgg {
    fn name(&self) -> &'static str {
        "count_distinct_agg"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        ARGUMENTS
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn over_nothing(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn nullable(&self) -> bool {
        false
    }

    fn state_fields(&self, args: &StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(state_fields(args))
    }

    fn states(&self, args: &AccumulatorArgs) -> Result<Box<dyn GroupStates>> {
        states(args, Yields::Count)
    }

    fn in_frame(&self, args: &AccumulatorArgs) -> Result<Option<InFrame>> {
        in_frame(args, frame::Yields::Count)
    }
}
