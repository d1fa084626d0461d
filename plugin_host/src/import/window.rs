//! A plugin's window function as a [`WindowUDFImpl`].

mod bound;
mod planning;

use std::{hash::Hash, sync::Arc};

use datafusion::{
    arrow::{
        compute::SortOptions,
        datatypes::{DataType, FieldRef},
    },
    common::Result,
    logical_expr::{
        Documentation, LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF,
        WindowUDFImpl,
        function::{
            ExpressionArgs, PartitionEvaluatorArgs, WindowFunctionSimplification,
            WindowUDFFieldArgs,
        },
    },
    physical_expr::PhysicalExpr,
};
use datafusion_plugin_api::{
    abi::{
        CallError, WindowFunctionObject,
        message::{FunctionDescriptor, FunctionReference},
    },
    df55::{
        documentation::documentation_from_message, parcel::ParcelContent,
        properties::sort_options_from_message, signature::signature_from_message,
    },
};

pub(crate) use self::bound::BoundWindow;
use self::planning::{Expressions, NamedField};
use super::{
    names::named_like,
    origin::{Activated, Origin},
    partition_evaluator::PluginPartitionEvaluator,
    recent::Recent,
};

/// The part of a window function that does not depend on the name it is installed under.
#[derive(Debug)]
pub(crate) struct WindowFunction {
    origin: Origin,
    object: Arc<WindowFunctionObject>,
    descriptor: FunctionDescriptor,
    signature: Signature,
    documentation: Option<Documentation>,
    bound: Recent<BoundWindow>,
    // DataFusion asks for these two again for every batch.
    expressions: Recent<Expressions>,
    fields: Recent<NamedField>,
}

impl WindowFunction {
    /// Takes in a function that the plugin described among its exports; `types` are those of the
    /// description.
    pub(crate) fn import(
        origin: Origin,
        object: WindowFunctionObject,
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
            expressions: Recent::default(),
            fields: Recent::default(),
            origin,
            object: Arc::new(object),
            descriptor,
        })
    }

    /// Takes in a function that derives from one already known.
    pub(crate) fn import_derived(
        origin: &Origin,
        object: WindowFunctionObject,
    ) -> Result<Self, CallError> {
        let content = ParcelContent::<FunctionDescriptor>::read_signature(object.describe()?)?;
        let types = content.types();
        let origin = origin.derived(object.identity()?);
        Self::import(origin, object, content.message, &types)
    }
}

/// A window function under the name it is installed under.
#[derive(Debug, Clone)]
pub(crate) struct PluginWindowUdf {
    name: String,
    aliases: Vec<String>,
    function: Arc<WindowFunction>,
}

impl PluginWindowUdf {
    pub(crate) fn new(name: String, aliases: Vec<String>, function: Arc<WindowFunction>) -> Self {
        Self {
            name,
            aliases,
            function,
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.function.origin
    }

    fn derived(&self, object: WindowFunctionObject) -> Result<Self, CallError> {
        let function = WindowFunction::import_derived(&self.function.origin, object)?;
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
    function: &WindowUDF,
) -> Option<FunctionReference> {
    let function = &function.inner().downcast_ref::<PluginWindowUdf>()?.function;
    Arc::ptr_eq(function.origin.plugin(), plugin).then(|| FunctionReference {
        name: function.descriptor.name.clone(),
        debug: function.descriptor.debug.clone(),
        identity: function.origin.identity(),
        ..FunctionReference::default()
    })
}

impl PartialEq for PluginWindowUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.function.origin == other.function.origin
    }
}

impl Eq for PluginWindowUdf {}

impl Hash for PluginWindowUdf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.function.origin.hash(state);
    }
}

#[warn(clippy::missing_trait_methods)] // A method left out is a property of the function lost.
impl WindowUDFImpl for PluginWindowUdf {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.function.signature
    }

    fn expressions(&self, expr_args: ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        self.function.expressions(&expr_args)
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let bound = self.function.bound(&args)?;
        Ok(Box::new(PluginPartitionEvaluator::new(bound)?))
    }

    fn simplify(&self) -> Option<WindowFunctionSimplification> {
        None
    }

    fn field(&self, field_args: WindowUDFFieldArgs) -> Result<FieldRef> {
        self.function.field(&field_args)
    }

    fn sort_options(&self) -> Option<SortOptions> {
        let direction = self.function.descriptor.sort_options?;
        Some(sort_options_from_message(direction))
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(arg_types)
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.function.reversal(|object| self.derived(object)) {
            Ok(None) => ReversedUDWF::Identical,
            Ok(Some(udf)) => ReversedUDWF::Reversed(Arc::new(WindowUDF::new_from_impl(udf))),
            Err(None) => ReversedUDWF::NotSupported,
            Err(Some(error)) => {
                self.function.origin.passed_over::<()>(error);
                ReversedUDWF::NotSupported
            }
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation.as_ref()
    }

    fn limit_effect(&self, args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.function.limit_effect(args)
    }
}
