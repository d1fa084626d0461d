//! Window functions and their partition evaluators.

use abi_stable::{
    StableAbi,
    std_types::{RSlice, RSliceMut, RVec},
};

use crate::abi::{ArrowArray, ArrowSchema, Parcel};

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

/// One value of the return type that was bound. Values of up to 16 bytes need no array.
#[repr(C, u8)]
#[derive(StableAbi, Debug)]
pub enum RowValue {
    /// Null.
    Null,
    /// A boolean, number, date, time or timestamp: its bytes, little-endian, zeroes after them.
    Inline([u8; 16]),
    /// An array of one row.
    Array(ArrowArray),
}

/// Results of consecutive rows, and the rows that each was computed from.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Rows {
    /// Per row, the rows that it needed.
    pub ranges: RVec<Range>,
    /// Per row, the result, of the return type that was bound.
    pub results: ArrowArray,
}

/// What does not change while an evaluator lives.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluatorTraits {
    /// Only rows up to the current one matter.
    pub is_causal: bool,
    /// Rows can be computed one by one.
    pub supports_bounded_execution: bool,
    /// The window frame matters.
    pub uses_window_frame: bool,
    /// Only the ranks matter.
    pub include_rank: bool,
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
        /// Fixes argument fields, constants and clauses.
        fn bind(request: Parcel) -> BoundWindowFunctionObject;
    }
}

interface! {
    /// A window function with its types fixed: makes evaluators.
    Shared trait BoundWindowFunction / BoundWindowFunctionVTable / BoundWindowFunctionVTableRef / BoundWindowFunctionObject;
    ref {
        /// The type of the results, then those of the columns that evaluators are given.
        fn types() -> Parcel;
        /// The evaluator of one partition.
        fn partition_evaluator() -> PartitionEvaluatorObject;
    }
}

interface! {
    /// Computes a window function over one partition.
    Exclusive trait PartitionEvaluator / PartitionEvaluatorVTable / PartitionEvaluatorVTableRef / PartitionEvaluatorObject;
    ref {
        /// What does not change.
        fn traits() -> EvaluatorTraits;
        /// The rows that the result of a row needs.
        fn get_range(row: usize, rows: usize) -> Range;
        /// The results of a partition from the ranks of its rows.
        fn evaluate_all_with_rank(rows: usize, ranks: RSlice<'_, Range>) -> ArrowArray;
    }
    mut {
        /// Lets the evaluator forget what it no longer needs. The callee takes the results, and
        /// gives results back where it changed them.
        fn memoize(state: &mut WindowState) -> ();
        /// The results of a whole partition.
        fn evaluate_all(values: RSliceMut<'_, ArrowArray>, rows: usize) -> ArrowArray;
        /// The columns of the evaluations that follow: those of the types that were bound, then the
        /// window's ordering columns. `ordering` has a field for each of the latter; it is
        /// released when they are of the same types as at the last call.
        fn load(values: RSliceMut<'_, ArrowArray>, ordering: ArrowSchema) -> ();
        /// The result of one row, for evaluators that use the window frame.
        fn evaluate(range: Range) -> RowValue;
        /// The results of `row` and of the rows after it, for evaluators that find their range
        /// themselves: as many as are sure to be asked for by a caller that asks row by row for a
        /// partition of which `rows` rows are known. Such a caller stops before a row whose range
        /// ends with the last known row, unless the evaluator is causal or the partition has
        /// ended; that it asks for `row` says that it has not stopped there.
        fn evaluate_rows(row: usize, rows: usize) -> Rows;
    }
}
