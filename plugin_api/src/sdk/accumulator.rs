//! An author's accumulator of one group behind the contract.

use std::sync::Arc;

use abi_stable::std_types::{RSliceMut, RVec};
use datafusion_expr::Accumulator;

use super::{
    aggregate::BoundCall,
    arrays::{export_scalar, import_all},
};
use crate::{
    abi::{self, ArrowArray, CallError},
    df55::error::to_call_error,
};

pub(super) struct AccumulatorExport {
    call: Arc<BoundCall>,
    accumulator: Box<dyn Accumulator>,
}

impl AccumulatorExport {
    pub(super) fn new(call: Arc<BoundCall>, accumulator: Box<dyn Accumulator>) -> Self {
        Self { call, accumulator }
    }
}

impl abi::Accumulator for AccumulatorExport {
    fn item(&self) -> &str {
        self.call.item()
    }

    fn size(&self) -> Result<usize, CallError> {
        Ok(self.accumulator.size())
    }

    fn supports_retract_batch(&self) -> Result<bool, CallError> {
        Ok(self.accumulator.supports_retract_batch())
    }

    fn update_batch(&mut self, values: RSliceMut<'_, ArrowArray>) -> Result<(), CallError> {
        let values = import_all(values, self.call.input_types())?;
        self.accumulator
            .update_batch(&values)
            .map_err(|error| to_call_error(&error))
    }

    fn merge_batch(&mut self, states: RSliceMut<'_, ArrowArray>) -> Result<(), CallError> {
        let states = import_all(states, self.call.state_types())?;
        self.accumulator
            .merge_batch(&states)
            .map_err(|error| to_call_error(&error))
    }

    fn retract_batch(&mut self, values: RSliceMut<'_, ArrowArray>) -> Result<(), CallError> {
        let values = import_all(values, self.call.input_types())?;
        self.accumulator
            .retract_batch(&values)
            .map_err(|error| to_call_error(&error))
    }

    fn evaluate(&mut self) -> Result<ArrowArray, CallError> {
        let value = self
            .accumulator
            .evaluate()
            .map_err(|error| to_call_error(&error))?;
        export_scalar(&value, self.call.return_type())
    }

    fn state(&mut self) -> Result<RVec<ArrowArray>, CallError> {
        let state = self
            .accumulator
            .state()
            .map_err(|error| to_call_error(&error))?;
        let types = self.call.state_types_of(state.len())?;
        let arrays = state.iter().zip(types);
        arrays.map(|(value, t)| export_scalar(value, t)).collect()
    }
}
