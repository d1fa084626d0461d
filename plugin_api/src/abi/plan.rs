//! Logical plans: what both sides ask of each other's objects while a call lasts.

use super::{
    AggregateFunctionObject, Parcel, ScalarFunctionObject, TableObject, WindowFunctionObject,
};

interface! {
    /// The host's objects in plans that a plugin has.
    Shared trait PlanHost / PlanHostVTable / PlanHostVTableRef / PlanHostObject;
    ref {
        /// Answers a [`message::PlanQuestion`](crate::abi::message::PlanQuestion).
        fn ask(request: Parcel) -> Parcel;
        /// Answers a [`message::ContextQuestion`](crate::abi::message::ContextQuestion), while the
        /// call lasts that the object came with and on its thread; planners alone may ask.
        fn context(request: Parcel) -> Parcel;
    }
}

interface! {
    /// The plugin's objects in plans that the host has.
    Shared trait PlanObjects / PlanObjectsVTable / PlanObjectsVTableRef / PlanObjectsObject;
    ref {
        /// The scalar function of a number.
        fn scalar_function(identity: u64) -> ScalarFunctionObject;
        /// The aggregate function of a number.
        fn aggregate_function(identity: u64) -> AggregateFunctionObject;
        /// The window function of a number.
        fn window_function(identity: u64) -> WindowFunctionObject;
        /// The table of a number.
        fn table(number: u64) -> TableObject;
    }
}
