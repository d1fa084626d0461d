//! An aggregate function with its types fixed.

use std::sync::Arc;

use arrow::{
    compute::SortOptions,
    datatypes::{DataType, Field, FieldRef, Schema},
};
use datafusion_common::Result as DfResult;
use datafusion_expr::{
    Accumulator, AggregateUDF,
    function::{AccumulatorArgs, StateFieldsArgs},
};
use datafusion_physical_expr::{GroupsAccumulatorAdapter, PhysicalExpr, PhysicalSortExpr};

use super::{
    super::{
        accumulator::AccumulatorExport,
        arguments::{column, physical_arguments},
        groups_accumulator::GroupsAccumulatorExport,
    },
    contained::Contained,
};
use crate::{
    abi::{
        AccumulatorObject, BoundAggregateFunction, CallError, GroupsAccumulatorObject, Parcel,
        message::{AggregateBindRequest, FieldsReply},
    },
    df55::{
        error::to_call_error,
        parcel::{ParcelBuilder, ParcelContent},
        properties::sort_options_from_message,
    },
};

/// Everything that an accumulator is made with.
pub(in crate::sdk) struct BoundCall {
    udf: Arc<AggregateUDF>,
    request: AggregateBindRequest,
    /// Argument fields, then ordering fields.
    schema: Schema,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    argument_fields: Vec<FieldRef>,
    order_bys: Vec<PhysicalSortExpr>,
    return_field: FieldRef,
    input_types: Vec<DataType>,
    state_types: Vec<DataType>,
}

impl BoundCall {
    pub(super) fn new(
        udf: Arc<AggregateUDF>,
        content: ParcelContent<AggregateBindRequest>,
    ) -> Result<Self, CallError> {
        let request = content.message;
        let mut fields = content.fields;
        let return_field = fields
            .pop()
            .ok_or_else(|| CallError::contract("an aggregate bound without a return field"))?;
        let count = request.arguments.len();
        if fields.len() != count + request.ordering.len()
            || request.ordering_arguments.len() != request.ordering.len()
        {
            return Err(CallError::contract(format!(
                "{} fields for {count} arguments and {} ordering expressions",
                fields.len(),
                request.ordering.len()
            )));
        }
        let (argument_fields, ordering_fields) = fields.split_at(count);
        let arguments = physical_arguments(argument_fields, &request.arguments, &content.values)?;
        let mut order_bys = Vec::with_capacity(ordering_fields.len());
        let orderings = request.ordering.iter().zip(&request.ordering_arguments);
        for (i, (direction, repeated)) in orderings.enumerate() {
            let expr = match repeated {
                None => column(&ordering_fields[i], count + i),
                // The very same expression: authors ask whether the input comes in the order of
                // an argument.
                Some(argument) => arguments.get(*argument).map(Arc::clone).ok_or_else(|| {
                    CallError::contract(format!("an ordering by argument {argument} of {count}"))
                })?,
            };
            let options: SortOptions = sort_options_from_message(*direction);
            order_bys.push(PhysicalSortExpr::new(expr, options));
        }
        // Authors name these fields after their expressions, as DataFusion does.
        let named_ordering_fields: Vec<FieldRef> = order_bys
            .iter()
            .zip(ordering_fields)
            .map(|(order_by, field)| {
                let name = order_by.expr.to_string();
                Arc::new(Field::new(name, field.data_type().clone(), true))
            })
            .collect();
        let state_types = udf
            .state_fields(StateFieldsArgs {
                name: &request.name,
                input_fields: argument_fields,
                return_field: Arc::clone(&return_field),
                ordering_fields: &named_ordering_fields,
                is_distinct: request.distinct,
            })
            .map_err(|error| to_call_error(&error))?
            .iter()
            .map(|field| field.data_type().clone())
            .collect();
        Ok(Self {
            arguments,
            argument_fields: argument_fields.to_vec(),
            order_bys,
            return_field,
            input_types: fields.iter().map(|f| f.data_type().clone()).collect(),
            state_types,
            schema: Schema::new(fields),
            udf,
            request,
        })
    }

    pub(in crate::sdk) fn item(&self) -> &str {
        self.udf.name()
    }

    pub(in crate::sdk) fn input_types(&self) -> &[DataType] {
        &self.input_types
    }

    pub(in crate::sdk) fn return_type(&self) -> &DataType {
        self.return_field.data_type()
    }

    pub(in crate::sdk) fn state_types(&self) -> &[DataType] {
        &self.state_types
    }

    /// The types of a state that has so many parts.
    pub(in crate::sdk) fn state_types_of(&self, parts: usize) -> Result<&[DataType], CallError> {
        if parts == self.state_types.len() {
            return Ok(&self.state_types);
        }
        Err(CallError::broken_promise(format!(
            "returned a state of {parts} parts, but its state fields promised {}",
            self.state_types.len()
        )))
    }

    fn args(&self) -> AccumulatorArgs<'_> {
        AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.request.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.request.reversed,
            name: &self.request.name,
            is_distinct: self.request.distinct,
            exprs: &self.arguments,
            expr_fields: &self.argument_fields,
        }
    }

    fn accumulator(&self) -> DfResult<Box<dyn Accumulator>> {
        self.udf.accumulator(self.args())
    }
}

pub(super) struct Bound(Arc<BoundCall>);

impl Bound {
    pub(super) fn new(call: BoundCall) -> Self {
        Self(Arc::new(call))
    }
}

impl BoundAggregateFunction for Bound {
    fn item(&self) -> &str {
        self.0.item()
    }

    fn state_types(&self) -> Result<Parcel, CallError> {
        ParcelBuilder::new()
            .types(self.0.state_types())
            .finish(&FieldsReply {})
    }

    fn accumulator(&self) -> Result<AccumulatorObject, CallError> {
        let accumulator = self
            .0
            .accumulator()
            .map_err(|error| to_call_error(&error))?;
        let export = AccumulatorExport::new(Arc::clone(&self.0), accumulator);
        Ok(AccumulatorObject::new(export))
    }

    fn sliding_accumulator(&self) -> Result<AccumulatorObject, CallError> {
        let accumulator = self
            .0
            .udf
            .create_sliding_accumulator(self.0.args())
            .map_err(|error| to_call_error(&error))?;
        let export = AccumulatorExport::new(Arc::clone(&self.0), accumulator);
        Ok(AccumulatorObject::new(export))
    }

    fn groups_accumulator(&self) -> Result<GroupsAccumulatorObject, CallError> {
        let accumulator = if self.0.udf.groups_accumulator_supported(self.0.args()) {
            self.0
                .udf
                .create_groups_accumulator(self.0.args())
                .map_err(|error| to_call_error(&error))?
        } else {
            let call = Arc::clone(&self.0);
            Box::new(GroupsAccumulatorAdapter::new(move || {
                Ok(Box::new(Contained::new(&call, call.accumulator()?)))
            }))
        };
        let export = GroupsAccumulatorExport::new(Arc::clone(&self.0), accumulator);
        Ok(GroupsAccumulatorObject::new(export))
    }
}
