//! Source code as tables: stable identifiers, byte spans and Python syntax.
//!
//! `plugins/codeanatomy` makes a plugin of this crate. Linked in, its functions are registered like
//! any others.

mod aggregate;
mod arguments;
mod column;
mod digest;
mod kernel;
mod options;
mod python;
mod scalar;
mod semantic;
mod span;
mod window;

pub use aggregate::aggregate_functions;
pub use options::Options;
pub use python::PythonSyntax;
pub use scalar::scalar_functions;
pub use window::window_functions;
