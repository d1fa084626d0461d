//! A window function with its types fixed.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use datafusion_expr::{
    WindowUDF,
    function::{PartitionEvaluatorArgs, WindowUDFFieldArgs},
};
use datafusion_physical_expr::PhysicalExpr;

use super::{
    super::partition_evaluator::{EvaluatorTypes, PartitionEvaluatorExport},
    Wanted, arguments, wanted,
};
use crate::{
    abi::{
        BoundWindowFunction, CallError, Parcel, PartitionEvaluatorObject,
        message::{ExpressionsRequest, FieldsReply},
    },
    df55::{
        error::to_call_error,
        parcel::{ParcelBuilder, ParcelContent},
    },
};

pub(super) struct Bound {
    udf: Arc<WindowUDF>,
    fields: Vec<FieldRef>,
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    reversed: bool,
    ignore_nulls: bool,
    types: Arc<EvaluatorTypes>,
    nullable: bool,
}

impl Bound {
    pub(super) fn new(
        udf: Arc<WindowUDF>,
        content: ParcelContent<ExpressionsRequest>,
    ) -> Result<Self, CallError> {
        let arguments = arguments(&content)?;
        let columns = wanted(&udf, &content, &arguments)?
            .into_iter()
            .map(|wanted| match wanted {
                Wanted::Argument(position) => content.fields[position].data_type().clone(),
                Wanted::Constant(value) => value.data_type(),
            })
            .collect();
        let field = udf
            .field(WindowUDFFieldArgs::new(&content.fields, udf.name()))
            .map_err(|error| to_call_error(&error))?;
        Ok(Self {
            types: Arc::new(EvaluatorTypes {
                item: udf.name().to_owned(),
                columns,
                result: field.data_type().clone(),
            }),
            nullable: field.is_nullable(),
            udf,
            fields: content.fields,
            arguments,
            reversed: content.message.reversed,
            ignore_nulls: content.message.ignore_nulls,
        })
    }
}

impl BoundWindowFunction for Bound {
    fn item(&self) -> &str {
        &self.types.item
    }

    fn types(&self) -> Result<Parcel, CallError> {
        let result = Field::new("", self.types.result.clone(), self.nullable);
        ParcelBuilder::new()
            .fields([&result.into()])
            .types(&self.types.columns)
            .finish(&FieldsReply {})
    }

    fn partition_evaluator(&self) -> Result<PartitionEvaluatorObject, CallError> {
        let evaluator = self
            .udf
            .partition_evaluator_factory(PartitionEvaluatorArgs::new(
                &self.arguments,
                &self.fields,
                self.reversed,
                self.ignore_nulls,
            ))
            .map_err(|error| to_call_error(&error))?;
        let export = PartitionEvaluatorExport::new(Arc::clone(&self.types), evaluator);
        Ok(PartitionEvaluatorObject::new(export))
    }
}
