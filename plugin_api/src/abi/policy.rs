//! Policies.

use super::Parcel;

interface! {
    /// Decides whether a statement may run, and on what of its tables.
    Shared trait Policy / PolicyVTable / PolicyVTableRef / PolicyObject;
    ref {
        /// [`message::PolicyDescriptor`](crate::abi::message::PolicyDescriptor).
        fn describe() -> Parcel;
        /// [`message::StatementFacts`](crate::abi::message::StatementFacts) to
        /// [`message::PolicyDecision`](crate::abi::message::PolicyDecision).
        fn decide(facts: Parcel) -> Parcel;
    }
}
