//! Session options: what `SET plugin.key = value` sets.

use super::Parcel;

interface! {
    /// The options of a plugin. The host keeps their values, session by session.
    Shared trait SessionOptions / SessionOptionsVTable / SessionOptionsVTableRef / SessionOptionsObject;
    ref {
        /// Sets one option: [`message::SetOptionRequest`](crate::abi::message::SetOptionRequest).
        ///
        /// Yields [`message::Settings`](crate::abi::message::Settings): all options as they are
        /// afterwards, by key without the namespace.
        fn set(request: Parcel) -> Parcel;
    }
}
