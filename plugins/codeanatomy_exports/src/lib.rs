//! Source code as tables: stable identifiers, byte spans, Python syntax and interval alignment.
//!
//! `plugins/codeanatomy` makes a plugin of this crate. Linked in, its functions are registered like
//! any others.

mod aggregate;
mod arguments;
mod column;
mod digest;
mod interval;
mod kernel;
mod macros;
mod options;
mod planner;
mod python;
mod scalar;
mod semantic;
mod snapshot;
mod sorts;
mod span;
mod window;

pub use aggregate::aggregate_functions;
pub use interval::IntervalAlign;
pub use macros::{Macros, TableMacros};
pub use options::Options;
pub use planner::{Operators, Types};
pub use python::PythonSyntax;
pub use scalar::scalar_functions;
pub use snapshot::SnapshotFilter;
pub use sorts::RedundantSorts;
pub use window::window_functions;
