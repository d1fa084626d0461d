//! A scalar function of the host.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    expr::ScalarFunction,
};

use super::{Described, Foreign, identified};
use crate::{
    abi::message::{CallName, FunctionKind, PlanQuestion},
    df55::{error::from_call_error, parcel::ParcelBuilder},
};

/// Knows what planning asks; the host runs it.
#[derive(Clone)]
pub(in crate::df55::plans) struct ForeignScalar {
    pub(in crate::df55::plans) foreign: Foreign,
    pub(in crate::df55::plans) described: Described,
    /// Of what stands in for an expression: the field is known and the name has no arguments.
    pub(in crate::df55::plans) field: Option<FieldRef>,
}

identified!(ForeignScalar);

impl ForeignScalar {
    fn call_name(&self, args: &[Expr]) -> Result<String> {
        if self.field.is_some() {
            return Ok(self.described.descriptor.name.clone());
        }
        let function = Arc::new(ScalarUDF::from(self.clone()));
        let call = ScalarFunction::new_udf(function, args.to_vec());
        self.foreign
            .name(CallName::Schema, &Expr::ScalarFunction(call))
    }
}

impl ScalarUDFImpl for ForeignScalar {
    fn name(&self) -> &str {
        &self.described.descriptor.name
    }

    fn aliases(&self) -> &[String] {
        &self.described.descriptor.aliases
    }

    fn signature(&self) -> &Signature {
        &self.described.signature
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.call_name(args)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let fields: Vec<FieldRef> = types
            .iter()
            .map(|data_type| Arc::new(Field::new("", data_type.clone(), true)))
            .collect();
        let field = self.return_field_from_args(ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &vec![None; fields.len()],
        })?;
        Ok(field.data_type().clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if let Some(field) = &self.field {
            return Ok(Arc::clone(field));
        }
        let mut request = ParcelBuilder::new().fields(args.arg_fields);
        let scalars = args.scalar_arguments.iter();
        let scalars = scalars
            .map(|scalar| scalar.map(|scalar| request.value(scalar)).transpose())
            .collect::<std::result::Result<_, _>>()
            .map_err(from_call_error)?;
        let question = PlanQuestion::ScalarField {
            function: self.foreign.number,
            scalars,
        };
        let reply = Foreign::finished(request, &question)?;
        let reply = self
            .foreign
            .ask::<crate::abi::message::FieldsReply>(reply)?;
        reply.only_field().map_err(from_call_error)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.foreign.coerced(FunctionKind::Scalar, types)
    }

    fn short_circuits(&self) -> bool {
        self.described.descriptor.short_circuits
    }

    fn is_strict(&self) -> bool {
        self.described.descriptor.strict
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        not_impl_err!(
            "'{}' is a function of the host: it can be planned here, not run",
            self.name()
        )
    }
}
