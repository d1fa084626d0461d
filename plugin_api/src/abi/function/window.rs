//! Window functions and their partition evaluators.

use abi_stable::{StableAbi, std_types::RSliceMut};

use crate::abi::{ArrowArray, Parcel, Value};

/// Rows `start..end`.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first row.
    pub start: usize,
    /// The row after the last.
    pub end: usize,
}

/// What an evaluator may read and change of a window's running state.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct WindowState {
    /// The frame of the row that was computed last.
    pub frame: Range,
    /// The row to be computed next.
    pub last_calculated_index: usize,
    /// Rows already pruned from the start of the partition.
    pub offset_pruned_rows: usize,
    /// Results still missing.
    pub n_row_result_missing: usize,
    /// Whether the partition has ended.
    pub is_end: bool,
    /// The results so far, of the return type.
    pub results: ArrowArray,
}

interface! {
    /// A window function as planning sees it.
    Shared trait WindowFunction / WindowFunctionVTable / WindowFunctionVTableRef / WindowFunctionObject;
    ref {
        /// [`message::FunctionDescriptor`](crate::abi::message::FunctionDescriptor).
        fn describe() -> Parcel;
        /// The same number for functions of one plugin that compare equal.
        fn identity() -> u64;
        /// Argument fields and display name to the field of the result.
        fn field(request: Parcel) -> Parcel;
        /// Argument types to the types that they are coerced to.
        fn coerce_types(request: Parcel) -> Parcel;
        /// Which arguments are to be evaluated for the evaluator, and what constants besides.
        fn expressions(request: Parcel) -> Parcel;
        /// How a limit above the window may be pushed below it.
        fn limit_effect(request: Parcel) -> Parcel;
        /// The function over the reversed window: [`message::Reversal`](crate::abi::message::Reversal).
        fn reversal() -> Parcel;
        /// The function that [`Self::reversal`] promises.
        fn reversed() -> WindowFunctionObject;
        /// The evaluator of one partition.
        fn partition_evaluator(request: Parcel) -> PartitionEvaluatorObject;
    }
}

interface! {
    /// Computes a window function over one partition.
    Exclusive trait PartitionEvaluator / PartitionEvaluatorVTable / PartitionEvaluatorVTableRef / PartitionEvaluatorObject;
    ref {
        /// Whether only rows up to the current one matter.
        fn is_causal() -> bool;
        /// Whether rows are computed one by one.
        fn supports_bounded_execution() -> bool;
        /// Whether the window frame matters.
        fn uses_window_frame() -> bool;
        /// Whether only the ranks matter.
        fn include_rank() -> bool;
        /// The rows that the result of a row needs.
        fn get_range(row: usize, rows: usize) -> Range;
        /// The results of a partition from the ranks of its rows.
        fn evaluate_all_with_rank(rows: usize, ranks: RSliceMut<'_, Range>) -> ArrowArray;
    }
    mut {
        /// Lets the evaluator forget what it no longer needs.
        fn memoize(state: &mut WindowState) -> ();
        /// The results of a whole partition.
        fn evaluate_all(values: RSliceMut<'_, ArrowArray>, rows: usize) -> ArrowArray;
        /// The argument columns of the calls of [`Self::evaluate`] that follow.
        fn load(values: RSliceMut<'_, ArrowArray>) -> ();
        /// The result of one row.
        fn evaluate(range: Range) -> Value;
    }
}
