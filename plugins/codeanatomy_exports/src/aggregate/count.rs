//! Rows counted by a condition.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array},
    datatypes::{DataType, Field, FieldRef, Int64Type},
};
use datafusion_common::{Result, ScalarValue};
use datafusion_doc::Documentation;
use datafusion_expr::{
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::format_state_name,
};
use datafusion_macros::user_doc;

use super::{
    grouped::{Assigned, GroupStates},
    kernel::AggregateKernel,
};
use crate::arguments::{Accepts, Argument};

#[derive(Debug, Default)]
struct Counts(Vec<i64>);

impl Counts {
    fn add(&mut self, number: i64, flags: &BooleanArray, rows: &Assigned) {
        for row in 0..flags.len() {
            if flags.is_valid(row)
                && flags.value(row)
                && let Some(group) = rows.group(row)
            {
                self.0[group] += number;
            }
        }
    }
}

impl GroupStates for Counts {
    fn fresh(&self) -> Result<Box<dyn GroupStates>> {
        Ok(Box::<Self>::default())
    }

    fn resize(&mut self, groups: usize) {
        self.0.resize(groups, 0);
    }

    fn update(&mut self, values: &[ArrayRef], rows: &Assigned) -> Result<()> {
        self.add(1, values[0].as_boolean(), rows);
        Ok(())
    }

    fn retracts(&self) -> bool {
        true
    }

    fn retract(&mut self, values: &[ArrayRef], rows: &Assigned) -> Result<()> {
        self.add(-1, values[0].as_boolean(), rows);
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], rows: &Assigned) -> Result<()> {
        let counts = states[0].as_primitive::<Int64Type>();
        for row in 0..counts.len() {
            if let Some(group) = rows.group(row) {
                self.0[group] += counts.value(row);
            }
        }
        Ok(())
    }

    fn results(&self, groups: Range<usize>) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.0[groups].to_vec())))
    }

    fn states(&self, groups: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.results(groups)?])
    }

    fn forget_first(&mut self, groups: usize) -> Result<()> {
        self.0.drain(..groups);
        Ok(())
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<i64>()
    }
}

#[user_doc(
    doc_section(label = "Aggregate Functions"),
    description = "How many rows of a group meet a condition.",
    syntax_example = "count_if(condition)",
    sql_example = "select count_if(docstring is null) from definitions;",
    argument(
        name = "condition",
        description = "The condition; null does not meet it."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CountIf;

impl AggregateKernel for CountIf {
    fn name(&self) -> &'static str {
        "count_if"
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }

    fn arguments(&self) -> &'static [Argument] {
        const { &[Argument::new("condition", Accepts::Boolean)] }
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

    fn takes_distinct(&self) -> bool {
        false
    }

    fn state_fields(&self, args: &StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "count");
        Ok(vec![Arc::new(Field::new(name, DataType::Int64, false))])
    }

    fn states(&self, _: &AccumulatorArgs) -> Result<Box<dyn GroupStates>> {
        Ok(Box::<Counts>::default())
    }
}
