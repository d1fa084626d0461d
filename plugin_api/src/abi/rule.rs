//! Rules: what rewrites plans. Same-major.

use super::{Parcel, PlanHostObject, Planned};

interface! {
    /// Rewrites logical plans: an analyzer or optimizer rule.
    Shared trait PlanRule / PlanRuleVTable / PlanRuleVTableRef / PlanRuleObject;
    ref {
        /// [`message::RuleRequest`](crate::abi::message::RuleRequest);
        /// [`message::RuleReply`](crate::abi::message::RuleReply).
        fn apply(request: Parcel, host: PlanHostObject) -> Planned;
    }
}

interface! {
    /// Rewrites physical plans: a physical optimizer rule.
    Shared trait PhysicalRule / PhysicalRuleVTable / PhysicalRuleVTableRef / PhysicalRuleObject;
    ref {
        /// [`message::PhysicalRuleRequest`](crate::abi::message::PhysicalRuleRequest);
        /// [`message::PhysicalRuleReply`](crate::abi::message::PhysicalRuleReply).
        fn apply(request: Parcel, host: PhysicalHostObject) -> Planned;
    }
}

interface! {
    /// The host's objects in physical plans that a plugin has, while a call lasts.
    Shared trait PhysicalHost / PhysicalHostVTable / PhysicalHostVTableRef / PhysicalHostObject;
    ref {
        /// Answers a [`message::PlanQuestion`](crate::abi::message::PlanQuestion) on a function.
        fn ask(request: Parcel) -> Parcel;
        /// Answers a [`message::PhysicalQuestion`](crate::abi::message::PhysicalQuestion) on a node.
        fn examine(request: Parcel) -> Parcel;
    }
}
