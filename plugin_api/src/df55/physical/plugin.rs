//! Physical plans on the plugin's side.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use datafusion_common::{DataFusionError, Result, config::ConfigOptions, not_impl_err};
use datafusion_execution::TaskContext;
use datafusion_physical_plan::ExecutionPlan;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    codec::NodeCodec,
    copy, functions,
    held::HeldExec,
    reading_context,
    walk::{address, post_order},
};
use crate::{
    abi::{
        CallError, Parcel,
        message::{NodeReply, PhysicalList, PhysicalNode, PhysicalQuestion},
    },
    df55::{
        error::from_call_error,
        expressions::breach,
        parcel::{ParcelBuilder, ParcelContent},
        plans::PluginObjects,
    },
};

/// Answers [`PhysicalQuestion`]s.
pub trait PhysicalConnection: Send + Sync {
    /// Asks the host.
    ///
    /// # Errors
    /// The host's.
    fn examine(&self, request: Parcel) -> std::result::Result<Parcel, CallError>;
}

/// The plugin's side of one call. Clones are the same.
#[derive(Clone)]
pub struct PluginPhysical(Arc<Inner>);

/// A call as its stand-ins know it: the copies, which the call holds, may have them below.
pub(super) struct OfCall(Weak<Inner>);

impl OfCall {
    /// # Errors
    /// A breach of the contract once the call is over.
    pub(super) fn plans(&self, node: &str) -> Result<PluginPhysical> {
        let plans = self.0.upgrade().map(PluginPhysical);
        plans.ok_or_else(|| of_another_call(node))
    }
}

fn of_another_call(node: &str) -> DataFusionError {
    breach(format!(
        "'{node}' is of another call, whose handles are gone"
    ))
}

struct Inner {
    host: Box<dyn PhysicalConnection>,
    objects: PluginObjects,
    context: TaskContext,
    copies: Mutex<Copies>,
}

/// The copies of the host's nodes, which are held so that their addresses stay theirs.
#[derive(Default)]
struct Copies {
    held: Vec<Arc<dyn ExecutionPlan>>,
    numbers: HashMap<usize, u64>,
}

impl PluginPhysical {
    /// Of a call in which `host` answers; functions are those of `objects`.
    pub fn new(
        host: impl PhysicalConnection + 'static,
        objects: PluginObjects,
        options: &ConfigOptions,
    ) -> Self {
        Self(Arc::new(Inner {
            host: Box::new(host),
            objects,
            context: reading_context(options),
            copies: Mutex::default(),
        }))
    }

    pub(super) fn call(&self) -> OfCall {
        OfCall(Arc::downgrade(&self.0))
    }

    fn copies(&self) -> MutexGuard<'_, Copies> {
        self.0.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ask<M: DeserializeOwned>(
        &self,
        question: &PhysicalQuestion,
    ) -> Result<ParcelContent<M>> {
        self.send(Parcel::of(question).map_err(from_call_error)?)
    }

    fn send<M: DeserializeOwned>(&self, request: Parcel) -> Result<ParcelContent<M>> {
        let reply = self.0.host.examine(request).map_err(from_call_error)?;
        ParcelContent::read_signature(reply).map_err(from_call_error)
    }

    /// The plan that the host sent.
    ///
    /// # Errors
    /// A breach of the contract.
    pub fn read<M>(
        &self,
        content: &ParcelContent<M>,
        list: &PhysicalList,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let codec = functions::codec(content, list, &self.0.objects)?;
        let mut nodes: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(list.nodes.len());
        for node in &list.nodes {
            let number = node
                .known
                .ok_or_else(|| breach("a node without a number".to_owned()))?;
            let children = children(node, &nodes)?;
            let copied = match bytes(node, &content.blob)? {
                Some(bytes) => match copy::read(bytes, &children, &codec, &self.0.context) {
                    Ok(copied) => Some(copied),
                    Err(error) => {
                        tracing::debug!(node = node.name, %error, "a node is not copied");
                        None
                    }
                },
                None => None,
            };
            let plan = match copied {
                Some(copied) => {
                    let mut copies = self.copies();
                    copies.numbers.insert(address(&copied), number);
                    copies.held.push(Arc::clone(&copied));
                    copied
                }
                None => Arc::new(HeldExec::new(self, number, children)?),
            };
            nodes.push(plan);
        }
        let root = nodes.pop();
        root.ok_or_else(|| breach("a physical plan without nodes".to_owned()))
    }

    /// The number under which the host has a node, if it is the host's as it was sent.
    ///
    /// # Errors
    /// For a node of another call.
    fn number(&self, node: &Arc<dyn ExecutionPlan>) -> Result<Option<u64>> {
        if let Some(held) = node.downcast_ref::<HeldExec>() {
            if Arc::as_ptr(&self.0) != held.call.0.as_ptr() {
                return Err(of_another_call(node.name()));
            }
            return Ok(Some(held.number));
        }
        Ok(self.copies().numbers.get(&address(node)).copied())
    }

    /// The plan for the host, with the message that has its list.
    ///
    /// # Errors
    /// Names the node that cannot cross.
    pub fn write<M: Serialize>(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        message: impl FnOnce(PhysicalList) -> M,
    ) -> Result<Parcel> {
        let mut writer = Writer::new(self);
        writer.add(plan)?;
        writer.finish(message)
    }

    /// Has the host put `children` below a node of its own.
    pub(super) fn replace(
        &self,
        node: u64,
        children: &[Arc<dyn ExecutionPlan>],
    ) -> Result<NodeReply> {
        let mut writer = Writer::new(self);
        let children = children.iter().map(|child| writer.add(child));
        let children = children.collect::<Result<Vec<_>>>()?;
        let request = writer.finish(|list| PhysicalQuestion::Replace {
            node,
            list,
            children,
        })?;
        Ok(self.send::<NodeReply>(request)?.message)
    }
}

/// Writes plans for the host.
struct Writer<'a> {
    plans: &'a PluginPhysical,
    codec: NodeCodec,
    list: PhysicalList,
    blob: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(plans: &'a PluginPhysical) -> Self {
        Self {
            plans,
            codec: NodeCodec::default(),
            list: PhysicalList::default(),
            blob: Vec::new(),
        }
    }

    fn add(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<usize> {
        let plans = self.plans;
        let is_new = |node: &Arc<dyn ExecutionPlan>| Ok(plans.number(node)?.is_none());
        post_order(plan, is_new, |node, children| {
            let mut message = PhysicalNode {
                known: plans.number(node)?,
                ..PhysicalNode::default()
            };
            if message.known.is_none() {
                let context = &plans.0.context;
                let Some(bytes) = copy::write(node, true, &self.codec, context) else {
                    return not_impl_err!(
                        "'{}' is a node that cannot be carried to the host",
                        node.name()
                    );
                };
                message.bytes = Some((self.blob.len(), bytes.len()));
                self.blob.extend(bytes);
                node.name().clone_into(&mut message.name);
                message.children = children;
            }
            self.list.nodes.push(message);
            Ok(self.list.nodes.len() - 1)
        })
    }

    fn finish<M: Serialize>(self, message: impl FnOnce(PhysicalList) -> M) -> Result<Parcel> {
        let Self {
            plans,
            codec,
            mut list,
            blob,
        } = self;
        let parcel: ParcelBuilder = functions::describe(&mut list, codec, &plans.0.objects)?;
        let parcel = parcel.blob(blob).finish(&message(list));
        parcel.map_err(from_call_error)
    }
}

/// The children of a node, which stand before it.
pub(super) fn children(
    node: &PhysicalNode,
    nodes: &[Arc<dyn ExecutionPlan>],
) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
    let children = node.children.iter().map(|position| {
        let child = nodes.get(*position).cloned();
        child.ok_or_else(|| {
            breach(format!(
                "child {position} of node {}, which stands after it",
                nodes.len()
            ))
        })
    });
    children.collect()
}

/// The protobuf of a node, if it has one.
pub(super) fn bytes<'a>(node: &PhysicalNode, blob: &'a [u8]) -> Result<Option<&'a [u8]>> {
    let Some((start, length)) = node.bytes else {
        return Ok(None);
    };
    let bytes = start
        .checked_add(length)
        .and_then(|end| blob.get(start..end));
    let bytes = bytes.ok_or_else(|| {
        breach(format!(
            "{length} bytes of a node from {start} of {}",
            blob.len()
        ))
    })?;
    Ok(Some(bytes))
}
