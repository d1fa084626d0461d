//! Types and operators of SQL.

mod operators;
mod types;

pub use operators::Operators;
pub use types::Types;
