//! Function factories: what makes the functions of `CREATE FUNCTION`. Same-major.

use abi_stable::StableAbi;

use super::{
    AggregateFunctionObject, HostWaker, Parcel, PlanHostObject, ScalarFunctionObject,
    TableFunctionObject, WindowFunctionObject,
};

interface! {
    /// Makes the functions of `CREATE FUNCTION`.
    Shared trait FunctionFactory / FunctionFactoryVTable / FunctionFactoryVTableRef / FunctionFactoryObject;
    ref {
        /// Starts to make a function:
        /// [`message::CreateFunctionRequest`](crate::abi::message::CreateFunctionRequest).
        ///
        /// The function may keep the host object, and so what the statement names of the host's.
        fn create(request: Parcel, host: PlanHostObject) -> FunctionCreationObject;
    }
}

interface! {
    /// A function that is being made. Dropping it cancels the work.
    Exclusive trait FunctionCreation / FunctionCreationVTable / FunctionCreationVTableRef / FunctionCreationObject;
    mut {
        /// The function; pending while there is none, and `waker` is woken then.
        fn poll(waker: HostWaker) -> Created;
    }
}

/// One answer of a [`FunctionCreation`].
#[repr(C, u8)]
#[derive(StableAbi, Debug)]
pub enum Created {
    /// Not there yet.
    Pending,
    /// A scalar function.
    Scalar(ScalarFunctionObject),
    /// An aggregate function.
    Aggregate(AggregateFunctionObject),
    /// A window function.
    Window(WindowFunctionObject),
    /// A table function.
    Table(TableFunctionObject),
}
