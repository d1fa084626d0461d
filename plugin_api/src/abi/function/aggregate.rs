//! Aggregate functions and their accumulators.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RSlice, RSliceMut, RVec},
};

use crate::abi::{ArrowArray, Parcel};

/// Which groups to emit.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emit {
    /// The first `n` groups, or all of them.
    pub first: ROption<usize>,
}

/// The groups of a batch's rows.
#[repr(C)]
#[derive(StableAbi)]
pub struct Groups<'a> {
    /// The group of each row.
    pub indices: RSlice<'a, usize>,
    /// How many groups there are by now.
    pub total: usize,
    /// Booleans that say which rows count; released when all do.
    pub filter: ArrowArray,
}

interface! {
    /// An aggregate function as planning sees it.
    Shared trait AggregateFunction / AggregateFunctionVTable / AggregateFunctionVTableRef / AggregateFunctionObject;
    ref {
        /// [`message::FunctionDescriptor`](crate::abi::message::FunctionDescriptor).
        fn describe() -> Parcel;
        /// The same number for functions of one plugin that compare equal.
        fn identity() -> u64;
        /// Argument fields to the return field.
        fn return_field(request: Parcel) -> Parcel;
        /// Argument types to the types that they are coerced to.
        fn coerce_types(request: Parcel) -> Parcel;
        /// Argument, ordering and return fields to the fields of the intermediate state.
        fn state_fields(request: Parcel) -> Parcel;
        /// The value over no rows, of a type.
        fn default_value(request: Parcel) -> Parcel;
        /// Whether the result only grows or only shrinks as rows are added.
        fn set_monotonicity(request: Parcel) -> Parcel;
        /// The result as far as table statistics give it.
        fn value_from_stats(request: Parcel) -> Parcel;
        /// The function for an input order that helps, or does not.
        fn with_beneficial_ordering(beneficial: bool) -> ROption<AggregateFunctionObject>;
        /// The function over the reversed input: [`message::Reversal`](crate::abi::message::Reversal).
        fn reversal() -> Parcel;
        /// The function that [`Self::reversal`] promises.
        fn reversed() -> AggregateFunctionObject;
        /// Fixes argument, ordering and return fields, constants and clauses.
        fn bind(request: Parcel) -> BoundAggregateFunctionObject;
    }
}

interface! {
    /// An aggregate function with its types fixed: makes accumulators.
    Shared trait BoundAggregateFunction / BoundAggregateFunctionVTable / BoundAggregateFunctionVTableRef / BoundAggregateFunctionObject;
    ref {
        /// The types of the intermediate state. They may differ from those of
        /// [`AggregateFunction::state_fields`] in the names of nested fields: authors name such
        /// fields after the ordering expressions, which are others on the host.
        fn state_types() -> Parcel;
        /// An accumulator of one group.
        fn accumulator() -> AccumulatorObject;
        /// An accumulator of a sliding window frame.
        fn sliding_accumulator() -> AccumulatorObject;
        /// An accumulator of many groups. Every aggregate function has one: where the author
        /// wrote none, it is made of accumulators of one group on the plugin's side, so that a
        /// batch crosses once however many groups it has.
        fn groups_accumulator() -> GroupsAccumulatorObject;
    }
}

interface! {
    /// The state of one group. Arrays are of the argument and state types it was made with.
    Shared trait Accumulator / AccumulatorVTable / AccumulatorVTableRef / AccumulatorObject;
    ref {
        /// Bytes held.
        fn size() -> usize;
        /// Whether rows can be taken back.
        fn supports_retract_batch() -> bool;
    }
    mut {
        /// Adds rows.
        fn update_batch(values: RSliceMut<'_, ArrowArray>) -> ();
        /// Adds intermediate states.
        fn merge_batch(states: RSliceMut<'_, ArrowArray>) -> ();
        /// Takes rows back.
        fn retract_batch(values: RSliceMut<'_, ArrowArray>) -> ();
        /// The result, one row.
        fn evaluate() -> ArrowArray;
        /// The intermediate state, one row per field.
        fn state() -> RVec<ArrowArray>;
    }
}

interface! {
    /// The states of many groups.
    Exclusive trait GroupsAccumulator / GroupsAccumulatorVTable / GroupsAccumulatorVTableRef / GroupsAccumulatorObject;
    ref {
        /// Bytes held.
        fn size() -> usize;
        /// Rows as intermediate states of one row each; `groups` gives the filter alone.
        fn convert_to_state(values: RSliceMut<'_, ArrowArray>, groups: Groups<'_>) -> RVec<ArrowArray>;
    }
    mut {
        /// Adds rows.
        fn update_batch(values: RSliceMut<'_, ArrowArray>, groups: Groups<'_>) -> ();
        /// Adds intermediate states.
        fn merge_batch(states: RSliceMut<'_, ArrowArray>, groups: Groups<'_>) -> ();
        /// Results of groups, which are then forgotten.
        fn evaluate(emit: Emit) -> ArrowArray;
        /// Intermediate states of groups, which are then forgotten.
        fn state(emit: Emit) -> RVec<ArrowArray>;
    }
}
