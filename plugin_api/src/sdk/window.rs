//! An author's window function behind the contract.

mod bound;

use std::sync::Arc;

use datafusion_common::ScalarValue;
use datafusion_expr::{
    ReversedUDWF, WindowUDF,
    function::{ExpressionArgs, WindowUDFFieldArgs},
};
use datafusion_physical_expr::{
    PhysicalExpr,
    expressions::{Column, Literal},
};

use super::{arguments::physical_arguments, interned::Interned};
use crate::{
    abi::{
        BoundWindowFunctionObject, CallError, ErrorKind, Parcel, WindowFunction,
        WindowFunctionObject,
        message::{
            ExpressionsReply, ExpressionsRequest, FieldRequest, FieldsReply, FieldsRequest,
            FunctionDescriptor, FunctionKind, Reversal,
        },
    },
    df55::{
        documentation::documentation_to_message,
        error::to_call_error,
        parcel::{ParcelBuilder, ParcelContent},
        properties::{limit_effect_to_message, sort_options_to_message},
        signature::signature_to_message,
        types::TypeList,
    },
};

/// The window functions of an activated plugin.
pub(super) type WindowFunctions = Interned<WindowUDF>;

/// A window function of the plugin.
pub(super) struct WindowExport {
    udf: Arc<WindowUDF>,
    functions: Arc<WindowFunctions>,
}

impl WindowExport {
    pub(super) fn object(
        udf: Arc<WindowUDF>,
        functions: &Arc<WindowFunctions>,
    ) -> WindowFunctionObject {
        WindowFunctionObject::new(Self {
            udf,
            functions: Arc::clone(functions),
        })
    }
}

/// Describes a window function; the types of its signature are added to `types`.
pub(super) fn descriptor(
    udf: &WindowUDF,
    types: &mut TypeList,
) -> Result<FunctionDescriptor, CallError> {
    Ok(FunctionDescriptor {
        aliases: udf.aliases().to_vec(),
        documentation: udf.documentation().map(documentation_to_message),
        debug: format!("{:?}", udf.inner()),
        sort_options: udf.sort_options().map(sort_options_to_message),
        ..FunctionDescriptor::new(
            udf.name(),
            FunctionKind::Window,
            signature_to_message(udf.signature(), types)?,
        )
    })
}

/// An expression that a window function wants evaluated.
enum Wanted {
    Argument(usize),
    Constant(ScalarValue),
}

/// The expressions that `udf` wants evaluated for its evaluator.
fn wanted(
    udf: &WindowUDF,
    content: &ParcelContent<ExpressionsRequest>,
    arguments: &[Arc<dyn PhysicalExpr>],
) -> Result<Vec<Wanted>, CallError> {
    let expressions = udf.expressions(ExpressionArgs::new(arguments, &content.fields));
    let wanted = expressions.iter().map(|expression| {
        if let Some(position) = arguments.iter().position(|a| Arc::ptr_eq(a, expression)) {
            return Ok(Wanted::Argument(position));
        }
        if let Some(literal) = expression.downcast_ref::<Literal>() {
            return Ok(Wanted::Constant(literal.value().clone()));
        }
        match expression.downcast_ref::<Column>() {
            Some(column) if column.index() < arguments.len() => {
                Ok(Wanted::Argument(column.index()))
            }
            _ => Err(CallError::new(
                ErrorKind::NotImplemented,
                format!(
                    "wants '{expression}' evaluated; only arguments and constants can be, \
                     expected one of those"
                ),
            )),
        }
    });
    wanted.collect()
}

fn arguments(
    content: &ParcelContent<ExpressionsRequest>,
) -> Result<Vec<Arc<dyn PhysicalExpr>>, CallError> {
    physical_arguments(&content.fields, &content.message.arguments, &content.values)
}

impl WindowFunction for WindowExport {
    fn item(&self) -> &str {
        self.udf.name()
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        let mut types = TypeList::default();
        let descriptor = descriptor(&self.udf, &mut types)?;
        ParcelBuilder::new()
            .types(types.as_slice())
            .finish(&descriptor)
    }

    fn identity(&self) -> Result<u64, CallError> {
        Ok(self.functions.identity(&self.udf))
    }

    fn field(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<FieldRequest>::read(request)?;
        let args = WindowUDFFieldArgs::new(&content.fields, &content.message.name);
        let field = self
            .udf
            .field(args)
            .map_err(|error| to_call_error(&error))?;
        ParcelBuilder::new()
            .fields([&field])
            .finish(&FieldsReply {})
    }

    fn coerce_types(&self, request: Parcel) -> Result<Parcel, CallError> {
        let types = ParcelContent::<FieldsRequest>::read(request)?.types();
        let coerced = self
            .udf
            .coerce_types(&types)
            .map_err(|error| to_call_error(&error))?;
        ParcelBuilder::new().types(&coerced).finish(&FieldsReply {})
    }

    fn expressions(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<ExpressionsRequest>::read(request)?;
        let mut reply = ParcelBuilder::new();
        let wanted = wanted(&self.udf, &content, &arguments(&content)?)?.into_iter();
        let expressions = wanted
            .map(|wanted| match wanted {
                Wanted::Argument(position) => Ok(Ok(position)),
                Wanted::Constant(value) => reply.value(&value).map(Err),
            })
            .collect::<Result<_, CallError>>()?;
        reply.finish(&ExpressionsReply { expressions })
    }

    fn limit_effect(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<ExpressionsRequest>::read(request)?;
        let effect = self.udf.inner().limit_effect(&arguments(&content)?);
        Parcel::of(&limit_effect_to_message(&effect))
    }

    fn reversal(&self) -> Result<Parcel, CallError> {
        Parcel::of(&match self.udf.reverse_expr() {
            ReversedUDWF::Identical => Reversal::Identical,
            ReversedUDWF::NotSupported => Reversal::NotSupported,
            ReversedUDWF::Reversed(_) => Reversal::Reversed,
        })
    }

    fn reversed(&self) -> Result<WindowFunctionObject, CallError> {
        match self.udf.reverse_expr() {
            ReversedUDWF::Reversed(udf) => Ok(Self::object(udf, &self.functions)),
            _ => Err(CallError::contract(
                "the function has no other as its reverse",
            )),
        }
    }

    fn bind(&self, request: Parcel) -> Result<BoundWindowFunctionObject, CallError> {
        let content = ParcelContent::<ExpressionsRequest>::read(request)?;
        let bound = bound::Bound::new(Arc::clone(&self.udf), content)?;
        Ok(BoundWindowFunctionObject::new(bound))
    }
}
