//! An author's scalar function behind the contract.

mod bound;

use std::sync::Arc;

use abi_stable::std_types::ROption;
use datafusion_common::{Column, ScalarValue};
use datafusion_expr::{Expr, ReturnFieldArgs, ScalarUDF};

use super::{functions::Functions, plugin::ScalarEntry};
use crate::{
    abi::{
        BoundScalarFunctionObject, CallError, Parcel, ScalarFunction, ScalarFunctionObject,
        message::{
            BindRequest, BoundsReply, BoundsRequest, CallRequest, ConditionalArguments,
            FieldsReply, FieldsRequest, FlagReply, FunctionDescriptor, FunctionKind, OrderingReply,
            OrderingRequest, PlacementReply, PlacementRequest, PropagateReply, Settings,
            StructFieldMappingReply,
        },
    },
    df55::{
        documentation::documentation_to_message,
        error::df,
        parcel::{ParcelBuilder, ParcelContent},
        properties::{
            interval_from_bounds, interval_to_bounds, placement_from_message, placement_to_message,
            properties_from_message, sort_properties_to_message,
        },
        settings::options_from,
        signature::signature_to_message,
        types::TypeList,
    },
};

/// A scalar function of the plugin.
pub(super) struct ScalarExport {
    entry: ScalarEntry,
    identity: u64,
    functions: Arc<Functions>,
}

impl ScalarExport {
    pub(super) fn new(entry: ScalarEntry, identity: u64, functions: Arc<Functions>) -> Self {
        Self {
            entry,
            identity,
            functions,
        }
    }

    fn udf(&self) -> &Arc<ScalarUDF> {
        &self.entry.udf
    }
}

/// Describes a scalar function; the types of its signature are added to `types`.
pub(super) fn descriptor(
    entry: &ScalarEntry,
    types: &mut TypeList,
) -> Result<FunctionDescriptor, CallError> {
    let udf = &entry.udf;
    // An async function's wrapper hides what the author's type says.
    let (aliases, documentation) = match &entry.asynchronous {
        Some((inner, _)) => (inner.aliases(), inner.documentation()),
        None => (udf.aliases(), udf.documentation()),
    };
    Ok(FunctionDescriptor {
        aliases: aliases.to_vec(),
        documentation: documentation.map(documentation_to_message),
        debug: format!("{:?}", udf.inner()),
        short_circuits: udf.short_circuits(),
        strict: udf.is_strict(),
        simplifies: entry.simplifies,
        reads_settings: entry.reads_settings.clone(),
        batch_size: entry
            .asynchronous
            .as_ref()
            .and_then(|(inner, options)| options.batch_size.or(inner.ideal_batch_size())),
        ..FunctionDescriptor::new(
            udf.name(),
            match entry.asynchronous {
                Some(_) => FunctionKind::AsyncScalar,
                None => FunctionKind::Scalar,
            },
            signature_to_message(udf.signature(), types)?,
        )
    })
}

fn pairs(values: Vec<ScalarValue>) -> Result<Vec<(ScalarValue, ScalarValue)>, CallError> {
    if !values.len().is_multiple_of(2) {
        return Err(CallError::contract("bounds without their counterpart"));
    }
    let mut values = values.into_iter();
    Ok(std::iter::from_fn(|| Some((values.next()?, values.next()?))).collect())
}

fn constants(
    scalars: &[Option<usize>],
    content: &[ScalarValue],
) -> Result<Vec<Option<ScalarValue>>, CallError> {
    scalars
        .iter()
        .map(|position| match position {
            None => Ok(None),
            Some(position) => content
                .get(*position)
                .cloned()
                .map(Some)
                .ok_or_else(|| CallError::contract("a constant that was not sent")),
        })
        .collect()
}

impl ScalarFunction for ScalarExport {
    fn item(&self) -> &str {
        self.udf().name()
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        let mut types = TypeList::default();
        let descriptor = descriptor(&self.entry, &mut types)?;
        ParcelBuilder::new()
            .types(types.as_slice())
            .finish(&descriptor)
    }

    fn identity(&self) -> Result<u64, CallError> {
        Ok(self.identity)
    }

    fn return_field(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<CallRequest>::read(request)?;
        let constants = constants(&content.message.scalars, &content.values)?;
        let scalars: Vec<_> = constants.iter().map(Option::as_ref).collect();
        let field = df(self.udf().return_field_from_args(ReturnFieldArgs {
            arg_fields: &content.fields,
            scalar_arguments: &scalars,
        }))?;
        ParcelBuilder::new()
            .fields([&field])
            .finish(&FieldsReply {})
    }

    fn coerce_types(&self, request: Parcel) -> Result<Parcel, CallError> {
        let types = ParcelContent::<FieldsRequest>::read(request)?.types();
        let coerced = df(self.udf().coerce_types(&types))?;
        ParcelBuilder::new().types(&coerced).finish(&FieldsReply {})
    }

    fn output_ordering(&self, request: Parcel) -> Result<Parcel, CallError> {
        let properties = properties(request)?;
        let order = sort_properties_to_message(df(self.udf().output_ordering(&properties))?);
        Parcel::of(&OrderingReply { order })
    }

    fn preserves_lex_ordering(&self, request: Parcel) -> Result<Parcel, CallError> {
        let yes = df(self.udf().preserves_lex_ordering(&properties(request)?))?;
        Parcel::of(&FlagReply { yes })
    }

    fn strictly_order_preserving(&self, request: Parcel) -> Result<Parcel, CallError> {
        let yes = df(self.udf().strictly_order_preserving(&properties(request)?))?;
        Parcel::of(&FlagReply { yes })
    }

    fn evaluate_bounds(&self, request: Parcel) -> Result<Parcel, CallError> {
        let inputs = intervals(request)?;
        let bounds = df(self
            .udf()
            .evaluate_bounds(&inputs.iter().collect::<Vec<_>>()))?;
        let mut reply = ParcelBuilder::new();
        for bound in interval_to_bounds(&bounds) {
            reply.value(&bound)?;
        }
        reply.finish(&BoundsReply {})
    }

    fn propagate_constraints(&self, request: Parcel) -> Result<Parcel, CallError> {
        let intervals = intervals(request)?;
        let Some((result, inputs)) = intervals.split_first() else {
            return Err(CallError::contract(
                "constraints without the result's bounds",
            ));
        };
        let inputs: Vec<_> = inputs.iter().collect();
        let tighter = df(self.udf().propagate_constraints(result, &inputs))?;
        let mut reply = ParcelBuilder::new();
        for bound in tighter.iter().flatten().flat_map(interval_to_bounds) {
            reply.value(&bound)?;
        }
        reply.finish(&PropagateReply {
            feasible: tighter.is_some(),
        })
    }

    fn conditional_arguments(&self, request: Parcel) -> Result<Parcel, CallError> {
        let count = ParcelContent::<FieldsRequest>::read(request)?.fields.len();
        // Not `col`, which parses the name as SQL.
        let argument = |i| Expr::Column(Column::new_unqualified(format!("argument_{i}")));
        let arguments: Vec<Expr> = (0..count).map(argument).collect();
        let position = |found: &&Expr| {
            arguments
                .iter()
                .position(|argument| std::ptr::eq(argument, *found))
        };
        let split = self
            .udf()
            .conditional_arguments(&arguments)
            .map(|(always, lazily)| {
                (
                    always.iter().filter_map(position).collect(),
                    lazily.iter().filter_map(position).collect(),
                )
            });
        Parcel::of(&ConditionalArguments { split })
    }

    fn placement(&self, request: Parcel) -> Result<Parcel, CallError> {
        let request: PlacementRequest = request.message()?;
        let arguments: Vec<_> = request
            .arguments
            .into_iter()
            .map(placement_from_message)
            .collect();
        let placement = placement_to_message(self.udf().placement(&arguments));
        Parcel::of(&PlacementReply { placement })
    }

    fn struct_field_mapping(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<CallRequest>::read(request)?;
        let literals = constants(&content.message.scalars, &content.values)?;
        let Some(mapping) = self.udf().struct_field_mapping(&literals) else {
            return Parcel::of(&StructFieldMappingReply::default());
        };
        let mut reply = ParcelBuilder::new();
        let mut fields = Vec::new();
        for (path, argument) in &mapping.fields {
            for key in path {
                reply.value(key)?;
            }
            fields.push((path.len(), *argument));
        }
        reply.finish(&StructFieldMappingReply {
            accessor: Some(mapping.field_accessor.name().to_owned()),
            debug: format!("{:?}", mapping.field_accessor.inner()),
            fields,
        })
    }

    fn with_updated_config(
        &self,
        request: Parcel,
    ) -> Result<ROption<ScalarFunctionObject>, CallError> {
        let settings: Settings = request.message()?;
        let updated = self
            .udf()
            .inner()
            .with_updated_config(&options_from(&settings));
        let object = updated
            .map(|udf| self.functions.object_of(&Arc::new(udf)))
            .transpose()?;
        Ok(object.into())
    }

    fn simplify(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.functions.simplify(self.udf(), request)
    }

    fn preimage(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.functions.preimage(self.udf(), request)
    }

    fn derived(&self, identity: u64) -> Result<ScalarFunctionObject, CallError> {
        self.functions.object_by_identity(identity)
    }

    fn bind(&self, request: Parcel) -> Result<BoundScalarFunctionObject, CallError> {
        let content = ParcelContent::<BindRequest>::read(request)?;
        let constants = constants(&content.message.scalars, &content.values)?;
        let bound = bound::Bound::new(
            self.entry.clone(),
            content.fields,
            constants,
            options_from(&content.message.settings),
        )?;
        Ok(BoundScalarFunctionObject::new(bound))
    }
}

fn properties(
    request: Parcel,
) -> Result<Vec<datafusion_expr::sort_properties::ExprProperties>, CallError> {
    let content = ParcelContent::<OrderingRequest>::read(request)?;
    let bounds = pairs(content.values)?;
    if bounds.len() != content.message.arguments.len() {
        return Err(CallError::contract("properties without their bounds"));
    }
    let arguments = content.message.arguments.into_iter().zip(bounds);
    arguments
        .map(|(message, (lower, upper))| properties_from_message(message, lower, upper))
        .collect()
}

fn intervals(
    request: Parcel,
) -> Result<Vec<datafusion_expr::interval_arithmetic::Interval>, CallError> {
    let content = ParcelContent::<BoundsRequest>::read(request)?;
    let bounds = pairs(content.values)?.into_iter();
    bounds
        .map(|(lower, upper)| interval_from_bounds(lower, upper))
        .collect()
}
