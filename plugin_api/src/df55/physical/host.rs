//! Physical plans on the host's side.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use datafusion_common::{Result, config::ConfigOptions};
use datafusion_execution::TaskContext;
use datafusion_physical_plan::{
    ExecutionPlan,
    execution_plan::replace_children_if_necessary,
    statistics::{StatisticsArgs, StatisticsContext},
};
use serde::Serialize;

use super::{
    codec::NodeCodec,
    copy, describe, functions,
    plugin::{bytes, children},
    reading_context,
    walk::{address, occurrences, post_order},
};
use crate::{
    abi::{
        self, CallError, Parcel,
        message::{NodeReply, PhysicalList, PhysicalNode, PhysicalQuestion},
    },
    df55::{
        error::{df, from_call_error},
        expressions::{MAX_DEPTH, breach},
        parcel::{ParcelBuilder, ParcelContent},
        plans::HostObjects,
        statistics::statistics_to_message,
    },
};

/// What the nodes of a list are to one another, as far as it is read.
#[derive(Default)]
struct Shape {
    /// The depth of each, and whether it is a child.
    nodes: Vec<(usize, bool)>,
}

impl Shape {
    /// A node in two places would make a tree of as many nodes as two to the power of its depth.
    ///
    /// # Errors
    /// A breach of the contract for a child that has a parent, and for too many levels.
    fn add(&mut self, node: &PhysicalNode) -> Result<()> {
        let mut deepest = 0;
        // Whoever is known has its children already.
        let children: &[usize] = match node.known {
            Some(_) => &[],
            None => &node.children,
        };
        for child in children {
            // What stands after its parent is told of elsewhere.
            if let Some((depth, used)) = self.nodes.get_mut(*child) {
                if std::mem::replace(used, true) {
                    return Err(breach(format!("node {child} came back twice")));
                }
                deepest = deepest.max(*depth);
            }
        }
        if deepest >= MAX_DEPTH {
            return Err(breach(format!("a plan of more than {MAX_DEPTH} levels")));
        }
        self.nodes.push((deepest + 1, false));
        Ok(())
    }
}

/// The host's side of one call. Clones are the same.
#[derive(Clone)]
pub struct HostPhysical(Arc<Inner>);

struct Inner {
    objects: Arc<HostObjects>,
    context: TaskContext,
    /// What the plugin was lent, by number.
    nodes: Mutex<Vec<Arc<dyn ExecutionPlan>>>,
}

impl HostPhysical {
    /// Nothing lent yet; functions are those of `objects`.
    pub fn new(objects: &Arc<HostObjects>, options: &ConfigOptions) -> Self {
        Self(Arc::new(Inner {
            objects: Arc::clone(objects),
            context: reading_context(options),
            nodes: Mutex::default(),
        }))
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Arc<dyn ExecutionPlan>>> {
        self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(&self, node: Arc<dyn ExecutionPlan>) -> u64 {
        let mut nodes = self.nodes();
        nodes.push(node);
        nodes.len() as u64 - 1
    }

    fn lent(&self, number: u64) -> Result<Arc<dyn ExecutionPlan>> {
        let nodes = self.nodes();
        let node = usize::try_from(number).ok().and_then(|n| nodes.get(n));
        node.cloned().ok_or_else(|| {
            breach(format!(
                "the unknown handle {number} of a physical node: {} were lent",
                nodes.len()
            ))
        })
    }

    /// The plan for the plugin, with the message that has its list.
    ///
    /// # Errors
    /// Names what cannot cross.
    pub fn write<M: Serialize>(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        message: impl FnOnce(PhysicalList) -> M,
    ) -> Result<Parcel> {
        let codec = NodeCodec::default();
        let mut list = PhysicalList::default();
        let mut blob = Vec::new();
        post_order(
            plan,
            |_| Ok(true),
            |node, children| {
                let copied = copy::write(node, false, &codec, &self.0.context);
                list.nodes.push(PhysicalNode {
                    known: Some(self.lend(Arc::clone(node))),
                    name: node.name().to_owned(),
                    children,
                    bytes: copied.map(|bytes| {
                        let run = (blob.len(), bytes.len());
                        blob.extend(bytes);
                        run
                    }),
                });
                Ok(list.nodes.len() - 1)
            },
        )?;
        let parcel: ParcelBuilder = functions::describe(&mut list, codec, self.0.objects.as_ref())?;
        let parcel = parcel.blob(blob).finish(&message(list));
        parcel.map_err(from_call_error)
    }

    /// The plan that the plugin made of `plan`.
    ///
    /// # Errors
    /// A breach of the contract: unknown handles, and a node of the host's in two places.
    pub fn read<M>(
        &self,
        content: &ParcelContent<M>,
        list: &PhysicalList,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let made = self.made(content, list)?.pop();
        let made = made.ok_or_else(|| breach("a physical plan without nodes".to_owned()))?;
        let before = occurrences(plan);
        let after = occurrences(&made);
        self.used_once(&before, &after)?;
        Ok(made)
    }

    /// What runs a node may do so once: in two places, it would be run twice.
    fn used_once(
        &self,
        before: &HashMap<usize, usize>,
        after: &HashMap<usize, usize>,
    ) -> Result<()> {
        for node in self.nodes().iter() {
            let used = after.get(&address(node)).copied().unwrap_or_default();
            let allowed = before.get(&address(node)).copied().unwrap_or(1);
            if used > allowed {
                return Err(breach(format!("'{}' came back twice", node.name())));
            }
        }
        Ok(())
    }

    fn made<M>(
        &self,
        content: &ParcelContent<M>,
        list: &PhysicalList,
    ) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
        let codec = functions::codec(content, list, self.0.objects.as_ref())?;
        let mut nodes: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(list.nodes.len());
        let mut shape = Shape::default();
        for node in &list.nodes {
            shape.add(node)?;
            let made = match (node.known, bytes(node, &content.blob)?) {
                (Some(number), _) => self.lent(number)?,
                (None, Some(bytes)) => {
                    let children = children(node, &nodes)?;
                    copy::read(bytes, &children, &codec, &self.0.context)?
                }
                (None, None) => {
                    return Err(breach(format!("'{}' without its bytes", node.name)));
                }
            };
            nodes.push(made);
        }
        Ok(nodes)
    }

    fn answered(&self, request: Parcel) -> Result<Parcel, CallError> {
        let content = ParcelContent::<PhysicalQuestion>::read(request)?;
        let made = match &content.message {
            PhysicalQuestion::Describe(node) => return describe::describe(&df(self.lent(*node))?),
            PhysicalQuestion::Statistics(node, partition) => {
                let node = df(self.lent(*node))?;
                let args = StatisticsArgs::new().with_partition(*partition);
                let statistics = df(StatisticsContext::new().compute(node.as_ref(), &args))?;
                let mut parcel = ParcelBuilder::new();
                let message = statistics_to_message(&statistics, &mut parcel)?;
                return parcel.finish(&message);
            }
            PhysicalQuestion::Replace {
                node,
                list,
                children,
            } => {
                let node = df(self.lent(*node))?;
                let made = df(self.made(&content, list))?;
                let children = children.iter().map(|position| {
                    let child = made.get(*position).cloned();
                    child.ok_or_else(|| CallError::contract(format!("no node {position}")))
                });
                let children = children.collect::<Result<Vec<_>, _>>()?;
                Some(df(replace_children_if_necessary(node, children))?)
            }
            PhysicalQuestion::Fetch(node, limit) => df(self.lent(*node))?.with_fetch(*limit),
            PhysicalQuestion::Repartition(node, target) => {
                let node = df(self.lent(*node))?;
                let options = self.0.context.session_config().options();
                df(node.repartitioned(*target, options))?
            }
        };
        Parcel::of(&NodeReply {
            node: made.map(|node| self.lend(node)),
        })
    }
}

impl abi::PhysicalHost for HostPhysical {
    fn item(&self) -> &str {
        ""
    }

    fn ask(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.0.objects.answer(request)
    }

    fn examine(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.answered(request)
    }
}
