//! `geometric_mean(x)`, an aggregate function.

use std::sync::LazyLock;

use arrow::{
    array::{ArrayRef, AsArray},
    compute::{sum, sum_checked},
    datatypes::{DataType, Float64Type, UInt64Type},
};
use datafusion_common::{Result, ScalarValue, exec_err};
use datafusion_expr::{
    Accumulator, AggregateUDFImpl, Documentation, Signature, Volatility,
    aggregate_doc_sections::DOC_SECTION_STATISTICAL,
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::format_state_name,
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let description = "The n-th root of the product of n positive numbers: exp(avg(ln x)).";
    Documentation::builder(DOC_SECTION_STATISTICAL, description, "geometric_mean(x)")
        .with_argument("x", "Positive numbers; nulls do not count.")
        .with_sql_example("select geometric_mean(x) from (values (2.0), (8.0)) t(x); -- 4.0")
        .build()
});

/// The geometric mean of positive numbers; null over no rows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct GeometricMean {
    signature: Signature,
}

impl GeometricMean {
    /// The function.
    pub fn new() -> Self {
        Self {
            signature: Signature::exact(vec![DataType::Float64], Volatility::Immutable),
        }
    }
}

impl Default for GeometricMean {
    fn default() -> Self {
        Self::new()
    }
}

impl AggregateUDFImpl for GeometricMean {
    fn name(&self) -> &str {
        "geometric_mean"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<arrow::datatypes::FieldRef>> {
        use arrow::datatypes::Field;
        Ok(vec![
            Field::new(
                format_state_name(args.name, "sum_of_logarithms"),
                DataType::Float64,
                true,
            )
            .into(),
            Field::new(
                format_state_name(args.name, "count"),
                DataType::UInt64,
                true,
            )
            .into(),
        ])
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::<Logarithms>::default())
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

#[derive(Debug, Default)]
struct Logarithms {
    sum: f64,
    count: u64,
}

impl Logarithms {
    fn of(values: &ArrayRef) -> Result<Self> {
        let numbers = values.as_primitive::<Float64Type>();
        let mut logarithms = Self::default();
        for number in numbers.iter().flatten() {
            if number <= 0.0 {
                return exec_err!("geometric_mean of {number}, expected a positive number");
            }
            logarithms.sum += number.ln();
            logarithms.count += 1;
        }
        Ok(logarithms)
    }
}

impl Accumulator for Logarithms {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Self { sum, count } = Self::of(&values[0])?;
        self.sum += sum;
        self.count += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Self { sum, count } = Self::of(&values[0])?;
        self.sum -= sum;
        self.count -= count;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.sum.into(), self.count.into()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.sum += sum(states[0].as_primitive::<Float64Type>()).unwrap_or(0.0);
        self.count += sum_checked(states[1].as_primitive::<UInt64Type>())?.unwrap_or(0);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mean = (self.count > 0).then(|| (self.sum / self.count as f64).exp());
        Ok(ScalarValue::Float64(mean))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
