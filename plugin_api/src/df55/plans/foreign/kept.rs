//! An expression that stays on the host, as a function of its children.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// Stands on the host for the expression, while that is sent.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::df55::plans) struct KeptExpr {
    pub(in crate::df55::plans) expr: Expr,
    pub(in crate::df55::plans) field: FieldRef,
    name: String,
    signature: Signature,
}

impl KeptExpr {
    pub(in crate::df55::plans) fn new(expr: Expr, field: FieldRef) -> Self {
        let name = expr.schema_name().to_string();
        Self {
            name,
            expr,
            field,
            signature: Signature::variadic_any(Volatility::Volatile),
        }
    }
}

impl ScalarUDFImpl for KeptExpr {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::clone(&self.field))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        not_impl_err!("'{}' is an expression and not a function", self.name)
    }
}
