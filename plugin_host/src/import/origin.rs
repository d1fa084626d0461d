//! The plugin that an adapter belongs to.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::common::DataFusionError;
use datafusion_plugin_api::{
    abi::{CallError, ErrorKind},
    df55::error::from_call_error,
};

use super::metrics::ItemMetrics;

/// One activation of one plugin. Equal only to itself.
#[derive(Debug)]
pub(crate) struct Activated {
    name: String,
    number: u64,
}

impl Activated {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            name: name.to_owned(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// The item of a plugin that an adapter stands for: names it in errors, counts its calls, and tells
/// it from others.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    plugin: Arc<Activated>,
    item: Arc<str>,
    /// The plugin's number for the item; items that compare equal inside the plugin share it.
    identity: u64,
    metrics: Arc<ItemMetrics>,
}

impl Origin {
    pub(crate) fn new(
        plugin: Arc<Activated>,
        item: &str,
        identity: u64,
        metrics: Arc<ItemMetrics>,
    ) -> Self {
        Self {
            plugin,
            item: item.into(),
            identity,
            metrics,
        }
    }

    /// The origin of another item of the plugin that derives from this one.
    pub(crate) fn derived(&self, identity: u64) -> Self {
        Self {
            identity,
            ..self.clone()
        }
    }

    pub(crate) fn plugin(&self) -> &Arc<Activated> {
        &self.plugin
    }

    pub(crate) fn item(&self) -> &str {
        &self.item
    }

    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    pub(crate) fn metrics(&self) -> &Arc<ItemMetrics> {
        &self.metrics
    }

    /// Counts an error of a call and turns it into DataFusion's, with plugin and item named.
    #[cold]
    pub(crate) fn error(&self, error: CallError) -> DataFusionError {
        self.metrics.failed(error.kind() == ErrorKind::Panic);
        from_call_error(error.at(self.plugin.name(), &self.item, "", ""))
    }

    /// A breach of the contract by the plugin.
    #[cold]
    pub(crate) fn breach(&self, message: String) -> DataFusionError {
        self.error(CallError::contract(message))
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.plugin.number == other.plugin.number
            && self.identity == other.identity
            && self.item == other.item
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.plugin.number.hash(state);
        self.identity.hash(state);
        self.item.hash(state);
    }
}
