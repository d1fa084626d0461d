//! Expressions as bytes and back, without the losses of DataFusion's protobuf.
//!
//! Protobuf drops the field metadata of literals and aliases, folds the case of qualifiers, and
//! refuses to read what is nested a hundred messages deep. So every column is a slot that names
//! what stands there, and deep expressions are cut into parts.

mod codec;
mod fidelity;
#[cfg(feature = "table-expressions")]
mod physical;
mod whole;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, LazyLock},
};

use datafusion_common::{
    Column, DataFusionError, Result, ScalarValue,
    metadata::FieldMetadata,
    tree_node::{Transformed, TreeNode},
};
use datafusion_execution::TaskContext;
use datafusion_expr::{Expr, ScalarUDF, expr::Alias};
use datafusion_proto::{
    logical_plan::{from_proto::parse_expr, to_proto::serialize_exprs},
    protobuf::LogicalExprList,
};
use prost::Message;

use crate::{
    abi::{
        CallError, catch,
        message::{ExpressionList, ExpressionNode, ExpressionSlot, FunctionReference},
    },
    df55::{
        error::from_call_error,
        names::{table_name, table_reference},
        parcel::ParcelBuilder,
    },
};

use codec::FunctionCodec;
pub(in crate::df55) use fidelity::is_faithful;
use fidelity::is_plain;
#[cfg(feature = "table-expressions")]
pub use physical::{PhysicalWriter, physical_expressions};
#[cfg(feature = "simplify")]
pub(in crate::df55) use whole::functions_in;
pub use whole::{crosses_whole, expressions_in, expressions_with, pack_whole};

/// Levels of one part. A level takes up to three protobuf messages of the hundred that can be
/// read; the rest is for nested types in casts.
const PART_DEPTH: usize = 16;
/// Levels of an expression or a plan that is read: whoever has it walks and drops it by recursion.
pub(in crate::df55) const MAX_DEPTH: usize = 4_000;

/// Decides what stays behind.
pub(super) trait Departure {
    /// What travels in the place of `expr`, which is `depth` levels deep; nothing when it travels
    /// itself, and its children are asked about next.
    fn instead_of(&mut self, expr: &Expr, depth: usize) -> Result<Option<ExpressionSlot>>;

    /// What [`Self::instead_of`] let pass, taken apart where protobuf would not carry it.
    fn disassemble(&mut self, expr: Expr) -> Result<Disassembled> {
        Ok(Disassembled::Whole(expr))
    }
}

/// An expression on its way.
#[cfg_attr(
    not(feature = "plans"),
    allow(dead_code, reason = "plans alone take apart")
)]
pub(super) enum Disassembled {
    /// Protobuf carries the node itself.
    Whole(Expr),
    /// A message carries the node; its children are parts.
    Node(ExpressionNode, Vec<Expr>),
}

/// Puts in what stayed behind.
pub(super) trait Arrival {
    /// The expression that was kept under a number.
    fn kept(&self, number: usize) -> Result<Expr>;

    /// The column as it is here.
    fn column(&self, column: Column) -> Result<Column> {
        Ok(column)
    }

    /// The expression that was taken apart.
    fn assemble(&self, node: &ExpressionNode, _parts: Vec<Expr>) -> Result<Expr> {
        Err(breach(format!("an expression of plans: {node:?}")))
    }
}

/// Writes `roots`. Values go into `parcel`; the bytes are to become its blob.
pub(super) fn pack(
    roots: impl IntoIterator<Item = Expr>,
    departure: &mut dyn Departure,
    reference: &dyn Fn(&ScalarUDF) -> Result<FunctionReference>,
    parcel: &mut ParcelBuilder,
) -> Result<(ExpressionList, Vec<u8>)> {
    let roots: Vec<Expr> = roots.into_iter().collect();
    let count = roots.len();
    let mut packer = Packer {
        departure,
        parcel,
        slots: Vec::new(),
        columns: HashMap::new(),
        pending: VecDeque::new(),
        announced: count,
    };
    let mut wire = Vec::with_capacity(count);
    for root in roots {
        wire.push(packer.wire(root, 0, 0)?);
    }
    // One part after the other, so that the stack holds the levels of one only.
    while let Some((part, depth)) = packer.pending.pop_front() {
        wire.push(packer.wire(part, depth, 0)?);
    }
    let slots = packer.slots;

    let codec = FunctionCodec::default();
    let expr = serialize_exprs(&wire, &codec)
        .map_err(|error| breach(format!("cannot write an expression: {error}")))?;
    let functions = codec
        .into_functions()
        .iter()
        .map(|function| reference(function))
        .collect::<Result<_>>()?;
    let list = ExpressionList {
        roots: count,
        slots,
        functions,
    };
    Ok((list, LogicalExprList { expr }.encode_to_vec()))
}

struct Packer<'a> {
    departure: &'a mut dyn Departure,
    parcel: &'a mut ParcelBuilder,
    slots: Vec<ExpressionSlot>,
    columns: HashMap<Column, usize>,
    /// Parts that are still to be written, with their depth.
    pending: VecDeque<(Expr, usize)>,
    /// Roots and parts, written or pending.
    announced: usize,
}

impl Packer<'_> {
    /// `expr` as protobuf is to have it, `depth` levels down, `level` of them in this part.
    fn wire(&mut self, expr: Expr, depth: usize, level: usize) -> Result<Expr> {
        if let Some(slot) = self.departure.instead_of(&expr, depth)? {
            return Ok(self.slot(slot));
        }
        let expr = match self.departure.disassemble(expr)? {
            Disassembled::Whole(expr) => expr,
            Disassembled::Node(node, children) => {
                let parts = children.into_iter();
                let parts = parts.map(|child| self.part(child, depth + 1)).collect();
                let node = Box::new(node);
                return Ok(self.slot(ExpressionSlot::Node { node, parts }));
            }
        };
        match expr {
            Expr::Column(column) => {
                if let Some(position) = self.columns.get(&column) {
                    return Ok(slot_column(*position));
                }
                self.columns.insert(column.clone(), self.slots.len());
                Ok(self.slot(ExpressionSlot::Column {
                    relation: table_name(column.relation.as_ref()),
                    name: column.name,
                }))
            }
            Expr::Literal(value, metadata) if metadata.is_some() || !is_plain(&value) => {
                let value = self.parcel.value(&value).map_err(from_call_error)?;
                let metadata = metadata.map(|metadata| metadata.inner().clone());
                Ok(self.slot(ExpressionSlot::Literal { value, metadata }))
            }
            Expr::Alias(Alias {
                expr,
                relation,
                name,
                metadata: Some(metadata),
            }) => {
                let part = self.part(*expr, depth + 1);
                Ok(self.slot(ExpressionSlot::Alias {
                    part,
                    relation: table_name(relation.as_ref()),
                    name,
                    metadata: metadata.inner().clone(),
                }))
            }
            Expr::Literal(..) => Ok(expr),
            _ if level == PART_DEPTH => {
                let part = self.part(expr, depth);
                Ok(self.slot(ExpressionSlot::Part(part)))
            }
            _ => Ok(expr
                .map_children(|child| self.wire(child, depth + 1, level + 1).map(Transformed::yes))?
                .data),
        }
    }

    /// The position that the part will have.
    fn part(&mut self, expr: Expr, depth: usize) -> usize {
        self.pending.push_back((expr, depth));
        self.announced += 1;
        self.announced - 1
    }

    fn slot(&mut self, slot: ExpressionSlot) -> Expr {
        self.slots.push(slot);
        slot_column(self.slots.len() - 1)
    }
}

fn slot_column(position: usize) -> Expr {
    Expr::Column(Column::new_unqualified(position.to_string()))
}

/// Reads the roots of a list. `functions` are those of `list.functions`, in order.
pub(super) fn unpack(
    list: &ExpressionList,
    blob: &[u8],
    values: &[ScalarValue],
    functions: Vec<Arc<ScalarUDF>>,
    arrival: &dyn Arrival,
) -> Result<Vec<Expr>> {
    // Functions are found by the codec alone.
    static NO_FUNCTIONS: LazyLock<TaskContext> = LazyLock::new(TaskContext::default);

    let wire = LogicalExprList::decode(blob)
        .map_err(|error| breach(format!("unreadable expressions: {error}")))?;
    let codec = FunctionCodec::reading(functions.into_iter().map(Some).collect());
    let wire = decoded(|| {
        let nodes = wire.expr.iter();
        let read = nodes.map(|node| parse_expr(node, &NO_FUNCTIONS, &codec));
        read.collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| breach(format!("unreadable expression: {error}")))
    })?;
    if wire.len() < list.roots {
        return Err(breach(format!(
            "{} expressions where {} were announced",
            wire.len(),
            list.roots
        )));
    }
    let mut unpacker = Unpacker {
        slots: &list.slots,
        values,
        arrival,
        done: wire.iter().map(|_| None).collect(),
        deepest: 0,
    };
    // A part refers only to those after it, so these are ready when it needs them.
    for (position, expr) in wire.into_iter().enumerate().rev() {
        unpacker.deepest = 0;
        let expr = unpacker.fill(expr, position, 1)?;
        let deepest = unpacker.deepest;
        if let Some(slot) = unpacker.done.get_mut(position) {
            *slot = Some((expr, deepest));
        }
    }
    let mut roots = unpacker.done;
    roots.truncate(list.roots);
    roots
        .into_iter()
        .map(|root| match root {
            Some((root, _)) => Ok(root),
            None => Err(breach("an expression that is part of another".to_owned())),
        })
        .collect()
}

struct Unpacker<'a> {
    slots: &'a [ExpressionSlot],
    values: &'a [ScalarValue],
    arrival: &'a dyn Arrival,
    /// Roots and parts, with their depth.
    done: Vec<Option<(Expr, usize)>>,
    /// The depth of the part that is being filled in.
    deepest: usize,
}

impl Unpacker<'_> {
    fn fill(&mut self, expr: Expr, position: usize, level: usize) -> Result<Expr> {
        self.reach(level)?;
        match expr {
            Expr::Column(column) => self.stand_in(&column, position, level),
            expr => Ok(expr
                .map_children(|child| {
                    let child = self.fill(child, position, level + 1)?;
                    Ok(Transformed::yes(child))
                })?
                .data),
        }
    }

    fn reach(&mut self, level: usize) -> Result<()> {
        self.deepest = self.deepest.max(level);
        match self.deepest > MAX_DEPTH {
            true => Err(breach(format!(
                "an expression of more than {MAX_DEPTH} levels"
            ))),
            false => Ok(()),
        }
    }

    fn stand_in(&mut self, column: &Column, position: usize, level: usize) -> Result<Expr> {
        let slots = self.slots;
        let slot = column
            .name
            .parse::<usize>()
            .ok()
            .and_then(|index| slots.get(index))
            .ok_or_else(|| breach(format!("an expression with an unknown slot '{column}'")))?;
        match slot {
            ExpressionSlot::Column { relation, name } => {
                let column = Column::new(
                    table_reference(relation).map_err(from_call_error)?,
                    name.clone(),
                );
                self.arrival.column(column).map(Expr::Column)
            }
            ExpressionSlot::Kept(number) => self.arrival.kept(*number),
            ExpressionSlot::Literal { value, metadata } => {
                let value = self
                    .values
                    .get(*value)
                    .ok_or_else(|| breach(format!("value {value} of {}", self.values.len())))?;
                let metadata = metadata.clone().map(FieldMetadata::new);
                Ok(Expr::Literal(value.clone(), metadata))
            }
            ExpressionSlot::Alias {
                part,
                relation,
                name,
                metadata,
            } => {
                let alias = Alias::new(
                    self.part(*part, position, level + 1)?,
                    table_reference(relation).map_err(from_call_error)?,
                    name,
                )
                .with_metadata(Some(FieldMetadata::new(metadata.clone())));
                Ok(Expr::Alias(alias))
            }
            ExpressionSlot::Part(part) => self.part(*part, position, level),
            ExpressionSlot::Node { node, parts } => {
                let parts = parts
                    .iter()
                    .map(|part| self.part(*part, position, level + 1));
                let parts = parts.collect::<Result<_>>()?;
                self.arrival.assemble(node, parts)
            }
        }
    }

    /// Each part is used once.
    fn part(&mut self, part: usize, position: usize, level: usize) -> Result<Expr> {
        let found = self.done.get_mut(part).filter(|_| part > position);
        let Some((expr, depth)) = found.and_then(Option::take) else {
            return Err(breach(format!("expression {position} refers to {part}")));
        };
        // It stands where its slot was.
        self.reach(level - 1 + depth)?;
        Ok(expr)
    }
}

/// What DataFusion and arrow decode: they panic on some bytes that no encoder makes.
///
/// # Errors
/// Those of `decode`; a breach of the contract for a panic.
pub(crate) fn decoded<T>(decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch(|| Ok(decode()))
        .unwrap_or_else(|panic| Err(breach(format!("unreadable bytes: {}", panic.message()))))
}

/// The other side broke the contract.
pub(crate) fn breach(message: String) -> DataFusionError {
    from_call_error(CallError::contract(message))
}
