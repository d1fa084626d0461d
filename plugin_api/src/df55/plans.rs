//! Logical plans as messages and back, in either direction, without loss.
//!
//! DataFusion's own protobuf of plans builds every node anew when it reads (columns are resolved
//! again, schemas computed again, `fetch` of scans and metadata of fields forgotten, subqueries and
//! outer references refused), so nodes are messages of their own ([`PlanNode`](crate::abi::message::PlanNode)),
//! with their schemas, and only expressions are protobuf, as everywhere else
//! ([`expressions`](super::expressions)).
//!
//! What cannot or should not be copied stays where it is and crosses as a
//! [`Handle`](crate::abi::message::Handle): tables, functions, extension nodes, statements,
//! expressions that exist only in memory. The other side has a stand-in, and what comes back is the
//! very object. Writing asks a [`Leaving`] what becomes of an object, reading an [`Arriving`]:
//!
//! | | writes with | reads with |
//! |---|---|---|
//! | host | [`HostObjects`] | [`HostObjects`] |
//! | plugin | [`PluginObjects`] | [`PluginObjects`] |
//!
//! ```text
//! host    let objects = HostObjects::new(plugin);               // lives for the call
//!         let mut writer = PlanWriter::new(&*objects);
//!         writer.plan(&plan)?;
//!         let parcel = writer.finish(|list| Request { list, .. })?;
//! plugin  let objects = PluginObjects::new(host, functions);    // `host` answers questions
//!         let read = read_plans(&content, &content.message.list, &objects)?;
//!         // ... read.plans, changed ...
//!         let mut writer = PlanWriter::new(&objects);
//!         writer.plan(&changed)?;
//! host    let read = read_plans(&reply, &reply.message.list, &*objects)?;
//! ```
//!
//! A table handle may come back as often as it likes, as a plan may scan a table twice. A node that
//! was held may come back once: its place in the plan is its own.

mod expression;
mod fields;
mod foreign;
mod functions;
mod host;
mod names;
mod node;
mod objects;
mod plugin;
mod read;
mod schema;
mod write;

pub use functions::FunctionWriter;
pub use host::{HostObjects, HostPlans, PluginFunctions};
pub use objects::{Arriving, HeldNode, Leaving, ScannedSource, Travelling, Types};
#[cfg(feature = "simplify")]
pub(in crate::df55) use plugin::reference_to_lent;
pub use plugin::{HostConnection, OwnFunctions, PluginObjects};
pub use read::{ReadPlans, read_plans, with_kept};
pub use write::PlanWriter;
