//! Functions inside protobuf expressions: positions in a list that travels beside them.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use datafusion_common::{Result, TableReference, not_impl_err, plan_err};
use datafusion_execution::TaskContext;
use datafusion_expr::{Extension, LogicalPlan, ScalarUDF};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_session::TableProvider;

/// Writes a scalar function as its position in a list, and reads it from there. It has no other
/// extensions, and no functions of other kinds.
#[derive(Debug, Default)]
pub(super) struct FunctionCodec(Mutex<Vec<Option<Arc<ScalarUDF>>>>);

impl FunctionCodec {
    /// Reads positions in `functions`; nothing stands for a function that is not known here.
    pub(super) fn reading(functions: Vec<Option<Arc<ScalarUDF>>>) -> Self {
        Self(Mutex::new(functions))
    }

    /// The functions written, in order.
    pub(super) fn into_functions(self) -> Vec<Arc<ScalarUDF>> {
        let functions = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        functions.into_iter().flatten().collect()
    }

    pub(super) fn write(&self, function: &ScalarUDF, buf: &mut Vec<u8>) {
        let mut functions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = functions
            .iter()
            .position(|known| known.as_deref() == Some(function))
            .unwrap_or_else(|| {
                functions.push(Some(Arc::new(function.clone())));
                functions.len() - 1
            });
        buf.extend_from_slice(position.to_string().as_bytes());
    }

    pub(super) fn read(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        let functions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let function = std::str::from_utf8(buf)
            .ok()
            .and_then(|digits| digits.parse::<usize>().ok())
            .and_then(|position| functions.get(position)?.clone());
        match function {
            Some(function) => Ok(function),
            None => plan_err!("function '{name}' of an expression is not in its list"),
        }
    }
}

impl LogicalExtensionCodec for FunctionCodec {
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
        _inputs: &[LogicalPlan],
        _ctx: &TaskContext,
    ) -> Result<Extension> {
        not_impl_err!("plan nodes inside expressions do not cross")
    }

    fn try_encode(&self, _node: &Extension, _buf: &mut Vec<u8>) -> Result<()> {
        not_impl_err!("plan nodes inside expressions do not cross")
    }

    fn try_decode_table_provider(
        &self,
        _buf: &[u8],
        _table_ref: &TableReference,
        _schema: SchemaRef,
        _ctx: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        not_impl_err!("tables inside expressions do not cross")
    }

    fn try_encode_table_provider(
        &self,
        _table_ref: &TableReference,
        _node: Arc<dyn TableProvider>,
        _buf: &mut Vec<u8>,
    ) -> Result<()> {
        not_impl_err!("tables inside expressions do not cross")
    }
}
