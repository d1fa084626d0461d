//! `run_length(x)`, a window function.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{Array, ArrayRef, UInt64Array},
    datatypes::{DataType, Field, FieldRef},
};
use datafusion_common::Result;
use datafusion_expr::{
    Documentation, PartitionEvaluator, Signature, Volatility, WindowUDFImpl,
    function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
    window_doc_sections::DOC_SECTION_ANALYTICAL,
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let description = "How many rows in a row, up to this one, have had the value of this row.";
    Documentation::builder(DOC_SECTION_ANALYTICAL, description, "run_length(x)")
        .with_argument("x", "A value of any type.")
        .with_sql_example("select run_length(state) over (order by t) from samples;")
        .build()
});

/// The length of the run of equal values that a row belongs to, so far.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RunLength {
    signature: Signature,
}

impl RunLength {
    /// The function.
    pub fn new() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl Default for RunLength {
    fn default() -> Self {
        Self::new()
    }
}

impl WindowUDFImpl for RunLength {
    fn name(&self) -> &str {
        "run_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::UInt64, false)))
    }

    fn partition_evaluator(
        &self,
        _args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Runs))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

#[derive(Debug)]
struct Runs;

impl PartitionEvaluator for Runs {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let values = &values[0];
        let mut lengths = Vec::with_capacity(rows);
        if rows > 0 {
            // Equal neighbours, by arrow's rules: null is equal to null, NaN to NaN.
            let partitions = arrow::compute::partition(&[Arc::clone(values)])?;
            for run in partitions.ranges() {
                lengths.extend(1..=run.len() as u64);
            }
        }
        debug_assert_eq!(lengths.len(), values.len());
        Ok(Arc::new(UInt64Array::from(lengths)))
    }
}
