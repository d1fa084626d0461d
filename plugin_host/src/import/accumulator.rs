//! A plugin's accumulator of one group as an [`Accumulator`].

use std::sync::Arc;

use datafusion::{
    arrow::array::{Array, ArrayRef},
    common::{Result, ScalarValue},
    logical_expr::Accumulator,
};
use datafusion_plugin_api::abi::{AccumulatorObject, ArrowArray, CallError};

use super::{aggregate::BoundAggregate, exchange, limits::MOST_BYTES, metrics::Held};

#[derive(Debug)]
pub(crate) struct PluginAccumulator {
    bound: Arc<BoundAggregate>,
    object: AccumulatorObject,
    supports_retract: bool,
    held: Held,
}

impl PluginAccumulator {
    pub(crate) fn new(bound: Arc<BoundAggregate>, object: AccumulatorObject) -> Result<Self> {
        let supports_retract = bound.origin().call(|| object.supports_retract_batch())?;
        Ok(Self {
            held: Held::new(bound.origin().metrics()),
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
        let origin = self.bound.origin();
        let object = &mut self.object;
        let call = || method(object, &mut arrays).map_err(|error| origin.error(error));
        origin.on_batch(rows, call)
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
        let array = origin.call(|| self.object.evaluate())?;
        let value = exchange::import_result(origin, array, self.bound.return_field(), 1)?;
        ScalarValue::try_from_array(&value, 0)
    }

    fn size(&self) -> usize {
        let origin = self.bound.origin();
        let size = origin.admit().and_then(|()| self.object.size());
        let size = size_of_val(self)
            + size
                .unwrap_or_else(|error| origin.passed_over(error))
                .min(MOST_BYTES);
        self.held.set(size);
        size
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let origin = self.bound.origin();
        let arrays = origin.call(|| self.object.state())?;
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
