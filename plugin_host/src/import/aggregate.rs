//! A plugin's aggregate function as an [`AggregateUDFImpl`].

mod bound;
mod planning;

use std::{hash::Hash, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{Result, ScalarValue},
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator,
        Operator, ReversedUDAF, SetMonotonicity, Signature, StatisticsArgs,
        expr::{AggregateFunction as AggregateExpr, AggregateFunctionParams, WindowFunctionParams},
        function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs},
        udaf_default_display_name, udaf_default_human_display, udaf_default_schema_name,
        udaf_default_window_function_display_name, udaf_default_window_function_schema_name,
        utils::AggregateOrderSensitivity,
    },
};
use datafusion_plugin_api::{
    abi::{
        AggregateFunctionObject, CallError,
        message::{ExtremeOrdering, FunctionDescriptor, FunctionReference},
    },
    df55::{
        documentation::documentation_from_message, parcel::ParcelContent,
        properties::order_sensitivity_from_message, signature::signature_from_message,
    },
};

pub(crate) use self::bound::BoundAggregate;
use super::{
    accumulator::PluginAccumulator,
    groups_accumulator::PluginGroupsAccumulator,
    names::named_like,
    origin::{Activated, Origin},
    recent::Recent,
};

/// The part of an aggregate function that does not depend on the name it is installed under.
#[derive(Debug)]
pub(crate) struct AggregateFunction {
    origin: Origin,
    object: Arc<AggregateFunctionObject>,
    descriptor: FunctionDescriptor,
    signature: Signature,
    documentation: Option<Documentation>,
    bound: Recent<BoundAggregate>,
}

impl AggregateFunction {
    /// Takes in a function that the plugin described among its exports; `types` are those of the
    /// description.
    pub(crate) fn import(
        origin: Origin,
        object: AggregateFunctionObject,
        descriptor: FunctionDescriptor,
        types: &[DataType],
    ) -> Result<Self, CallError> {
        Ok(Self {
            signature: signature_from_message(&descriptor.signature, types)?,
            documentation: descriptor
                .documentation
                .as_ref()
                .map(documentation_from_message),
            bound: Recent::default(),
            origin,
            object: Arc::new(object),
            descriptor,
        })
    }

    /// Takes in a function that derives from one already known.
    pub(crate) fn import_derived(
        origin: &Origin,
        object: AggregateFunctionObject,
    ) -> Result<Self, CallError> {
        let content = ParcelContent::<FunctionDescriptor>::read_signature(object.describe()?)?;
        let types = content.types();
        let origin = origin.derived(object.identity()?);
        Self::import(origin, object, content.message, &types)
    }
}

/// An aggregate function under the name it is installed under.
#[derive(Debug, Clone)]
pub(crate) struct PluginAggregateUdf {
    name: String,
    aliases: Vec<String>,
    function: Arc<AggregateFunction>,
}

impl PluginAggregateUdf {
    pub(crate) fn new(
        name: String,
        aliases: Vec<String>,
        function: Arc<AggregateFunction>,
    ) -> Self {
        Self {
            name,
            aliases,
            function,
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.function.origin
    }

    fn derived(&self, object: AggregateFunctionObject) -> Result<Self, CallError> {
        let function = AggregateFunction::import_derived(&self.function.origin, object)?;
        let (from, to) = (&self.function.descriptor.name, &function.descriptor.name);
        Ok(Self {
            name: named_like(&self.name, from, to),
            aliases: if from == to {
                self.aliases.clone()
            } else {
                Vec::new()
            },
            function: Arc::new(function),
        })
    }
}

/// How `plugin` knows `function`, if it is one of that plugin's.
pub(crate) fn reference_of(
    plugin: &Arc<Activated>,
    function: &AggregateUDF,
) -> Option<FunctionReference> {
    let function = &function
        .inner()
        .downcast_ref::<PluginAggregateUdf>()?
        .function;
    Arc::ptr_eq(function.origin.plugin(), plugin).then(|| FunctionReference {
        name: function.descriptor.name.clone(),
        debug: function.descriptor.debug.clone(),
        identity: function.origin.identity(),
        ..FunctionReference::default()
    })
}

impl PartialEq for PluginAggregateUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.function.origin == other.function.origin
    }
}

impl Eq for PluginAggregateUdf {}

impl Hash for PluginAggregateUdf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.function.origin.hash(state);
    }
}

#[warn(clippy::missing_trait_methods)] // A method left out is a property of the function lost.
impl AggregateUDFImpl for PluginAggregateUdf {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        udaf_default_schema_name(self, params)
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        udaf_default_human_display(self, params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        udaf_default_window_function_schema_name(self, params)
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> Result<String> {
        udaf_default_display_name(self, params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String> {
        udaf_default_window_function_display_name(self, params)
    }

    fn signature(&self) -> &Signature {
        &self.function.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let arg_fields: Vec<FieldRef> = arg_types
            .iter()
            .map(|data_type| Arc::new(Field::new("", data_type.clone(), true)))
            .collect();
        Ok(self.return_field(&arg_fields)?.data_type().clone())
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        self.function.return_field(arg_fields)
    }

    fn is_nullable(&self) -> bool {
        self.function.descriptor.nullable
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let bound = self.function.bound(&args)?;
        let object = bound.accumulator()?;
        Ok(Box::new(PluginAccumulator::new(bound, object)?))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.function.state_fields(&args)
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs) -> bool {
        // The plugin makes one of accumulators of one group where the author wrote none.
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let bound = self.function.bound(&args)?;
        let object = bound.groups_accumulator()?;
        Ok(Box::new(PluginGroupsAccumulator::new(bound, object)))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let bound = self.function.bound(&args)?;
        let object = bound.sliding_accumulator()?;
        Ok(Box::new(PluginAccumulator::new(bound, object)?))
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let object = &self.function.object;
        let updated = self.function.origin.call(|| {
            let updated = object.with_beneficial_ordering(beneficial_ordering)?;
            let updated = updated.into_option();
            updated.map(|object| self.derived(object)).transpose()
        })?;
        Ok(updated.map(|udf| Arc::new(udf) as _))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.function.descriptor.order_sensitivity.map_or(
            AggregateOrderSensitivity::HardRequirement,
            order_sensitivity_from_message,
        )
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        None
    }

    fn simplify_expr_op_literal(
        &self,
        _agg_function: &AggregateExpr,
        _arg: &Expr,
        _op: Operator,
        _lit: &Expr,
        _arg_is_left: bool,
    ) -> Result<Option<Expr>> {
        Ok(None)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        let reversed = self.function.reversal(|object| self.derived(object));
        match reversed {
            Ok(None) => ReversedUDAF::Identical,
            Ok(Some(udf)) => ReversedUDAF::Reversed(Arc::new(AggregateUDF::new_from_impl(udf))),
            Err(None) => ReversedUDAF::NotSupported,
            Err(Some(error)) => {
                self.function.origin.passed_over::<()>(error);
                ReversedUDAF::NotSupported
            }
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(arg_types)
    }

    fn is_descending(&self) -> Option<bool> {
        let extreme = self.function.descriptor.extreme?;
        Some(extreme == ExtremeOrdering::Descending)
    }

    fn value_from_stats(&self, statistics_args: &StatisticsArgs) -> Option<ScalarValue> {
        self.function.value_from_stats(statistics_args)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.function.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.function.descriptor.null_handling_clause
    }

    fn supports_within_group_clause(&self) -> bool {
        self.function.descriptor.within_group_clause
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation.as_ref()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.function.set_monotonicity(data_type)
    }
}
