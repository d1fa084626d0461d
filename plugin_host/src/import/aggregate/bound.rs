//! Bound aggregate functions. DataFusion asks for an accumulator per group and per partition, each
//! time with everything that planning fixed; what is the same is bound once.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::Result,
    logical_expr::function::{AccumulatorArgs, StateFieldsArgs},
    physical_expr::{PhysicalExpr, PhysicalSortExpr},
};
use datafusion_plugin_api::{
    abi::{
        AccumulatorObject, BoundAggregateFunctionObject, CallError, GroupsAccumulatorObject,
        message::{AggregateBindRequest, FieldsReply},
    },
    df55::{
        error::to_call_error,
        parcel::{ParcelBuilder, ParcelContent},
        properties::sort_options_to_message,
    },
};

use super::{
    super::{
        arguments::sources,
        origin::Origin,
        recent::{same_expression, same_expressions, same_fields},
    },
    AggregateFunction,
};

/// An aggregate function with its types fixed.
#[derive(Debug)]
pub(crate) struct BoundAggregate {
    origin: Origin,
    name: String,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    argument_fields: Vec<FieldRef>,
    order_bys: Vec<PhysicalSortExpr>,
    return_field: FieldRef,
    ignore_nulls: bool,
    distinct: bool,
    reversed: bool,
    /// Of the arguments, then of the ordering expressions.
    input_types: Vec<DataType>,
    state_types: Vec<DataType>,
    object: BoundAggregateFunctionObject,
}

impl AggregateFunction {
    /// The types of the state as DataFusion's plan has them.
    fn state_types(
        &self,
        args: &AccumulatorArgs,
        ordering_fields: &[FieldRef],
    ) -> Result<Vec<DataType>, CallError> {
        // Nullable, as DataFusion makes them: a partition may be empty.
        let ordering_fields: Vec<FieldRef> = ordering_fields
            .iter()
            .map(|field| Arc::new(Field::new(field.name(), field.data_type().clone(), true)))
            .collect();
        let fields = self.ask_state_fields(&StateFieldsArgs {
            name: args.name,
            input_fields: args.expr_fields,
            return_field: Arc::clone(&args.return_field),
            ordering_fields: &ordering_fields,
            is_distinct: args.is_distinct,
        })?;
        Ok(fields.iter().map(|f| f.data_type().clone()).collect())
    }

    /// The bound function for `args`, made when there is none.
    pub(super) fn bound(&self, args: &AccumulatorArgs) -> Result<Arc<BoundAggregate>> {
        self.bound.find_or(
            |known| known.fits(args),
            || self.origin.call(|| BoundAggregate::new(self, args)),
        )
    }
}

impl BoundAggregate {
    fn new(function: &AggregateFunction, args: &AccumulatorArgs) -> Result<Self, CallError> {
        let ordering_fields: Vec<FieldRef> = args
            .order_bys
            .iter()
            .map(|order_by| {
                let field = order_by.expr.return_field(args.schema)?;
                let name = order_by.expr.to_string();
                Ok(Arc::new(field.as_ref().clone().with_name(name)))
            })
            .collect::<Result<_>>()
            .map_err(|error| to_call_error(&error))?;
        let mut request = ParcelBuilder::new()
            .fields(args.expr_fields)
            .fields(&ordering_fields)
            .fields([&args.return_field]);
        let position = |order_by: &PhysicalSortExpr| {
            args.exprs
                .iter()
                .position(|argument| same_expression(argument, &order_by.expr))
        };
        let message = AggregateBindRequest {
            name: args.name.to_owned(),
            arguments: sources(args.exprs, &mut request)?,
            ordering: args
                .order_bys
                .iter()
                .map(|order_by| sort_options_to_message(order_by.options))
                .collect(),
            ordering_arguments: args.order_bys.iter().map(position).collect(),
            ignore_nulls: args.ignore_nulls,
            distinct: args.is_distinct,
            reversed: args.is_reversed,
        };
        let object = function.object.bind(request.finish(&message)?)?;
        let promised = ParcelContent::<FieldsReply>::read(object.state_types()?)?.types();
        let state_types = function.state_types(args, &ordering_fields)?;
        let same = |(a, b): (&DataType, &DataType)| a.equals_datatype(b);
        if promised.len() != state_types.len() || !promised.iter().zip(&state_types).all(same) {
            return Err(CallError::contract(format!(
                "bound with a state of types {promised:?}, expected {state_types:?}"
            )));
        }
        let inputs = args.expr_fields.iter().chain(&ordering_fields);
        Ok(Self {
            origin: function.origin.clone(),
            name: args.name.to_owned(),
            arguments: args.exprs.to_vec(),
            argument_fields: args.expr_fields.to_vec(),
            order_bys: args.order_bys.to_vec(),
            return_field: Arc::clone(&args.return_field),
            ignore_nulls: args.ignore_nulls,
            distinct: args.is_distinct,
            reversed: args.is_reversed,
            input_types: inputs.map(|field| field.data_type().clone()).collect(),
            state_types,
            object,
        })
    }

    fn fits(&self, args: &AccumulatorArgs) -> bool {
        self.ignore_nulls == args.ignore_nulls
            && self.distinct == args.is_distinct
            && self.reversed == args.is_reversed
            && self.name == args.name
            && same_fields(
                std::slice::from_ref(&self.return_field),
                std::slice::from_ref(&args.return_field),
            )
            && same_fields(&self.argument_fields, args.expr_fields)
            && same_expressions(&self.arguments, args.exprs)
            && self.same_ordering(args)
    }

    /// Equal ordering expressions may be of different types over another schema.
    fn same_ordering(&self, args: &AccumulatorArgs) -> bool {
        let types = &self.input_types[self.argument_fields.len()..];
        self.order_bys.len() == args.order_bys.len()
            && self.order_bys.iter().zip(args.order_bys).zip(types).all(
                |((known, asked), data_type)| {
                    known.options == asked.options
                        && same_expression(&known.expr, &asked.expr)
                        && asked.expr.data_type(args.schema).ok().as_ref() == Some(data_type)
                },
            )
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn input_types(&self) -> &[DataType] {
        &self.input_types
    }

    pub(crate) fn state_types(&self) -> &[DataType] {
        &self.state_types
    }

    pub(crate) fn return_field(&self) -> &FieldRef {
        &self.return_field
    }

    /// The types of a state that has so many parts.
    ///
    /// # Errors
    /// When that is not how many were promised.
    pub(crate) fn state_types_of(&self, parts: usize) -> Result<&[DataType]> {
        if parts == self.state_types.len() {
            return Ok(&self.state_types);
        }
        Err(self.origin.breach(format!(
            "a state of {parts} parts, expected {}",
            self.state_types.len()
        )))
    }

    pub(super) fn accumulator(&self) -> Result<AccumulatorObject> {
        self.origin.call(|| self.object.accumulator())
    }

    pub(super) fn sliding_accumulator(&self) -> Result<AccumulatorObject> {
        self.origin.call(|| self.object.sliding_accumulator())
    }

    pub(super) fn groups_accumulator(&self) -> Result<GroupsAccumulatorObject> {
        self.origin.call(|| self.object.groups_accumulator())
    }
}
