//! What planning asks of a window function.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::Result,
    logical_expr::{
        LimitEffect,
        function::{ExpressionArgs, WindowUDFFieldArgs},
    },
    physical_expr::{PhysicalExpr, expressions::lit},
};
use datafusion_plugin_api::{
    abi::{
        CallError, WindowFunctionObject,
        message::{
            ExpressionsReply, ExpressionsRequest, FieldRequest, FieldsReply, FieldsRequest,
            LimitEffectReply, Reversal,
        },
    },
    df55::{
        parcel::{ParcelBuilder, ParcelContent},
        properties::limit_effect_from_message,
    },
};

use super::{
    super::{
        arguments::{constant, sources},
        recent::{same_expressions, same_fields},
    },
    WindowFunction,
};

/// The expressions that a function wants evaluated for these arguments.
#[derive(Debug)]
pub(super) struct Expressions {
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    fields: Vec<FieldRef>,
    wanted: Vec<Arc<dyn PhysicalExpr>>,
}

/// The field of a function's result.
#[derive(Debug)]
pub(super) struct NamedField {
    inputs: Vec<FieldRef>,
    name: String,
    field: FieldRef,
}

impl WindowFunction {
    pub(super) fn field(&self, args: &WindowUDFFieldArgs) -> Result<FieldRef> {
        let found = self.fields.find_or(
            |known| known.name == args.name() && same_fields(&known.inputs, args.input_fields()),
            || {
                let ask = || {
                    let request = ParcelBuilder::new().fields(args.input_fields());
                    let name = args.name().to_owned();
                    let reply = self.origin.plan(
                        &self.object,
                        WindowFunctionObject::field,
                        request.finish(&FieldRequest { name })?,
                    )?;
                    ParcelContent::<FieldsReply>::read(reply)?.only_field()
                };
                Ok(NamedField {
                    inputs: args.input_fields().to_vec(),
                    name: args.name().to_owned(),
                    field: ask().map_err(|error| self.origin.error(error))?,
                })
            },
        );
        found.map(|found| Arc::clone(&found.field))
    }

    pub(super) fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let ask = || {
            let request = ParcelBuilder::new().types(arg_types);
            let reply = self.origin.plan(
                &self.object,
                WindowFunctionObject::coerce_types,
                request.finish(&FieldsRequest {})?,
            )?;
            Ok(ParcelContent::<FieldsReply>::read_signature(reply)?.types())
        };
        ask().map_err(|error| self.origin.error(error))
    }

    /// The expressions to evaluate. An error here comes back when the function is bound.
    pub(super) fn expressions(&self, args: &ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        let found = self.expressions.find_or(
            |known| {
                same_fields(&known.fields, args.input_fields())
                    && same_expressions(&known.arguments, args.input_exprs())
            },
            || self.ask_expressions(args),
        );
        match found {
            Ok(found) => found.wanted.clone(),
            Err(error) => {
                self.origin.passed_over::<()>(error);
                args.input_exprs().to_vec()
            }
        }
    }

    fn ask_expressions(&self, args: &ExpressionArgs) -> Result<Expressions, CallError> {
        let mut request = ParcelBuilder::new().fields(args.input_fields());
        let message = ExpressionsRequest {
            arguments: sources(args.input_exprs(), &mut request)?,
            ..ExpressionsRequest::default()
        };
        let reply = self.origin.plan(
            &self.object,
            WindowFunctionObject::expressions,
            request.finish(&message)?,
        )?;
        let content = ParcelContent::<ExpressionsReply>::read(reply)?;
        let expressions = content.message.expressions.iter();
        let wanted = expressions
            .map(|expression| match expression {
                Ok(argument) => args.input_exprs().get(*argument).cloned().ok_or_else(|| {
                    CallError::contract(format!("wants argument {argument} evaluated"))
                }),
                Err(constant) => Ok(lit(content.value(*constant)?.clone())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Expressions {
            arguments: args.input_exprs().to_vec(),
            fields: args.input_fields().to_vec(),
            wanted,
        })
    }

    pub(super) fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        let ask = || {
            // DataFusion does not say of which types columns are here.
            let fields: Vec<FieldRef> = args
                .iter()
                .map(|arg| {
                    let data_type = constant(arg).map_or(DataType::Null, |value| value.data_type());
                    Arc::new(Field::new("", data_type, true))
                })
                .collect();
            let mut request = ParcelBuilder::new().fields(&fields);
            let message = ExpressionsRequest {
                arguments: sources(args, &mut request)?,
                ..ExpressionsRequest::default()
            };
            self.origin
                .plan(
                    &self.object,
                    WindowFunctionObject::limit_effect,
                    request.finish(&message)?,
                )?
                .message()
        };
        limit_effect_from_message(ask().unwrap_or_else(|error| {
            self.origin.passed_over::<()>(error);
            LimitEffectReply::Unknown
        }))
    }

    /// The function over the reversed window: itself, another, or none.
    pub(super) fn reversal<T>(
        &self,
        derive: impl FnOnce(WindowFunctionObject) -> Result<T, CallError>,
    ) -> Result<Option<T>, Option<CallError>> {
        let reversal = self
            .origin
            .plan(&self.object, |object, ()| object.reversal(), ())
            .and_then(|reply| reply.message());
        match reversal? {
            Reversal::Identical => Ok(None),
            Reversal::Reversed => Ok(Some(self.object.reversed().and_then(derive)?)),
            Reversal::NotSupported => Err(None),
        }
    }
}
