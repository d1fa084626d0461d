//! An accumulator among others of one object: a panic in its drop is contained by itself, as two in
//! one drop would end the process.

use std::{fmt, sync::Arc};

use arrow::array::ArrayRef;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::Accumulator;

use super::BoundCall;
use crate::abi::drop_each;

pub(super) struct Contained {
    call: Arc<BoundCall>,
    accumulator: Option<Box<dyn Accumulator>>,
}

impl Contained {
    pub(super) fn new(call: &Arc<BoundCall>, accumulator: Box<dyn Accumulator>) -> Self {
        Self {
            call: Arc::clone(call),
            accumulator: Some(accumulator),
        }
    }

    #[expect(clippy::expect_used, reason = "only the drop takes it")]
    fn get(&self) -> &dyn Accumulator {
        self.accumulator.as_deref().expect("there until the drop")
    }

    #[expect(clippy::expect_used, reason = "only the drop takes it")]
    fn get_mut(&mut self) -> &mut dyn Accumulator {
        self.accumulator
            .as_deref_mut()
            .expect("there until the drop")
    }
}

impl fmt::Debug for Contained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.accumulator.fmt(f)
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        drop_each(self.accumulator.take(), |_| self.call.item().to_owned());
    }
}

impl Accumulator for Contained {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.get_mut().update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.get_mut().evaluate()
    }

    fn size(&self) -> usize {
        self.get().size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.get_mut().state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.get_mut().merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.get_mut().retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.get().supports_retract_batch()
    }
}
