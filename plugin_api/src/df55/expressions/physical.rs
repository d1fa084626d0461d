//! Physical expressions over the columns of a scan: what orders, keys and partitionings are of.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion_common::{Result, not_impl_err};
use datafusion_execution::TaskContext;
use datafusion_expr::ScalarUDF;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_proto::{
    physical_plan::{
        PhysicalExtensionCodec, PhysicalProtoConverterExtension, from_proto::parse_physical_expr,
        to_proto::serialize_physical_expr,
    },
    protobuf::PhysicalExprNode,
};
use prost::Message;

use super::{breach, codec::FunctionCodec, decoded};
use crate::{abi::message::FunctionReference, df55::plan_properties::ExpressionWriter};

/// Writes expressions over the columns of a schema.
#[derive(Debug)]
pub struct PhysicalWriter<'a> {
    schema: &'a Schema,
    context: &'a TaskContext,
    codec: FunctionCodec,
    written: Vec<Arc<dyn PhysicalExpr>>,
    blob: Vec<u8>,
}

impl<'a> PhysicalWriter<'a> {
    /// Of expressions over the columns of `schema`.
    pub fn new(schema: &'a Schema, context: &'a TaskContext) -> Self {
        Self {
            schema,
            context,
            codec: FunctionCodec::default(),
            written: Vec::new(),
            blob: Vec::new(),
        }
    }

    /// The functions that are called, and the bytes of the expressions.
    pub fn finish(
        self,
        reference: &dyn Fn(&ScalarUDF) -> FunctionReference,
    ) -> (Vec<FunctionReference>, Vec<u8>) {
        let functions = self.codec.into_functions();
        let functions = functions.iter().map(|function| reference(function));
        (functions.collect(), self.blob)
    }
}

impl ExpressionWriter for PhysicalWriter<'_> {
    /// Only what comes back equal crosses: protobuf loses parts of some expressions.
    fn write(&mut self, expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
        if let Some(known) = self.written.iter().position(|written| written == expr) {
            return Some(known);
        }
        let node = serialize_physical_expr(expr, &self.codec).ok()?;
        let bytes = node.encode_length_delimited_to_vec();
        // From bytes, since reading them has a limit of depth.
        let node = PhysicalExprNode::decode_length_delimited(bytes.as_slice()).ok()?;
        let read = parse_physical_expr(&node, self.context, self.schema, &self.codec).ok()?;
        if &read != expr {
            return None;
        }
        self.blob.extend(bytes);
        self.written.push(read);
        Some(self.written.len() - 1)
    }
}

/// Reads the expressions that [`PhysicalWriter`] wrote, over the columns of `schema`. One that calls
/// a function that `function` does not know is nothing.
///
/// # Errors
/// A breach of the contract.
pub fn physical_expressions(
    mut blob: &[u8],
    functions: &[FunctionReference],
    function: &dyn Fn(&FunctionReference) -> Option<Arc<ScalarUDF>>,
    schema: &Schema,
    context: &TaskContext,
) -> Result<Vec<Option<Arc<dyn PhysicalExpr>>>> {
    let codec = FunctionCodec::reading(functions.iter().map(function).collect());
    let mut exprs = Vec::new();
    while !blob.is_empty() {
        let node = PhysicalExprNode::decode_length_delimited(&mut blob)
            .map_err(|error| breach(format!("a physical expression: {error}")))?;
        exprs.push(decoded(|| parse_physical_expr(&node, context, schema, &codec)).ok());
    }
    Ok(exprs)
}

impl PhysicalExtensionCodec for FunctionCodec {
    fn try_encode_udf(&self, node: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
        self.write(node, buf);
        Ok(())
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        self.read(name, buf)
    }

    fn try_decode(
        &self,
        _buf: &[u8],
        _inputs: &[Arc<dyn ExecutionPlan>],
        _ctx: &TaskContext,
        _converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("plan nodes inside expressions do not cross")
    }

    fn try_encode(
        &self,
        _node: Arc<dyn ExecutionPlan>,
        _buf: &mut Vec<u8>,
        _converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        not_impl_err!("plan nodes inside expressions do not cross")
    }
}
