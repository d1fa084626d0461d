//! Bound window functions. DataFusion asks for an evaluator per partition; what is the same for
//! all is bound once.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::Result,
    logical_expr::function::PartitionEvaluatorArgs,
    physical_expr::PhysicalExpr,
};
use datafusion_plugin_api::{
    abi::{
        BoundWindowFunctionObject, CallError, PartitionEvaluatorObject,
        message::{ExpressionsRequest, FieldsReply},
    },
    df55::parcel::{ParcelBuilder, ParcelContent},
};

use super::{
    super::{
        arguments::sources,
        origin::Origin,
        recent::{same_expressions, same_fields},
    },
    WindowFunction,
};

/// A window function with its types fixed.
#[derive(Debug)]
pub(crate) struct BoundWindow {
    origin: Origin,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    fields: Vec<FieldRef>,
    reversed: bool,
    ignore_nulls: bool,
    result: FieldRef,
    column_types: Vec<DataType>,
    object: BoundWindowFunctionObject,
}

impl WindowFunction {
    /// The bound function for `args`, made when there is none.
    pub(super) fn bound(&self, args: &PartitionEvaluatorArgs) -> Result<Arc<BoundWindow>> {
        self.bound.find_or(
            |known| {
                known.reversed == args.is_reversed()
                    && known.ignore_nulls == args.ignore_nulls()
                    && same_fields(&known.fields, args.input_fields())
                    && same_expressions(&known.arguments, args.input_exprs())
            },
            || self.origin.call(|| BoundWindow::new(self, args)),
        )
    }
}

impl BoundWindow {
    fn new(function: &WindowFunction, args: &PartitionEvaluatorArgs) -> Result<Self, CallError> {
        let mut request = ParcelBuilder::new().fields(args.input_fields());
        let message = ExpressionsRequest {
            arguments: sources(args.input_exprs(), &mut request)?,
            ignore_nulls: args.ignore_nulls(),
            reversed: args.is_reversed(),
        };
        let object = function.object.bind(request.finish(&message)?)?;
        let fields = ParcelContent::<FieldsReply>::read(object.types()?)?.fields;
        let Some((result, columns)) = fields.split_first() else {
            return Err(CallError::contract("bound without a type of the results"));
        };
        Ok(Self {
            origin: function.origin.clone(),
            arguments: args.input_exprs().to_vec(),
            fields: args.input_fields().to_vec(),
            reversed: args.is_reversed(),
            ignore_nulls: args.ignore_nulls(),
            result: Arc::clone(result),
            column_types: columns
                .iter()
                .map(|field| field.data_type().clone())
                .collect(),
            object,
        })
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn result_type(&self) -> &DataType {
        self.result.data_type()
    }

    pub(crate) fn result(&self) -> &FieldRef {
        &self.result
    }

    /// The types of the columns that evaluators are given.
    pub(crate) fn column_types(&self) -> &[DataType] {
        &self.column_types
    }

    pub(crate) fn evaluator(&self) -> Result<PartitionEvaluatorObject> {
        self.origin.call(|| self.object.partition_evaluator())
    }
}
