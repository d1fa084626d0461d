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
