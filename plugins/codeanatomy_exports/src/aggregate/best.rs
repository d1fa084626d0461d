//! The value of the row with the best key.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef},
    compute::SortOptions,
    datatypes::{DataType, Field, FieldRef},
    row::{RowConverter, SortField},
};
use datafusion_common::{Result, internal_err, not_impl_err};
use datafusion_doc::Documentation;
use datafusion_expr::{
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::format_state_name,
};
use datafusion_macros::user_doc;

use super::{
    frame::{InFrame, Yields},
    grouped::{Assigned, GroupStates},
    kernel::AggregateKernel,
};
use crate::arguments::{Accepts, Argument};

/// Of key and value as bytes whose order is that of keys and, for equal keys, of values, the least
/// of each group.
#[derive(Debug)]
struct Best {
    converter: RowConverter,
    /// Type of the key and of the value.
    types: [DataType; 2],
    descending: bool,
    /// Empty for a group without rows.
    best: Vec<Vec<u8>>,
    bytes: usize,
}

/// Of key and value.
fn fields([key, value]: &[DataType; 2], descending: bool) -> Vec<SortField> {
    let key_order = SortOptions {
        descending,
        nulls_first: false,
    };
    vec![
        SortField::new_with_options(key.clone(), key_order),
        SortField::new(value.clone()),
    ]
}

impl Best {
    fn new(types: [DataType; 2], descending: bool) -> Result<Self> {
        let fields = fields(&types, descending);
        if !RowConverter::supports_fields(&fields) {
            let [key, value] = &types;
            return not_impl_err!("values of type {value} by keys of type {key} are not compared");
        }
        Ok(Self {
            converter: RowConverter::new(fields)?,
            types,
            descending,
            best: Vec::new(),
            bytes: 0,
        })
    }

    /// Nulls on either side do not count.
    fn take_in(&mut self, keys: &ArrayRef, values: &ArrayRef, rows: &Assigned) -> Result<()> {
        let columns = [Arc::clone(keys), Arc::clone(values)];
        let converted = self.converter.convert_columns(&columns)?;
        let (key_nulls, value_nulls) = (keys.logical_nulls(), values.logical_nulls());
        let null = |row| {
            let is_null = |nulls: &Option<arrow::buffer::NullBuffer>| {
                nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
            };
            is_null(&key_nulls) || is_null(&value_nulls)
        };
        for row in 0..keys.len() {
            let Some(group) = rows.group(row) else {
                continue;
            };
            if null(row) {
                continue;
            }
            let candidate = converted.row(row);
            let candidate = candidate.as_ref();
            let best = &mut self.best[group];
            if best.is_empty() || candidate < best.as_slice() {
                let before = best.capacity();
                best.clear();
                best.extend_from_slice(candidate);
                self.bytes += best.capacity() - before;
            }
        }
        Ok(())
    }

    /// Keys and values of groups; null where there is none.
    fn decoded(&self, groups: Range<usize>) -> Result<[ArrayRef; 2]> {
        let parser = self.converter.parser();
        let groups = &self.best[groups];
        let present = groups.iter().filter(|best| !best.is_empty());
        let columns = self
            .converter
            .convert_rows(present.map(|best| parser.parse(best)))?;
        let mut next = 0;
        let positions = groups.iter().map(|best| {
            (!best.is_empty()).then(|| {
                next += 1;
                next - 1
            })
        });
        let positions: arrow::array::UInt64Array = positions.collect();
        let [key, value] = columns.as_slice() else {
            return internal_err!("{} columns of a row of two", columns.len());
        };
        let of = |column| arrow::compute::take(column, &positions, None);
        Ok([of(key.as_ref())?, of(value.as_ref())?])
    }
}

impl GroupStates for Best {
    fn fresh(&self) -> Result<Box<dyn GroupStates>> {
        Ok(Box::new(Self::new(self.types.clone(), self.descending)?))
    }

    fn resize(&mut self, groups: usize) {
        self.best.resize_with(groups, Vec::new);
    }

    fn update(&mut self, values: &[ArrayRef], rows: &Assigned) -> Result<()> {
        self.take_in(&values[1], &values[0], rows)
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Assigned) -> Result<()> {
        self.take_in(&states[0], &states[1], rows)
    }

    fn results(&self, groups: Range<usize>) -> Result<ArrayRef> {
        let [_, values] = self.decoded(groups)?;
        Ok(values)
    }

    fn states(&self, groups: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(self.decoded(groups)?.into())
    }

    fn forget_first(&mut self, groups: usize) -> Result<()> {
        let forgotten = self.best.drain(..groups);
        self.bytes -= forgotten.map(|best| best.capacity()).sum::<usize>();
        Ok(())
    }

    fn size(&self) -> usize {
        self.converter.size() + self.best.capacity() * size_of::<Vec<u8>>() + self.bytes
    }
}

const ARGUMENTS: &[Argument] = &[
    Argument::new("value", Accepts::Any),
    Argument::new("key", Accepts::Any),
];

fn state_fields(args: &StateFieldsArgs) -> Vec<FieldRef> {
    let state = |name, data_type: &DataType| {
        let name = format_state_name(args.name, name);
        Arc::new(Field::new(name, data_type.clone(), true))
    };
    vec![
        state("key", args.input_fields[1].data_type()),
        state("value", args.input_fields[0].data_type()),
    ]
}

/// Of key and value.
fn types(args: &AccumulatorArgs) -> [DataType; 2] {
    [1, 0].map(|at: usize| args.expr_fields[at].data_type().clone())
}

fn in_frame(args: &AccumulatorArgs, descending: bool) -> Result<Option<InFrame>> {
    let types = types(args);
    let fields = fields(&types, descending);
    let [_, value] = types;
    InFrame::new(&[1, 0], fields, value, Yields::First).map(Some)
}

macro_rules! best {
    ($function:ident, $name:literal, descending: $descending:literal) => {
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
                Ok(types[0].clone())
            }

            fn state_fields(&self, args: &StateFieldsArgs) -> Result<Vec<FieldRef>> {
                Ok(state_fields(args))
            }

            fn states(&self, args: &AccumulatorArgs) -> Result<Box<dyn GroupStates>> {
                Ok(Box::new(Best::new(types(args), $descending)?))
            }

            fn in_frame(&self, args: &AccumulatorArgs) -> Result<Option<InFrame>> {
                in_frame(args, $descending)
            }
        }
    };
}

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "Some value of a group, but always the same: that of the row with the least key; of several such rows the least value. Rows with a null value or key do not count.",
    syntax_example = "any_value_det(value, key)",
    sql_example = "select any_value_det(name, id) from people;",
    argument(name = "value", description = "What is picked from."),
    argument(name = "key", description = "What decides.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AnyValueDet;

best!(AnyValueDet, "any_value_det", descending: false);

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "The value of the row with the greatest key; of several such rows the least value. Rows with a null value or key do not count.",
    syntax_example = "arg_max(value, key)",
    sql_example = "select arg_max(name, length) from definitions;",
    argument(name = "value", description = "What is picked from."),
    argument(name = "key", description = "What is greatest.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ArgMax;

best!(ArgMax, "arg_max", descending: true);

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "The value of the row with the least key; of several such rows the least value. Rows with a null value or key do not count.",
    syntax_example = "arg_min(value, key)",
    sql_example = "select arg_min(name, length) from definitions;",
    argument(name = "value", description = "What is picked from."),
    argument(name = "key", description = "What is least.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ArgMin;

best!(ArgMin, "arg_min", descending: false);

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "The value as of the latest key; of several such rows the least value. Rows with a null value or key do not count.",
    syntax_example = "asof_select(value, key)",
    sql_example = "select asof_select(status, changed_at) from changes;",
    argument(name = "value", description = "What is picked from."),
    argument(name = "key", description = "When, a moment or a version.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AsofSelect;

best!(AsofSelect, "asof_select", descending: true);
