//! Physical plans as messages and back, in either direction.
//!
//! A node of DataFusion's own is copied as DataFusion's protobuf where the copy is proven to be the
//! node: it is read back at once and compared. Every other node (scans, nodes of other crates, nodes
//! that share state with another, such as a dynamic filter) stays on the host and crosses as its
//! number; the plugin has a stand-in, which asks the host. Copied or not, a node that comes back as it
//! was sent is the very object that the host has.
//!
//! `datafusion-ffi` has physical rules too. It hands every node over as a stand-in, so that a rule finds
//! no `FilterExec` and no `SortExec` in its plan, and contains no panic.

mod codec;
mod copy;
mod describe;
mod functions;
mod held;
mod host;
mod plugin;
mod stub;
mod walk;

pub use host::HostPhysical;
pub use plugin::{PhysicalConnection, PluginPhysical};

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use datafusion_common::config::ConfigOptions;
use datafusion_execution::{TaskContext, config::SessionConfig, runtime_env::RuntimeEnv};

/// What nodes are read in: no functions but those of the codec.
fn reading_context(options: &ConfigOptions) -> TaskContext {
    static RUNTIME: LazyLock<Arc<RuntimeEnv>> = LazyLock::new(Arc::default);
    TaskContext::new(
        None,
        String::new(),
        SessionConfig::from(options.clone()),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        Arc::clone(&RUNTIME),
    )
}
