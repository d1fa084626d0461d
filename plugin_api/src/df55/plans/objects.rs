//! What becomes of objects that do not travel.

use std::{collections::BTreeSet, sync::Arc};

use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion_common::{DFSchemaRef, Result};
use datafusion_expr::{
    AggregateUDF, Expr, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
    statistics::StatisticsRequest,
};

use crate::abi::message::{FunctionReference, Handle, SourceReference};

/// A table of a scan, with what the scan asks of its statistics.
#[derive(Clone)]
pub struct ScannedSource {
    /// The table.
    pub source: Arc<dyn TableSource>,
    /// What statistics are asked for: these stay with the table.
    pub requests: BTreeSet<StatisticsRequest>,
}

/// How a function travels.
#[derive(Debug, Clone)]
pub enum Travelling {
    /// It does not; a stand-in does.
    Handle(Handle),
    /// The other side has it.
    Reference(FunctionReference),
}

/// The objects of the side that writes.
pub trait Leaving {
    /// Whether the other side needs descriptions, to make stand-ins of.
    fn describes(&self) -> bool;
    /// A scalar function.
    ///
    /// # Errors
    /// For one that cannot cross.
    fn scalar(&self, function: &ScalarUDF) -> Result<Travelling>;
    /// An aggregate function.
    ///
    /// # Errors
    /// For one that cannot cross.
    fn aggregate(&self, function: &Arc<AggregateUDF>) -> Result<Travelling>;
    /// A window function.
    ///
    /// # Errors
    /// For one that cannot cross.
    fn window(&self, function: &Arc<WindowUDF>) -> Result<Travelling>;
    /// A table.
    ///
    /// # Errors
    /// For one that cannot cross.
    fn source(&self, source: ScannedSource) -> Result<Handle>;
    /// A node without a message of its own.
    ///
    /// # Errors
    /// For one that cannot cross.
    fn node(&self, plan: &LogicalPlan) -> Result<Handle>;
    /// A function that stands in for `expr`, of type `field`, with its children as arguments;
    /// nothing where such expressions cannot be kept.
    fn keep(&self, expr: &Expr, field: FieldRef) -> Option<Arc<ScalarUDF>>;
}

/// The types that descriptions speak of.
#[derive(Debug, Clone, Copy)]
pub struct Types<'a> {
    /// Those of signatures.
    pub signatures: &'a [DataType],
    /// All fields of the parcel.
    pub fields: &'a [FieldRef],
}

/// A node without a message of its own, as it arrives.
#[derive(Debug)]
pub struct HeldNode {
    /// Which one.
    pub handle: Handle,
    /// Its name; empty when it comes back.
    pub name: String,
    /// Its line in `EXPLAIN`; empty when it comes back.
    pub text: String,
    /// Its schema.
    pub schema: DFSchemaRef,
    /// Its inputs.
    pub inputs: Vec<LogicalPlan>,
    /// Its expressions.
    pub exprs: Vec<Expr>,
}

/// The objects of the side that reads.
pub trait Arriving {
    /// A scalar function.
    ///
    /// # Errors
    /// A breach of the contract for an unknown handle.
    fn scalar(&self, reference: &FunctionReference, types: Types<'_>) -> Result<Arc<ScalarUDF>>;
    /// An aggregate function.
    ///
    /// # Errors
    /// A breach of the contract for an unknown handle.
    fn aggregate(
        &self,
        reference: &FunctionReference,
        types: Types<'_>,
    ) -> Result<Arc<AggregateUDF>>;
    /// A window function.
    ///
    /// # Errors
    /// A breach of the contract for an unknown handle.
    fn window(&self, reference: &FunctionReference, types: Types<'_>) -> Result<Arc<WindowUDF>>;
    /// A table.
    ///
    /// # Errors
    /// A breach of the contract for an unknown handle.
    fn source(
        &self,
        reference: &SourceReference,
        schema: Option<SchemaRef>,
    ) -> Result<ScannedSource>;
    /// A node without a message of its own.
    ///
    /// # Errors
    /// A breach of the contract for a handle that is unknown or was used before.
    fn node(&self, node: HeldNode) -> Result<LogicalPlan>;
    /// The expression that `function` stands in for.
    fn kept(&self, function: &ScalarUDF) -> Option<Expr>;
}
