//! A plugin's accumulator of many groups as a [`GroupsAccumulator`].

use std::sync::Arc;

use abi_stable::std_types::RVec;
use datafusion::{
    arrow::array::{Array, ArrayRef, BooleanArray},
    common::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};
use datafusion_plugin_api::abi::{self, ArrowArray, Emit, Groups, GroupsAccumulatorObject};

use super::{aggregate::BoundAggregate, exchange, limits::MOST_BYTES, metrics::Held};

#[derive(Debug)]
pub(crate) struct PluginGroupsAccumulator {
    bound: Arc<BoundAggregate>,
    object: GroupsAccumulatorObject,
    /// Groups that were not emitted yet.
    groups: usize,
    held: Held,
}

impl PluginGroupsAccumulator {
    pub(crate) fn new(bound: Arc<BoundAggregate>, object: GroupsAccumulatorObject) -> Self {
        Self {
            held: Held::new(bound.origin().metrics()),
            bound,
            object,
            groups: 0,
        }
    }

    fn states(&self, arrays: RVec<ArrowArray>, rows: usize) -> Result<Vec<ArrayRef>> {
        let types = self.bound.state_types_of(arrays.len())?;
        arrays
            .into_iter()
            .zip(types)
            .map(|(array, data_type)| exchange::import(self.bound.origin(), array, data_type, rows))
            .collect()
    }

    /// What to emit, and how many rows that gives.
    fn emit(&mut self, emit_to: EmitTo) -> (Emit, usize) {
        let (first, rows) = match emit_to {
            EmitTo::All => (None, self.groups),
            EmitTo::First(groups) => (Some(groups), groups),
        };
        self.groups = self.groups.saturating_sub(rows);
        let first = first.into();
        (Emit { first }, rows)
    }
}

fn groups<'a>(indices: &'a [usize], total: usize, filter: Option<&BooleanArray>) -> Groups<'a> {
    Groups {
        indices: indices.into(),
        total,
        filter: filter.map_or_else(ArrowArray::empty, |filter| abi::export_array(filter)),
    }
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
        self.groups = total_num_groups;
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
        let (emit, rows) = self.emit(emit_to);
        let origin = self.bound.origin();
        let array = origin.call(|| self.object.evaluate(emit))?;
        exchange::import_result(origin, array, self.bound.return_field(), rows)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (emit, rows) = self.emit(emit_to);
        let arrays = self.bound.origin().call(|| self.object.state(emit))?;
        self.states(arrays, rows)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups = total_num_groups;
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
        let rows = values.first().map_or(0, |array| array.len());
        let mut arrays = exchange::export_all(origin, values, self.bound.input_types())?;
        let groups = groups(&[], 0, opt_filter);
        let object = &self.object;
        let states =
            origin.call(|| object.convert_to_state(arrays.as_mut_slice().into(), groups))?;
        self.states(states, rows)
    }

    fn size(&self) -> usize {
        let origin = self.bound.origin();
        let size = origin.admit().and_then(|()| self.object.size());
        let size = size
            .unwrap_or_else(|error| origin.passed_over(error))
            .min(MOST_BYTES);
        self.held.set(size);
        size
    }
}
