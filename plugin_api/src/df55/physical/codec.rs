//! Protobuf of one node: its children and functions are positions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::Schema;
use datafusion_common::{Result, not_impl_err, plan_err};
use datafusion_execution::TaskContext;
use datafusion_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_proto::{
    physical_plan::{
        PhysicalExtensionCodec, PhysicalPlanDecodeContext, PhysicalProtoConverterExtension,
        to_proto::serialize_physical_expr_with_converter,
    },
    protobuf::{
        PhysicalExprNode, PhysicalExtensionNode, PhysicalPlanNode,
        physical_plan_node::PhysicalPlanType,
    },
};

/// The functions of a plan, by kind.
#[derive(Debug, Default)]
pub(super) struct FunctionLists {
    pub(super) scalars: Vec<Arc<ScalarUDF>>,
    pub(super) aggregates: Vec<Arc<AggregateUDF>>,
    pub(super) windows: Vec<Arc<WindowUDF>>,
}

/// Writes functions as their positions in lists, and reads them from there.
#[derive(Debug, Default)]
pub(super) struct NodeCodec(Mutex<FunctionLists>);

impl NodeCodec {
    pub(super) fn reading(functions: FunctionLists) -> Self {
        Self(Mutex::new(functions))
    }

    pub(super) fn into_functions(self) -> FunctionLists {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn lists(&self) -> MutexGuard<'_, FunctionLists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write<T: PartialEq + Clone>(list: &mut Vec<Arc<T>>, function: &T, buf: &mut Vec<u8>) {
    let known = list.iter().position(|known| known.as_ref() == function);
    let position = known.unwrap_or_else(|| {
        list.push(Arc::new(function.clone()));
        list.len() - 1
    });
    buf.extend_from_slice(position.to_string().as_bytes());
}

fn position(buf: &[u8]) -> Option<usize> {
    std::str::from_utf8(buf).ok()?.parse().ok()
}

fn read<T>(list: &[Arc<T>], name: &str, buf: &[u8]) -> Result<Arc<T>> {
    match position(buf).and_then(|position| list.get(position)) {
        Some(function) => Ok(Arc::clone(function)),
        None => plan_err!("function '{name}' of a plan is not in its list"),
    }
}

impl PhysicalExtensionCodec for NodeCodec {
    fn try_encode_udf(&self, node: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
        write(&mut self.lists().scalars, node, buf);
        Ok(())
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        read(&self.lists().scalars, name, buf)
    }

    fn try_encode_udaf(&self, node: &AggregateUDF, buf: &mut Vec<u8>) -> Result<()> {
        write(&mut self.lists().aggregates, node, buf);
        Ok(())
    }

    fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> Result<Arc<AggregateUDF>> {
        read(&self.lists().aggregates, name, buf)
    }

    fn try_encode_udwf(&self, node: &WindowUDF, buf: &mut Vec<u8>) -> Result<()> {
        write(&mut self.lists().windows, node, buf);
        Ok(())
    }

    fn try_decode_udwf(&self, name: &str, buf: &[u8]) -> Result<Arc<WindowUDF>> {
        read(&self.lists().windows, name, buf)
    }

    fn try_decode(
        &self,
        _: &[u8],
        _: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("a node that is no child of another")
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        _: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        not_impl_err!("'{}' has no protobuf", node.name())
    }
}

/// Has a node's children as extension nodes of their positions.
pub(super) struct Positions<'a>(pub(super) &'a [Arc<dyn ExecutionPlan>]);

impl PhysicalProtoConverterExtension for Positions<'_> {
    fn proto_to_execution_plan(
        &self,
        proto: &PhysicalPlanNode,
        _: &PhysicalPlanDecodeContext<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let child = match &proto.physical_plan_type {
            Some(PhysicalPlanType::Extension(extension)) => {
                position(&extension.node).and_then(|position| self.0.get(position))
            }
            _ => None,
        };
        match child {
            Some(child) => Ok(Arc::clone(child)),
            None => plan_err!("a child that is not in the node's list"),
        }
    }

    fn execution_plan_to_proto(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        _: &dyn PhysicalExtensionCodec,
    ) -> Result<PhysicalPlanNode> {
        let mut children = self.0.iter();
        let Some(position) = children.position(|child| Arc::ptr_eq(child, plan)) else {
            return plan_err!("'{}' is written with a plan that is no child", plan.name());
        };
        Ok(PhysicalPlanNode {
            physical_plan_type: Some(PhysicalPlanType::Extension(PhysicalExtensionNode {
                node: position.to_string().into_bytes(),
                inputs: Vec::new(),
            })),
        })
    }

    fn proto_to_physical_expr(
        &self,
        proto: &PhysicalExprNode,
        schema: &Schema,
        context: &PhysicalPlanDecodeContext<'_>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        self.default_proto_to_physical_expr(proto, schema, context)
    }

    fn physical_expr_to_proto(
        &self,
        expr: &Arc<dyn PhysicalExpr>,
        codec: &dyn PhysicalExtensionCodec,
    ) -> Result<PhysicalExprNode> {
        serialize_physical_expr_with_converter(expr, codec, self)
    }
}
