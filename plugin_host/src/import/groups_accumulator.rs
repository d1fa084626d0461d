//! A plugin's accumulator of many groups as a [`GroupsAccumulator`].

use std::sync::Arc;

use abi_stable::std_types::RVec;
use datafusion::{
    arrow::array::{Array, ArrayRef, BooleanArray},
    common::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};
use datafusion_plugin_api::abi::{self, ArrowArray, Emit, Groups, GroupsAccumulatorObject};

use super::{aggregate::BoundAggregate, exchange, metrics::Held};

#[derive(Debug)]
pub(crate) struct PluginGroupsAccumulator {
    bound: Arc<BoundAggregate>,
    object: GroupsAccumulatorObject,
    held: Held,
}

impl PluginGroupsAccumulator {
    pub(crate) fn new(bound: Arc<BoundAggregate>, object: GroupsAccumulatorObject) -> Self {
        Self {
            held: Held::new(bound.origin().metrics()),
            bound,
            object,
        }
    }

    fn states(&self, arrays: RVec<ArrowArray>, rows: Option<usize>) -> Result<Vec<ArrayRef>> {
        let types = self.bound.state_types_of(arrays.len())?;
        arrays
            .into_iter()
            .zip(types)
            .map(|(array, data_type)| {
                let rows = rows.unwrap_or_else(|| rows_of(&array));
                exchange::import(self.bound.origin(), array, data_type, rows)
            })
            .collect()
    }
}

/// How many rows an array says that it has; the caller compares columns with one another.
fn rows_of(array: &ArrowArray) -> usize {
    usize::try_from(array.len()).unwrap_or(0)
}

fn groups<'a>(indices: &'a [usize], total: usize, filter: Option<&BooleanArray>) -> Groups<'a> {
    Groups {
        indices: indices.into(),
        total,
        filter: filter.map_or_else(ArrowArray::empty, |filter| abi::export_array(filter)),
    }
}

/// What to emit, and how many rows that gives where that is known.
fn emit(emit_to: EmitTo) -> (Emit, Option<usize>) {
    let first = match emit_to {
        EmitTo::All => None,
        EmitTo::First(groups) => Some(groups),
    };
    let emit = Emit {
        first: first.into(),
    };
    (emit, first)
}

#[warn(clippy::missing_trait_methods)] // A method left out is a property of the function lost.
impl GroupsAccumulator for PluginGroupsAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let origin = self.bound.origin();
        origin.on_batch(group_indices.len(), || {
            let mut arrays = exchange::export_all(origin, values, self.bound.input_types())?;
            let groups = groups(group_indices, total_num_groups, opt_filter);
            let updated = self
                .object
                .update_batch(arrays.as_mut_slice().into(), groups);
            updated.map_err(|error| origin.error(error))
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let origin = self.bound.origin();
        let (emit, rows) = emit(emit_to);
        let array = origin.call(|| self.object.evaluate(emit))?;
        let rows = rows.unwrap_or_else(|| rows_of(&array));
        exchange::import(origin, array, self.bound.return_type(), rows)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (emit, rows) = emit(emit_to);
        let arrays = self.bound.origin().call(|| self.object.state(emit))?;
        self.states(arrays, rows)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let origin = self.bound.origin();
        origin.on_batch(group_indices.len(), || {
            let mut arrays = exchange::export_all(origin, values, self.bound.state_types())?;
            let groups = groups(group_indices, total_num_groups, None);
            let merged = self
                .object
                .merge_batch(arrays.as_mut_slice().into(), groups);
            merged.map_err(|error| origin.error(error))
        })
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let origin = self.bound.origin();
        let mut arrays = exchange::export_all(origin, values, self.bound.input_types())?;
        let groups = groups(&[], 0, opt_filter);
        let object = &self.object;
        let states =
            origin.call(|| object.convert_to_state(arrays.as_mut_slice().into(), groups))?;
        self.states(states, values.first().map(|array| array.len()))
    }

    fn size(&self) -> usize {
        let origin = self.bound.origin();
        let size = origin.admit().and_then(|()| self.object.size());
        let size = size.unwrap_or_else(|error| origin.passed_over(error));
        self.held.set(size);
        size
    }
}
