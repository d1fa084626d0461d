//! Planners: what extends SQL itself. All of them are same-major.

use abi_stable::{StableAbi, std_types::ROption};

use super::{Parcel, PlanHostObject, PlanObjectsObject};

/// What a planner makes of its request.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Planned {
    /// The reply.
    pub reply: Parcel,
    /// What the reply has of the plugin's own; nothing where it is declined.
    pub objects: ROption<PlanObjectsObject>,
}

interface! {
    /// Plans relations: what stands in `FROM`.
    Shared trait RelationPlanner / RelationPlannerVTable / RelationPlannerVTableRef / RelationPlannerObject;
    ref {
        /// The blob is a relation's syntax tree;
        /// [`message::RelationReply`](crate::abi::message::RelationReply).
        fn plan(request: Parcel, host: PlanHostObject) -> Planned;
    }
}

interface! {
    /// Plans expressions.
    Shared trait ExpressionPlanner / ExpressionPlannerVTable / ExpressionPlannerVTableRef / ExpressionPlannerObject;
    ref {
        /// [`message::ExpressionHookRequest`](crate::abi::message::ExpressionHookRequest);
        /// [`message::ExpressionHookReply`](crate::abi::message::ExpressionHookReply).
        fn plan(request: Parcel, host: PlanHostObject) -> Planned;
    }
}

interface! {
    /// Plans types.
    Shared trait TypePlanner / TypePlannerVTable / TypePlannerVTableRef / TypePlannerObject;
    ref {
        /// The blob is a type's syntax tree; the reply's types are its field, or nothing.
        fn plan(request: Parcel) -> Parcel;
    }
}
