//! The accumulators of the body's aggregates, and what is made of their results.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions},
    compute::filter_record_batch,
};
use datafusion_common::{Result, ScalarValue, internal_err};
use datafusion_expr::Accumulator;
use datafusion_physical_expr::aggregate::AggregateFunctionExpr;

use super::plan::Parts;

#[derive(Debug)]
pub(super) struct MacroAccumulator {
    parts: Arc<Parts>,
    /// How many columns of state each has.
    states: Vec<usize>,
    accumulators: Vec<Box<dyn Accumulator>>,
}

pub(super) type Create = fn(&AggregateFunctionExpr) -> Result<Box<dyn Accumulator>>;
type OnBatch = fn(&mut dyn Accumulator, &[ArrayRef]) -> Result<()>;

impl MacroAccumulator {
    pub(super) fn new(parts: &Arc<Parts>, create: Create) -> Result<Self> {
        let mut states = Vec::with_capacity(parts.calls.len());
        let mut accumulators = Vec::with_capacity(parts.calls.len());
        for call in &parts.calls {
            states.push(call.function.state_fields()?.len());
            accumulators.push(create(&call.function)?);
        }
        Ok(Self {
            parts: Arc::clone(parts),
            states,
            accumulators,
        })
    }

    fn each(&mut self, values: &[ArrayRef], on_batch: OnBatch) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let arguments = Arc::clone(&self.parts.arguments);
        let batch = RecordBatch::try_new_with_options(arguments, values.to_vec(), &options)?;
        for (call, accumulator) in self.parts.calls.iter().zip(&mut self.accumulators) {
            let batch = match &call.filter {
                Some(filter) => {
                    let kept = filter.evaluate(&batch)?.into_array(rows)?;
                    filter_record_batch(&batch, kept.as_boolean())?
                }
                None => batch.clone(),
            };
            let inputs = call.function.expressions().into_iter();
            let inputs = inputs.map(|input| input.evaluate(&batch)?.into_array(batch.num_rows()));
            on_batch(accumulator.as_mut(), &inputs.collect::<Result<Vec<_>>>()?)?;
        }
        Ok(())
    }
}

impl Accumulator for MacroAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |accumulator, values| {
            accumulator.update_batch(values)
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, |accumulator, values| {
            accumulator.retract_batch(values)
        })
    }

    fn supports_retract_batch(&self) -> bool {
        let mut accumulators = self.accumulators.iter();
        accumulators.all(|accumulator| accumulator.supports_retract_batch())
    }

    fn merge_batch(&mut self, mut states: &[ArrayRef]) -> Result<()> {
        for (count, accumulator) in self.states.iter().zip(&mut self.accumulators) {
            let Some((own, rest)) = states.split_at_checked(*count) else {
                return internal_err!("a macro's state has too few columns");
            };
            accumulator.merge_batch(own)?;
            states = rest;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let states = self
            .accumulators
            .iter_mut()
            .map(|accumulator| accumulator.state());
        Ok(states.collect::<Result<Vec<_>>>()?.concat())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let results = self.accumulators.iter_mut().map(|accumulator| {
            let result = accumulator.evaluate()?;
            result.to_array()
        });
        let results = results.collect::<Result<Vec<_>>>()?;
        let result = &self.parts.result;
        let batch = RecordBatch::try_new(Arc::clone(&result.schema), results)?;
        let result = result.expr.evaluate(&batch)?.into_array(1)?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn size(&self) -> usize {
        let accumulators = self.accumulators.iter();
        size_of_val(self)
            + accumulators
                .map(|accumulator| accumulator.size())
                .sum::<usize>()
    }
}
