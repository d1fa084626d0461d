//! A node of a plan that the other side holds.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use datafusion_common::{DFSchemaRef, Result};
use datafusion_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::df55::plans::objects::HeldNode;

/// Shows inputs, expressions and schema; what else it is, the side that holds it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::df55::plans) struct ForeignNode {
    /// Whose it is: the address of the call's objects, 0 on the host.
    pub(in crate::df55::plans) call: usize,
    pub(in crate::df55::plans) number: u64,
    name: String,
    text: String,
    schema: DFSchemaRef,
    inputs: Vec<LogicalPlan>,
    exprs: Vec<Expr>,
}

impl ForeignNode {
    pub(in crate::df55::plans) fn new(call: usize, number: u64, node: HeldNode) -> Self {
        Self {
            call,
            number,
            name: node.name,
            text: node.text,
            schema: node.schema,
            inputs: node.inputs,
            exprs: node.exprs,
        }
    }
}

impl Hash for ForeignNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
        self.inputs.hash(state);
        self.exprs.hash(state);
    }
}

impl PartialOrd for ForeignNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let order = self.number.partial_cmp(&other.number)?;
        let order = order.then(self.inputs.partial_cmp(&other.inputs)?);
        let order = order.then(self.exprs.partial_cmp(&other.exprs)?);
        (order != Ordering::Equal || self == other).then_some(order)
    }
}

impl UserDefinedLogicalNodeCore for ForeignNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.exprs.clone()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        Ok(Self {
            exprs,
            inputs,
            ..self.clone()
        })
    }
}
