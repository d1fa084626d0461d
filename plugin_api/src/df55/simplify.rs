//! `ScalarUDFImpl::simplify` and `preimage` across the boundary.
//!
//! The host sends a call's arguments, the author's method runs in the plugin, a rewritten
//! expression comes back. What the plugin sees of an argument is what it can work on: columns,
//! literals, casts, operators, `CASE`. Everything else (calls of functions that are not the
//! plugin's own, subqueries, outer references, lambdas, ...) stays on the host and is a column of
//! the right type to the plugin; in the result it is the very same expression again.
//!
//! Functions in a rewritten expression are, in this order: the host's adapter for a function that
//! the plugin exports; the host's own built-in, when name and `Debug` text agree; a function that
//! only the plugin has.
//!
//! Not carried: metadata and functional dependencies of the schema, and columns of it that no
//! argument mentions.

mod host;
mod plugin;

#[cfg(test)]
mod tests;

pub use host::{HostFunctions, preimage_of_call, simplify_call};
pub use plugin::{answer_preimage, answer_simplify};

/// Names of the columns by which the plugin sees what stayed on the host.
const KEPT: &str = "__df_plugin_arg_";
