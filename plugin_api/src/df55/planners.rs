//! Planners: the session that a plugin's planner asks, on both sides, and the hooks of expressions.
//!
//! The host answers [`ContextQuestion`](crate::abi::message::ContextQuestion)s with the very context
//! that DataFusion gave it, so a plugin's planner sees what a linked-in one would. On the plugin's
//! side [`PluginContext`] is DataFusion's `RelationPlannerContext` again.

mod host;
mod interests;
mod plugin;

pub use host::{HostPlanner, answer_context};
pub use interests::{ExpressionHookKind, RelationKind, hook_name, relation_kind};
pub use plugin::PluginContext;
