//! Interfaces of functions: scalar (sync and async), aggregate, window.

mod aggregate;
mod scalar;
mod window;

pub use aggregate::{
    Accumulator, AccumulatorObject, AggregateFunction, AggregateFunctionObject,
    BoundAggregateFunction, BoundAggregateFunctionObject, Emit, Groups, GroupsAccumulator,
    GroupsAccumulatorObject,
};
pub use scalar::{
    Argument, ArgumentKind, BoundScalarFunction, BoundScalarFunctionObject, Completion,
    CompletionObject, ScalarFunction, ScalarFunctionObject, Value,
};
pub use window::{
    BoundWindowFunction, BoundWindowFunctionObject, EvaluatorTraits, PartitionEvaluator,
    PartitionEvaluatorObject, Range, RowValue, Rows, WindowFunction, WindowFunctionObject,
    WindowState,
};
