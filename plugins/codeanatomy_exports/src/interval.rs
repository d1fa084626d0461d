//! Interval alignment: `FROM interval_align(left, right, ...)`.

mod aligned;
mod best;
mod call;
mod held;
mod mode;
mod plan;
mod planner;
mod rank;
mod rows;
mod side;

pub use planner::IntervalAlign;
