//! A plugin's scalar function as a [`ScalarUDFImpl`].

pub(crate) mod bound;
mod planning;
mod rewriting;

pub(crate) use rewriting::{builtins, reference_of};

use std::{hash::Hash, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{Result, ScalarValue, config::ConfigOptions},
    logical_expr::{
        ColumnarValue, Documentation, Expr, ExpressionPlacement, ReturnFieldArgs,
        ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, StructFieldMapping,
        interval_arithmetic::Interval,
        preimage::PreimageResult,
        simplify::{ExprSimplifyResult, SimplifyContext},
        sort_properties::{ExprProperties, SortProperties},
    },
};
use datafusion_plugin_api::{
    abi::{CallError, ScalarFunctionObject, message::FunctionDescriptor},
    df55::{
        documentation::documentation_from_message, parcel::ParcelContent,
        signature::signature_from_message,
    },
};

use self::bound::BoundCalls;
use super::origin::Origin;

/// The part of a scalar function that does not depend on the name it is installed under.
#[derive(Debug)]
pub(crate) struct ScalarFunction {
    pub(crate) origin: Origin,
    pub(crate) object: Arc<ScalarFunctionObject>,
    pub(crate) descriptor: FunctionDescriptor,
    pub(crate) signature: Signature,
    pub(crate) documentation: Option<Documentation>,
    pub(crate) calls: BoundCalls,
    /// Whether `CREATE FUNCTION` made it: sessions have it under its own name.
    pub(crate) created: bool,
}

impl ScalarFunction {
    /// Takes in a function that the plugin described among its exports; `types` are those of the
    /// description.
    pub(crate) fn import(
        origin: Origin,
        object: ScalarFunctionObject,
        descriptor: FunctionDescriptor,
        types: &[DataType],
    ) -> Result<Self, CallError> {
        Ok(Self {
            signature: signature_from_message(&descriptor.signature, types)?,
            documentation: descriptor
                .documentation
                .as_ref()
                .map(documentation_from_message),
            calls: BoundCalls::default(),
            created: false,
            origin,
            object: Arc::new(object),
            descriptor,
        })
    }

    /// Takes in a function that derives from one already known.
    pub(crate) fn import_derived(
        origin: &Origin,
        object: ScalarFunctionObject,
    ) -> Result<Self, CallError> {
        let content = ParcelContent::<FunctionDescriptor>::read_signature(object.describe()?)?;
        let types = content.types();
        let origin = origin.derived(object.identity()?);
        Self::import(origin, object, content.message, &types)
    }

    /// The name under which sessions have it. Who has a bare name differs from session to session,
    /// so an export's is the qualified one.
    pub(crate) fn name_in_sessions(&self) -> String {
        let name = &self.descriptor.name;
        match self.created {
            true => name.clone(),
            false => format!("{}.{name}", self.origin.plugin().name()),
        }
    }
}

/// A scalar function under the name it is installed under.
#[derive(Debug, Clone)]
pub(crate) struct PluginScalarUdf {
    name: String,
    aliases: Vec<String>,
    function: Arc<ScalarFunction>,
}

impl PluginScalarUdf {
    pub(crate) fn new(name: String, aliases: Vec<String>, function: Arc<ScalarFunction>) -> Self {
        Self {
            name,
            aliases,
            function,
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.function.origin
    }

    pub(crate) fn function(&self) -> &Arc<ScalarFunction> {
        &self.function
    }
}

impl PartialEq for PluginScalarUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.function.origin == other.function.origin
    }
}

impl Eq for PluginScalarUdf {}

impl Hash for PluginScalarUdf {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.function.origin.hash(state);
    }
}

// Left out: the deprecated methods, and the names of columns, which take expressions.
impl ScalarUDFImpl for PluginScalarUdf {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.function.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let arg_fields: Vec<FieldRef> = arg_types
            .iter()
            .map(|data_type| Arc::new(Field::new("", data_type.clone(), true)))
            .collect();
        let field = self
            .function
            .return_field(&arg_fields, &vec![None; arg_fields.len()])?;
        Ok(field.data_type().clone())
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let function = self.function.with_updated_config(config)?;
        let renamed = Self {
            function: Arc::new(function),
            ..self.clone()
        };
        Some(ScalarUDF::new_from_impl(renamed))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.function
            .return_field(args.arg_fields, args.scalar_arguments)
    }

    fn is_strict(&self) -> bool {
        self.function.descriptor.strict
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let origin = &self.function.origin;
        origin.on_batch(args.number_rows, || self.function.invoke(args))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.rewrite(args, info)
    }

    fn preimage(
        &self,
        args: &[Expr],
        lit: &Expr,
        info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        self.preimage_of(args, lit, info)
    }

    fn short_circuits(&self) -> bool {
        self.function.descriptor.short_circuits
    }

    fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.function.conditional_arguments(args)
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.function.evaluate_bounds(input)
    }

    fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        self.function.propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.function.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.function.preserves_lex_ordering(inputs)
    }

    fn strictly_order_preserving(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.function.strictly_order_preserving(inputs)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(arg_types)
    }

    fn struct_field_mapping(&self, literals: &[Option<ScalarValue>]) -> Option<StructFieldMapping> {
        self.function.struct_field_mapping(literals)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation.as_ref()
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.function.placement(args)
    }
}
