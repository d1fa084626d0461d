//! A plugin's accumulator of one group as an [`Accumulator`].

use std::{sync::Arc, time::Instant};

use datafusion::{
    arrow::array::{Array, ArrayRef},
    common::{Result, ScalarValue},
    logical_expr::Accumulator,
};
use datafusion_plugin_api::abi::{AccumulatorObject, ArrowArray, CallError};

use super::{aggregate::BoundAggregate, exchange};

#[derive(Debug)]
pub(crate) struct PluginAccumulator {
    bound: Arc<BoundAggregate>,
    object: AccumulatorObject,
    supports_retract: bool,
}

impl PluginAccumulator {
    pub(crate) fn new(bound: Arc<BoundAggregate>, object: AccumulatorObject) -> Result<Self> {
        let supports_retract = object
            .supports_retract_batch()
            .map_err(|error| bound.origin().error(error))?;
        Ok(Self {
            bound,
            object,
            supports_retract,
        })
    }

    fn call(
        &mut self,
        rows: usize,
        mut arrays: Vec<ArrowArray>,
        method: impl FnOnce(&mut AccumulatorObject, &mut [ArrowArray]) -> Result<(), CallError>,
    ) -> Result<()> {
        let since = Instant::now();
        let origin = self.bound.origin();
        let result = method(&mut self.object, &mut arrays).map_err(|error| origin.error(error));
        origin.metrics().called(rows, since);
        result
    }

    fn inputs(&self, values: &[ArrayRef]) -> Result<(usize, Vec<ArrowArray>)> {
        let arrays = exchange::export_all(self.bound.origin(), values, self.bound.input_types())?;
        Ok((values.first().map_or(0, |array| array.len()), arrays))
    }
}

#[warn(clippy::missing_trait_methods)] // A method left out is a property of the function lost.
impl Accumulator for PluginAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (rows, arrays) = self.inputs(values)?;
        self.call(rows, arrays, |object, arrays| {
            object.update_batch(arrays.into())
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let origin = self.bound.origin();
        let array = self
            .object
            .evaluate()
            .map_err(|error| origin.error(error))?;
        exchange::import_scalar(origin, array, self.bound.return_type())
    }

    fn size(&self) -> usize {
        let origin = self.bound.origin();
        let size = self.object.size();
        size_of_val(self) + size.unwrap_or_else(|error| origin.passed_over(error))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let origin = self.bound.origin();
        let arrays = self.object.state().map_err(|error| origin.error(error))?;
        let types = self.bound.state_types_of(arrays.len())?;
        let parts = arrays.into_iter().zip(types);
        parts
            .map(|(array, data_type)| exchange::import_scalar(origin, array, data_type))
            .collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let arrays = exchange::export_all(self.bound.origin(), states, self.bound.state_types())?;
        let rows = states.first().map_or(0, |array| array.len());
        self.call(rows, arrays, |object, arrays| {
            object.merge_batch(arrays.into())
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (rows, arrays) = self.inputs(values)?;
        self.call(rows, arrays, |object, arrays| {
            object.retract_batch(arrays.into())
        })
    }

    fn supports_retract_batch(&self) -> bool {
        self.supports_retract
    }
}
