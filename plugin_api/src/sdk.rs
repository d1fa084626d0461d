//! The author's side: from DataFusion's own traits to an exported plugin.

mod completion;
mod export;
mod functions;
mod instance;
mod log;
mod plugin;
mod runtime;
mod scalar;
#[cfg(feature = "tables")]
mod session;
#[cfg(feature = "tables")]
mod stream;
#[cfg(feature = "tables")]
mod table_function;

pub use self::log::HostSubscriber;
pub use export::{ActivationContext, Author, activate};
pub use plugin::{AsyncScalarOptions, Plugin};
pub use runtime::runtime;
#[cfg(feature = "tables")]
pub use stream::StreamedTable;
