//! An aggregate function of the host.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, not_impl_err};
use datafusion_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, WindowFunctionDefinition,
    expr::{AggregateFunction, AggregateFunctionParams, WindowFunction, WindowFunctionParams},
    function::{AccumulatorArgs, StateFieldsArgs},
    utils::AggregateOrderSensitivity,
};

use super::{Described, Foreign, identified};
use crate::{
    abi::message::{CallName, ExtremeOrdering, FunctionKind, PlanQuestion},
    df55::properties::order_sensitivity_from_message,
};

/// Knows what planning asks; the host runs it.
#[derive(Clone)]
pub(in crate::df55::plans) struct ForeignAggregate {
    pub(in crate::df55::plans) foreign: Foreign,
    pub(in crate::df55::plans) described: Described,
}

identified!(ForeignAggregate);

impl ForeignAggregate {
    fn call_name(&self, name: CallName, params: &AggregateFunctionParams) -> Result<String> {
        let func = Arc::new(AggregateUDF::from(self.clone()));
        let params = params.clone();
        let call = Expr::AggregateFunction(AggregateFunction { func, params });
        self.foreign.name(name, &call)
    }

    fn window_name(&self, name: CallName, params: &WindowFunctionParams) -> Result<String> {
        let func = Arc::new(AggregateUDF::from(self.clone()));
        let call = Expr::from(WindowFunction {
            fun: WindowFunctionDefinition::AggregateUDF(func),
            params: params.clone(),
        });
        self.foreign.name(name, &call)
    }
}

impl AggregateUDFImpl for ForeignAggregate {
    fn name(&self) -> &str {
        &self.described.descriptor.name
    }

    fn aliases(&self) -> &[String] {
        &self.described.descriptor.aliases
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.call_name(CallName::Schema, params)
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.call_name(CallName::Human, params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.window_name(CallName::Schema, params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.call_name(CallName::Display, params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.window_name(CallName::Display, params)
    }

    fn signature(&self) -> &Signature {
        &self.described.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let fields: Vec<FieldRef> = types
            .iter()
            .map(|data_type| Arc::new(Field::new("", data_type.clone(), true)))
            .collect();
        Ok(self.return_field(&fields)?.data_type().clone())
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        let function = self.foreign.number;
        let question = PlanQuestion::AggregateField { function };
        self.foreign.field(arguments, &question)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let question = PlanQuestion::StateFields {
            function: self.foreign.number,
            name: args.name.to_owned(),
            arguments: args.input_fields.len(),
            distinct: args.is_distinct,
        };
        let fields = args.input_fields.iter();
        let fields = fields
            .chain([&args.return_field])
            .chain(args.ordering_fields);
        self.foreign.fields(fields, &question)
    }

    fn is_nullable(&self) -> bool {
        self.described.descriptor.nullable
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        not_impl_err!(
            "'{}' is a function of the host: it can be planned here, not run",
            self.name()
        )
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.foreign.coerced(FunctionKind::Aggregate, types)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.described.descriptor.order_sensitivity.map_or(
            AggregateOrderSensitivity::HardRequirement,
            order_sensitivity_from_message,
        )
    }

    fn is_descending(&self) -> Option<bool> {
        let extreme = self.described.descriptor.extreme?;
        Some(extreme == ExtremeOrdering::Descending)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.described.descriptor.null_handling_clause
    }

    fn supports_within_group_clause(&self) -> bool {
        self.described.descriptor.within_group_clause
    }
}
