//! An author's aggregate function behind the contract.

mod bound;
mod contained;
mod statistics;

use std::sync::Arc;

use abi_stable::std_types::ROption;
use datafusion_expr::{AggregateUDF, ReversedUDAF, function::StateFieldsArgs};

pub(super) use self::bound::BoundCall;
use super::interned::Interned;
use crate::{
    abi::{
        AggregateFunction, AggregateFunctionObject, BoundAggregateFunctionObject, CallError,
        Parcel,
        message::{
            AggregateBindRequest, ExtremeOrdering, FieldsReply, FieldsRequest, FunctionDescriptor,
            FunctionKind, Reversal, StateFieldsRequest, StatisticsRequest, ValueReply,
        },
    },
    df55::{
        documentation::documentation_to_message,
        error::df,
        parcel::{ParcelBuilder, ParcelContent},
        properties::{monotonicity_to_message, order_sensitivity_to_message},
        signature::signature_to_message,
        types::TypeList,
    },
};

/// The aggregate functions of an activated plugin.
pub(super) type AggregateFunctions = Interned<AggregateUDF>;

/// An aggregate function of the plugin.
pub(super) struct AggregateExport {
    udf: Arc<AggregateUDF>,
    functions: Arc<AggregateFunctions>,
}

impl AggregateExport {
    pub(super) fn object(
        udf: Arc<AggregateUDF>,
        functions: &Arc<AggregateFunctions>,
    ) -> AggregateFunctionObject {
        AggregateFunctionObject::new(Self {
            udf,
            functions: Arc::clone(functions),
        })
    }
}

/// Describes an aggregate function; the types of its signature are added to `types`.
pub(super) fn descriptor(
    udf: &AggregateUDF,
    types: &mut TypeList,
) -> Result<FunctionDescriptor, CallError> {
    Ok(FunctionDescriptor {
        aliases: udf.aliases().to_vec(),
        documentation: udf.documentation().map(documentation_to_message),
        debug: format!("{:?}", udf.inner()),
        nullable: udf.is_nullable(),
        order_sensitivity: Some(order_sensitivity_to_message(udf.order_sensitivity())),
        null_handling_clause: udf.supports_null_handling_clause(),
        within_group_clause: udf.supports_within_group_clause(),
        extreme: udf.is_descending().map(|descending| match descending {
            true => ExtremeOrdering::Descending,
            false => ExtremeOrdering::Ascending,
        }),
        ..FunctionDescriptor::new(
            udf.name(),
            FunctionKind::Aggregate,
            signature_to_message(udf.signature(), types)?,
        )
    })
}

impl AggregateFunction for AggregateExport {
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

    fn return_field(&self, request: Parcel) -> Result<Parcel, CallError> {
        let fields = ParcelContent::<FieldsRequest>::read(request)?.fields;
        let field = df(self.udf.return_field(&fields))?;
        ParcelBuilder::new()
            .fields([&field])
            .finish(&FieldsReply {})
    }

    fn coerce_types(&self, request: Parcel) -> Result<Parcel, CallError> {
        let types = ParcelContent::<FieldsRequest>::read(request)?.types();
        let coerced = df(self.udf.coerce_types(&types))?;
        ParcelBuilder::new().types(&coerced).finish(&FieldsReply {})
    }

    fn state_fields(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<StateFieldsRequest>::read(request)?;
        let mut input_fields = content.fields;
        let return_field = input_fields
            .pop()
            .ok_or_else(|| CallError::contract("state fields without a return field"))?;
        let inputs = input_fields
            .len()
            .checked_sub(content.message.ordering)
            .ok_or_else(|| CallError::contract("more ordering fields than fields"))?;
        let ordering_fields = input_fields.split_off(inputs);
        let fields = df(self.udf.state_fields(StateFieldsArgs {
            name: &content.message.name,
            input_fields: &input_fields,
            return_field,
            ordering_fields: &ordering_fields,
            is_distinct: content.message.distinct,
        }))?;
        ParcelBuilder::new().fields(&fields).finish(&FieldsReply {})
    }

    fn default_value(&self, request: Parcel) -> Result<Parcel, CallError> {
        let field = ParcelContent::<FieldsRequest>::read(request)?.only_field()?;
        let value = df(self.udf.default_value(field.data_type()))?;
        let mut reply = ParcelBuilder::new();
        reply.value(&value)?;
        reply.finish(&ValueReply { known: true })
    }

    fn set_monotonicity(&self, request: Parcel) -> Result<Parcel, CallError> {
        let field = ParcelContent::<FieldsRequest>::read(request)?.only_field()?;
        let monotonicity = self.udf.inner().set_monotonicity(field.data_type());
        Parcel::of(&monotonicity_to_message(monotonicity))
    }

    fn value_from_stats(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<StatisticsRequest>::read(request)?;
        let value = statistics::value_from(&self.udf, &content)?;
        let mut reply = ParcelBuilder::new();
        if let Some(value) = &value {
            reply.value(value)?;
        }
        reply.finish(&ValueReply {
            known: value.is_some(),
        })
    }

    fn with_beneficial_ordering(
        &self,
        beneficial: bool,
    ) -> Result<ROption<AggregateFunctionObject>, CallError> {
        let udf = self.udf.as_ref().clone();
        let updated = df(udf.with_beneficial_ordering(beneficial))?;
        Ok(updated
            .map(|udf| Self::object(Arc::new(udf), &self.functions))
            .into())
    }

    fn reversal(&self) -> Result<Parcel, CallError> {
        Parcel::of(&match self.udf.reverse_udf() {
            ReversedUDAF::Identical => Reversal::Identical,
            ReversedUDAF::NotSupported => Reversal::NotSupported,
            ReversedUDAF::Reversed(_) => Reversal::Reversed,
        })
    }

    fn reversed(&self) -> Result<AggregateFunctionObject, CallError> {
        match self.udf.reverse_udf() {
            ReversedUDAF::Reversed(udf) => Ok(Self::object(udf, &self.functions)),
            _ => Err(CallError::contract(
                "the function has no other as its reverse",
            )),
        }
    }

    fn bind(&self, request: Parcel) -> Result<BoundAggregateFunctionObject, CallError> {
        let content = ParcelContent::<AggregateBindRequest>::read(request)?;
        let call = BoundCall::new(Arc::clone(&self.udf), content)?;
        Ok(BoundAggregateFunctionObject::new(bound::Bound::new(call)))
    }
}
