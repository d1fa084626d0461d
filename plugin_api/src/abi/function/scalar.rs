//! Scalar functions: asked at planning, bound once, called per batch.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RSliceMut},
};

use crate::abi::{ArrowArray, HostWaker, Parcel};

/// What an [`Argument`] carries.
#[repr(u8)]
#[derive(StableAbi, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// One value per row.
    Column,
    /// One row that stands for all.
    Scalar,
    /// Nothing: the constant that was bound.
    Bound,
}

/// One argument of a call, of the type that was bound.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Argument {
    /// The values; released for [`ArgumentKind::Bound`].
    pub array: ArrowArray,
    /// How to read them.
    pub kind: ArgumentKind,
}

/// The result of a call, of the return type that was bound.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Value {
    /// The values, or one row for a scalar.
    pub array: ArrowArray,
    /// Whether the one row stands for all.
    pub scalar: bool,
}

interface! {
    /// A scalar function as planning sees it.
    Shared trait ScalarFunction / ScalarFunctionVTable / ScalarFunctionVTableRef / ScalarFunctionObject;
    ref {
        /// [`message::FunctionDescriptor`](crate::abi::message::FunctionDescriptor).
        fn describe() -> Parcel;
        /// The same number for functions of one plugin that compare equal.
        fn identity() -> u64;
        /// Argument fields, with the values of constant ones, to the return field.
        fn return_field(request: Parcel) -> Parcel;
        /// Argument types to the types that they are coerced to.
        fn coerce_types(request: Parcel) -> Parcel;
        /// Properties of the arguments to the ordering of the result.
        fn output_ordering(request: Parcel) -> Parcel;
        /// Whether lexicographic order of the arguments is kept.
        fn preserves_lex_ordering(request: Parcel) -> Parcel;
        /// Whether strict order of the arguments is kept.
        fn strictly_order_preserving(request: Parcel) -> Parcel;
        /// Bounds of the arguments to bounds of the result.
        fn evaluate_bounds(request: Parcel) -> Parcel;
        /// Bounds of the result to tighter bounds of the arguments.
        fn propagate_constraints(request: Parcel) -> Parcel;
        /// Which arguments are always evaluated and which lazily.
        fn conditional_arguments(request: Parcel) -> Parcel;
        /// Where the optimizer should place a call.
        fn placement(request: Parcel) -> Parcel;
        /// The struct fields that a call with constant arguments reads.
        fn struct_field_mapping(request: Parcel) -> Parcel;
        /// The function as it is under other settings, if it differs.
        fn with_updated_config(request: Parcel) -> ROption<ScalarFunctionObject>;
        /// Rewrites a call. Same-major: expressions cross as DataFusion's protobuf.
        fn simplify(request: Parcel) -> Parcel;
        /// The argument range for which a call equals a constant. Same-major.
        fn preimage(request: Parcel) -> Parcel;
        /// A function of this plugin that a reply of [`Self::simplify`] names by its identity.
        fn derived(identity: u64) -> ScalarFunctionObject;
        /// Fixes argument fields, constant arguments, return field and settings.
        fn bind(request: Parcel) -> BoundScalarFunctionObject;
    }
}

interface! {
    /// A scalar function with its types fixed. Callable from many threads at once.
    Shared trait BoundScalarFunction / BoundScalarFunctionVTable / BoundScalarFunctionVTableRef / BoundScalarFunctionObject;
    ref {
        /// Computes `rows` values. The callee takes the arguments' arrays.
        fn invoke(arguments: RSliceMut<'_, Argument>, rows: usize) -> Value;
        /// Starts computing `rows` values; async functions only.
        fn start(arguments: RSliceMut<'_, Argument>, rows: usize) -> CompletionObject;
    }
}

interface! {
    /// A call that is under way. Dropping it cancels the call.
    Exclusive trait Completion / CompletionVTable / CompletionVTableRef / CompletionObject;
    mut {
        /// The value, once it is there; nothing while it is not, and `waker` is woken then.
        fn poll(waker: HostWaker) -> ROption<Value>;
    }
}
