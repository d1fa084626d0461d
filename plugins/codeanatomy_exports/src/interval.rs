//! Interval alignment: `FROM interval_align(left, right, ...)`.

mod best;
mod call;
mod mode;
mod planner;
mod window;

pub use planner::IntervalAlign;
