//! An author's accumulator of many groups behind the contract.

use std::sync::Arc;

use abi_stable::std_types::{ROption, RSliceMut, RVec};
use arrow::{
    array::{ArrayRef, AsArray, BooleanArray},
    datatypes::DataType,
};
use datafusion_expr::{EmitTo, GroupsAccumulator};

use super::{
    aggregate::BoundCall,
    arrays::{export, import_all},
};
use crate::{
    abi::{self, ArrowArray, CallError, Emit, Groups},
    df55::error::to_call_error,
};

pub(super) struct GroupsAccumulatorExport {
    call: Arc<BoundCall>,
    accumulator: Box<dyn GroupsAccumulator>,
}

impl GroupsAccumulatorExport {
    pub(super) fn new(call: Arc<BoundCall>, accumulator: Box<dyn GroupsAccumulator>) -> Self {
        Self { call, accumulator }
    }

    fn export_states(&self, states: &[ArrayRef]) -> Result<RVec<ArrowArray>, CallError> {
        let types = self.call.state_types_of(states.len())?;
        let states = states.iter().zip(types);
        states.map(|(array, t)| export(array, t)).collect()
    }
}

fn filter(array: ArrowArray) -> Result<Option<BooleanArray>, CallError> {
    if array.is_released() {
        return Ok(None);
    }
    let array = abi::import_array(array, &DataType::Boolean)?;
    Ok(Some(array.as_boolean().clone()))
}

fn emit_to(emit: Emit) -> EmitTo {
    match emit.first {
        ROption::RNone => EmitTo::All,
        ROption::RSome(groups) => EmitTo::First(groups),
    }
}

impl abi::GroupsAccumulator for GroupsAccumulatorExport {
    fn item(&self) -> &str {
        self.call.item()
    }

    fn size(&self) -> Result<usize, CallError> {
        Ok(self.accumulator.size())
    }

    fn convert_to_state(
        &self,
        values: RSliceMut<'_, ArrowArray>,
        groups: Groups<'_>,
    ) -> Result<RVec<ArrowArray>, CallError> {
        let values = import_all(values, self.call.input_types())?;
        let filter = filter(groups.filter)?;
        let states = self
            .accumulator
            .convert_to_state(&values, filter.as_ref())
            .map_err(|error| to_call_error(&error))?;
        self.export_states(&states)
    }

    fn update_batch(
        &mut self,
        values: RSliceMut<'_, ArrowArray>,
        groups: Groups<'_>,
    ) -> Result<(), CallError> {
        let values = import_all(values, self.call.input_types())?;
        let filter = filter(groups.filter)?;
        let indices = groups.indices.as_slice();
        self.accumulator
            .update_batch(&values, indices, filter.as_ref(), groups.total)
            .map_err(|error| to_call_error(&error))
    }

    fn merge_batch(
        &mut self,
        states: RSliceMut<'_, ArrowArray>,
        groups: Groups<'_>,
    ) -> Result<(), CallError> {
        let states = import_all(states, self.call.state_types())?;
        self.accumulator
            .merge_batch(&states, groups.indices.as_slice(), groups.total)
            .map_err(|error| to_call_error(&error))
    }

    fn evaluate(&mut self, emit: Emit) -> Result<ArrowArray, CallError> {
        let results = self
            .accumulator
            .evaluate(emit_to(emit))
            .map_err(|error| to_call_error(&error))?;
        export(&results, self.call.return_type())
    }

    fn state(&mut self, emit: Emit) -> Result<RVec<ArrowArray>, CallError> {
        let states = self
            .accumulator
            .state(emit_to(emit))
            .map_err(|error| to_call_error(&error))?;
        self.export_states(&states)
    }
}
