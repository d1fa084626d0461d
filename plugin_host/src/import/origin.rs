//! The plugin that an adapter belongs to.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::common::DataFusionError;
use datafusion_plugin_api::{
    abi::{CallError, ErrorKind},
    df55::error::from_call_error,
};

use super::{factory::Creations, metrics::ItemMetrics, scalar::ScalarFunction};

/// One activation of one plugin. Equal only to itself.
#[derive(Debug)]
pub(crate) struct Activated {
    name: String,
    number: u64,
    table_expressions: bool,
    siblings: Mutex<Siblings>,
    creations: Creations,
}

/// Scalar functions that rewritten expressions mentioned, by the plugin's number for them.
#[derive(Debug, Default)]
struct Siblings {
    exports: HashMap<u64, Arc<ScalarFunction>>,
    /// A plugin may make one per query: they live as long as the plans that have them.
    others: HashMap<u64, Weak<ScalarFunction>>,
    /// How many others are too many to go on without a look for dead ones.
    look_at: usize,
}

impl Siblings {
    fn get(&self, identity: u64) -> Option<Arc<ScalarFunction>> {
        let export = self.exports.get(&identity).cloned();
        export.or_else(|| self.others.get(&identity)?.upgrade())
    }

    fn insert(&mut self, identity: u64, exported: bool, function: &Arc<ScalarFunction>) {
        if exported {
            self.exports.insert(identity, Arc::clone(function));
            return;
        }
        if self.others.len() >= self.look_at.max(64) {
            self.others.retain(|_, known| known.strong_count() > 0);
            self.look_at = 2 * self.others.len();
        }
        self.others.insert(identity, Arc::downgrade(function));
    }
}

impl Activated {
    /// `table_expressions` says that filters, deletes and updates are granted.
    pub(crate) fn new(name: &str, table_expressions: bool) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            name: name.to_owned(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            table_expressions,
            siblings: Mutex::default(),
            creations: Creations::default(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the plugin's tables are sent expressions.
    pub(crate) fn takes_table_expressions(&self) -> bool {
        self.table_expressions
    }

    /// What its function factories were lent.
    pub(crate) fn creations(&self) -> &Creations {
        &self.creations
    }

    /// The scalar function of a number, made once while it is in use; an export is always in use.
    pub(crate) fn sibling(
        &self,
        identity: u64,
        exported: bool,
        make: impl FnOnce() -> Result<ScalarFunction, CallError>,
    ) -> Result<Arc<ScalarFunction>, CallError> {
        let mut siblings = self.siblings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = siblings.get(identity) {
            return Ok(known);
        }
        let function = Arc::new(make()?);
        siblings.insert(identity, exported, &function);
        Ok(function)
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

    /// The origin of an item of another name whose calls are counted as this one's.
    pub(crate) fn named(&self, item: &str) -> Self {
        Self {
            item: item.into(),
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
        from_call_error(self.attribute(error))
    }

    /// Counts an error of a call and names plugin and item in it.
    #[cold]
    pub(crate) fn attribute(&self, error: CallError) -> CallError {
        self.metrics.failed(error.kind() == ErrorKind::Panic);
        error.at(self.plugin.name(), &self.item, "", "")
    }

    /// Counts and logs an error where DataFusion's trait has no way to return it, and goes on with
    /// the default.
    #[cold]
    pub(crate) fn passed_over<T: Default>(&self, error: CallError) -> T {
        self.tell(&self.error(error));
        T::default()
    }

    /// Tells of an error that the caller goes on without.
    #[cold]
    pub(crate) fn tell(&self, error: &DataFusionError) {
        tracing::warn!(plugin = self.plugin.name(), item = &*self.item, %error, "passed over");
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

/// Has panics that were contained while a plugin's object was dropped reported as events, since no
/// call can return them.
pub(crate) fn report_drop_failures() {
    datafusion_plugin_api::abi::on_drop_failure(|error| {
        let origin = error.origin();
        tracing::error!(
            plugin = origin.plugin.as_str(),
            item = origin.item.as_str(),
            location = origin.location.as_str(),
            "{error}"
        );
    });
}
