//! The author's side: from DataFusion's own traits to an exported plugin.

mod accumulator;
mod aggregate;
mod arguments;
mod arrays;
mod completion;
mod export;
mod functions;
mod groups_accumulator;
mod instance;
mod interned;
mod log;
mod partition_evaluator;
mod plugin;
mod runtime;
mod scalar;
#[cfg(feature = "tables")]
mod session;
#[cfg(feature = "tables")]
mod stream;
#[cfg(feature = "tables")]
mod table_function;
mod window;

pub use self::log::HostSubscriber;
#[cfg(feature = "simplify")]
pub use export::SIMPLIFY_NEEDS_FEATURE_SIMPLIFY;
pub use export::{ActivationContext, Author, activate, declares_simplify};
pub use plugin::{AsyncScalarOptions, Plugin};
pub use runtime::runtime;
#[cfg(feature = "tables")]
pub use stream::StreamedTable;
