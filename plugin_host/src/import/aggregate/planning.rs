//! What planning asks of an aggregate function.

use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::{Result, ScalarValue},
    logical_expr::{SetMonotonicity, StatisticsArgs, function::StateFieldsArgs},
    physical_expr::expressions::{Column, Literal},
};
use datafusion_plugin_api::{
    abi::{
        AggregateFunctionObject, CallError,
        message::{
            ArgumentStatistics, FieldsReply, FieldsRequest, MonotonicityReply, Reversal,
            StateFieldsRequest, StatisticsRequest, ValueReply,
        },
    },
    df55::{
        parcel::{ParcelBuilder, ParcelContent},
        properties::monotonicity_from_message,
        statistics::{column_to_message, known},
    },
};

use super::AggregateFunction;

impl AggregateFunction {
    pub(super) fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        self.origin.call(|| {
            let request = ParcelBuilder::new().fields(arg_fields);
            let reply = self.origin.plan(
                &self.object,
                AggregateFunctionObject::return_field,
                request.finish(&FieldsRequest {})?,
            )?;
            ParcelContent::<FieldsReply>::read(reply)?.only_field()
        })
    }

    pub(super) fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.origin.call(|| {
            let request = ParcelBuilder::new().types(arg_types);
            let reply = self.origin.plan(
                &self.object,
                AggregateFunctionObject::coerce_types,
                request.finish(&FieldsRequest {})?,
            )?;
            Ok(ParcelContent::<FieldsReply>::read_signature(reply)?.types())
        })
    }

    pub(super) fn state_fields(&self, args: &StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.origin.call(|| self.ask_state_fields(args))
    }

    pub(super) fn ask_state_fields(
        &self,
        args: &StateFieldsArgs,
    ) -> Result<Vec<FieldRef>, CallError> {
        let request = ParcelBuilder::new()
            .fields(args.input_fields)
            .fields(args.ordering_fields)
            .fields([&args.return_field]);
        let reply = self.origin.plan(
            &self.object,
            AggregateFunctionObject::state_fields,
            request.finish(&StateFieldsRequest {
                name: args.name.to_owned(),
                ordering: args.ordering_fields.len(),
                distinct: args.is_distinct,
            })?,
        )?;
        Ok(ParcelContent::<FieldsReply>::read(reply)?.fields)
    }

    pub(super) fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.origin.call(|| {
            let request = ParcelBuilder::new().types([data_type]);
            let reply = self.origin.plan(
                &self.object,
                AggregateFunctionObject::default_value,
                request.finish(&FieldsRequest {})?,
            )?;
            Ok(ParcelContent::<ValueReply>::read(reply)?.value(0)?.clone())
        })
    }

    pub(super) fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        let ask = || {
            let request = ParcelBuilder::new().types([data_type]);
            let reply = self.origin.plan(
                &self.object,
                AggregateFunctionObject::set_monotonicity,
                request.finish(&FieldsRequest {})?,
            )?;
            reply.message()
        };
        monotonicity_from_message(ask().unwrap_or_else(|error| {
            self.origin.passed_over::<()>(error);
            MonotonicityReply::NotMonotonic
        }))
    }

    /// The function over the reversed input: itself, another, or none.
    pub(super) fn reversal<T>(
        &self,
        derive: impl FnOnce(AggregateFunctionObject) -> Result<T, CallError>,
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

    /// The result as far as statistics give it. Arguments that are neither columns nor literals
    /// have no statistics.
    pub(super) fn value_from_stats(&self, args: &StatisticsArgs) -> Option<ScalarValue> {
        let ask = || {
            let mut request = ParcelBuilder::new().types([args.return_type]);
            let Some(arguments) = arguments(args, &mut request)? else {
                return Ok(None);
            };
            let reply = self.origin.plan(
                &self.object,
                AggregateFunctionObject::value_from_stats,
                request.finish(&StatisticsRequest {
                    rows: known(args.statistics.num_rows),
                    bytes: known(args.statistics.total_byte_size),
                    arguments,
                    distinct: args.is_distinct,
                })?,
            )?;
            let content = ParcelContent::<ValueReply>::read(reply)?;
            content
                .message
                .known
                .then(|| content.value(0).cloned())
                .transpose()
        };
        ask().unwrap_or_else(|error| self.origin.passed_over(error))
    }
}

fn arguments(
    args: &StatisticsArgs,
    request: &mut ParcelBuilder,
) -> Result<Option<Vec<ArgumentStatistics>>, CallError> {
    let columns = &args.statistics.column_statistics;
    let mut arguments = Vec::with_capacity(args.exprs.len());
    for expr in args.exprs {
        if let Some(literal) = expr.downcast_ref::<Literal>() {
            let position = request.value(literal.value())?;
            arguments.push(ArgumentStatistics::Constant(position));
            continue;
        }
        let column = expr.downcast_ref::<Column>().map(Column::index);
        let Some(statistics) = column.and_then(|index| columns.get(index)) else {
            return Ok(None);
        };
        arguments.push(ArgumentStatistics::Column(column_to_message(
            statistics, request,
        )?));
    }
    Ok(Some(arguments))
}
