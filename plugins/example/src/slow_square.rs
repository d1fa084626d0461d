//! `slow_square(x)`, an async scalar function.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use arrow::{
    array::{Array, AsArray},
    compute::kernels::arity::unary,
    datatypes::{DataType, Float64Type},
};
use async_trait::async_trait;
use datafusion_common::{Result, internal_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    async_udf::AsyncScalarUDFImpl, scalar_doc_sections::DOC_SECTION_MATH,
};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let description = "Squares a number after a millisecond, as a remote service would.";
    Documentation::builder(DOC_SECTION_MATH, description, "slow_square(x)")
        .with_argument("x", "The number.")
        .with_sql_example("select slow_square(3.0); -- 9.0")
        .build()
});

/// Squares after a millisecond.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SlowSquare {
    signature: Signature,
}

impl SlowSquare {
    /// The function.
    pub fn new() -> Self {
        Self {
            signature: Signature::exact(vec![DataType::Float64], Volatility::Stable),
        }
    }
}

impl Default for SlowSquare {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for SlowSquare {
    fn name(&self) -> &str {
        "slow_square"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("slow_square is called asynchronously")
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for SlowSquare {
    async fn invoke_async_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let numbers = ColumnarValue::values_to_arrays(&args.args)?;
        let squares =
            unary::<_, _, Float64Type>(numbers[0].as_primitive::<Float64Type>(), |x| x * x);
        debug_assert_eq!(squares.len(), numbers[0].len());
        Ok(ColumnarValue::Array(Arc::new(squares)))
    }
}
