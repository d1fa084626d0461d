//! The plugin that an adapter belongs to.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use datafusion::common::DataFusionError;
use datafusion_plugin_api::{
    abi::{CallError, ErrorKind, PluginInstanceObject, Validation},
    df55::error::from_call_error,
};

use super::{
    drops,
    factory::Creations,
    health::Health,
    limits::Limits,
    metrics::{Begun, Fault, ItemMetrics},
    scalar::ScalarFunction,
};
use crate::{config::Config, load::Library};

/// One activation of one plugin. Equal only to itself.
#[derive(Debug)]
pub(crate) struct Activated {
    name: String,
    number: u64,
    /// What its code is in.
    library: Option<Library>,
    table_expressions: bool,
    validation: Validation,
    health: Health,
    limits: Limits,
    /// Those in use.
    items: Mutex<Vec<(Arc<str>, Weak<ItemMetrics>)>>,
    siblings: Mutex<Siblings>,
    creations: Creations,
    retired: AtomicBool,
    /// Lives as long as anything of the plugin's, which may rely on what activation set up.
    instance: OnceLock<PluginInstanceObject>,
}

/// Scalar functions that rewritten expressions mentioned, by the plugin's number for them.
#[derive(Debug, Default)]
struct Siblings {
    exports: HashMap<u64, Arc<ScalarFunction>>,
    /// A plugin may make one per query: they live as long as the plans that have them.
    others: HashMap<u64, Weak<ScalarFunction>>,
    /// How many others are too many to go on without a look for dead ones.
    look_at: usize,
    /// Exports, too, live as long as the plans that have them: they hold the activation.
    retired: bool,
}

impl Siblings {
    fn get(&self, identity: u64) -> Option<Arc<ScalarFunction>> {
        let export = self.exports.get(&identity).cloned();
        export.or_else(|| self.others.get(&identity)?.upgrade())
    }

    fn insert(&mut self, identity: u64, exported: bool, function: &Arc<ScalarFunction>) {
        if exported && !self.retired {
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
    pub(crate) fn new(
        name: &str,
        library: Option<Library>,
        table_expressions: bool,
        config: &Config,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let activated = Arc::new(Self {
            name: name.to_owned(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            library,
            table_expressions,
            validation: config.validation(name),
            health: Health::new(config.quarantine(name)),
            limits: Limits::new(name, config),
            items: Mutex::default(),
            siblings: Mutex::default(),
            creations: Creations::default(),
            retired: AtomicBool::new(false),
            instance: OnceLock::new(),
        });
        drops::know(&activated);
        activated
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn library(&self) -> Option<Library> {
        self.library
    }

    /// Whether another version has taken its place, or none has: its names are free.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    /// Lets go of what it keeps of itself, once it is not installed any more.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        let mut siblings = self.siblings.lock().unwrap_or_else(PoisonError::into_inner);
        siblings.retired = true;
        let exports = std::mem::take(&mut siblings.exports);
        drop(siblings);
        drop(exports);
    }

    /// Keeps what was activated.
    pub(crate) fn keep(&self, instance: PluginInstanceObject) {
        // There is one in an activation.
        let _ = self.instance.set(instance);
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How far its arrays are looked at.
    pub(crate) fn validation(&self) -> Validation {
        self.validation
    }

    /// Counts a panic of an item that no call could return.
    pub(super) fn panicked(&self, item: &str, error: &CallError) {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let found = items.iter().find(|(name, _)| **name == *item);
        if let Some(metrics) = found.and_then(|(_, metrics)| metrics.upgrade()) {
            metrics.failed(Fault::Panic);
        }
        drop(items);
        self.fault(item, error);
    }

    fn fault(&self, item: &str, error: &CallError) {
        if let Some(begun) = self.health.fault(item, error) {
            tracing::error!(plugin = self.name, reason = begun.reason, "quarantined");
        }
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
        let siblings = || self.siblings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = siblings().get(identity) {
            return Ok(known);
        }
        // Outside the lock: it asks the plugin, which may block.
        let function = Arc::new(make()?);
        let mut siblings = siblings();
        if let Some(known) = siblings.get(identity) {
            drop(siblings);
            return Ok(known);
        }
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
        let item: Arc<str> = item.into();
        let mut items = plugin.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.push((Arc::clone(&item), Arc::downgrade(&metrics)));
        drop(items);
        Self {
            plugin,
            item,
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

    /// Refuses when the plugin is in quarantine.
    #[inline]
    pub(crate) fn admit(&self) -> Result<(), CallError> {
        match self.plugin.health.is_quarantined() {
            false => Ok(()),
            true => Err(self.plugin.health.refusal()),
        }
    }

    /// Makes a call, unless the plugin is in quarantine; an error is counted and has plugin and item
    /// named.
    #[inline]
    pub(crate) fn call<T>(
        &self,
        call: impl FnOnce() -> Result<T, CallError>,
    ) -> Result<T, DataFusionError> {
        let answer = self.admit().and_then(|()| call());
        answer.map_err(|error| self.error(error))
    }

    /// Makes a call of planning, unless the plugin is in quarantine: elsewhere, where it has a limit of
    /// time.
    pub(crate) fn plan<O, A, T>(
        &self,
        object: &Arc<O>,
        method: fn(&O, A) -> Result<T, CallError>,
        argument: A,
    ) -> Result<T, CallError>
    where
        O: Send + Sync + 'static,
        A: Send + 'static,
        T: Send + 'static,
    {
        self.admit()?;
        let Limits {
            planning, threads, ..
        } = self.plugin.limits();
        let Some(limit) = *planning else {
            return method(object, argument);
        };
        let object = Arc::clone(object);
        threads.run(limit, move || method(&object, argument))?
    }

    /// Makes, counts and times a call on a batch of so many rows, unless the plugin is in
    /// quarantine.
    #[inline]
    pub(crate) fn on_batch<T>(
        &self,
        rows: usize,
        call: impl FnOnce() -> Result<T, DataFusionError>,
    ) -> Result<T, DataFusionError> {
        self.admit().map_err(|error| self.error(error))?;
        let begun = self.begin();
        let answer = call();
        self.end(begun, 1, rows);
        answer
    }

    /// Begins a call on data.
    #[inline]
    pub(crate) fn begin(&self) -> Begun {
        if tracing::enabled!(tracing::Level::TRACE) {
            return Begun::timed();
        }
        self.metrics.begin()
    }

    /// Counts a call on data; how many nanoseconds it took, where it was timed.
    #[inline]
    pub(crate) fn end(&self, begun: Begun, batches: u64, rows: usize) -> Option<u64> {
        let took = self.metrics.end(begun, batches, rows);
        self.called(batches, rows, took);
        took
    }

    /// Counts a call on data that took so long, wherever it was made.
    pub(crate) fn took(&self, took: Duration, batches: u64, rows: usize) {
        let took = self.metrics.took(took, batches, rows);
        self.called(batches, rows, Some(took));
    }

    #[inline]
    fn called(&self, batches: u64, rows: usize, nanoseconds: Option<u64>) {
        tracing::trace!(
            plugin = self.plugin.name(),
            item = &*self.item,
            batches,
            rows,
            nanoseconds,
            "called"
        );
    }

    /// Counts an error of a call and turns it into DataFusion's, with plugin and item named.
    #[cold]
    pub(crate) fn error(&self, error: CallError) -> DataFusionError {
        from_call_error(self.attribute(error))
    }

    /// Counts an error of a call and names plugin and item in it.
    #[cold]
    pub(crate) fn attribute(&self, error: CallError) -> CallError {
        let fault = match error.kind() {
            _ if error.is_not_called() => Fault::Refused,
            ErrorKind::Panic => Fault::Panic,
            _ if error.is_violation() => Fault::Violation,
            _ => Fault::Error,
        };
        self.failed(fault, error)
    }

    /// An answer that the host refuses although it could be read, with plugin and item named.
    #[cold]
    pub(crate) fn violation(&self, error: CallError) -> DataFusionError {
        from_call_error(self.failed(Fault::Violation, error))
    }

    /// A call that does not fit what was planned, by no fault of the plugin's.
    #[cold]
    pub(crate) fn unfit(&self, message: String) -> DataFusionError {
        from_call_error(self.failed(Fault::Error, CallError::contract(message)))
    }

    /// An error that is no failure, with plugin and item named.
    #[cold]
    pub(crate) fn left_to_others(&self, error: CallError) -> DataFusionError {
        from_call_error(self.named_in(error))
    }

    fn named_in(&self, error: CallError) -> CallError {
        let plugin = self.plugin.name();
        error.attributed_to(plugin).at(plugin, &self.item, "", "")
    }

    fn failed(&self, fault: Fault, error: CallError) -> CallError {
        self.metrics.failed(fault);
        let (plugin, item) = (self.plugin.name(), &*self.item);
        match fault {
            Fault::Panic => tracing::debug!(plugin, item, %error, "panic"),
            Fault::Violation => tracing::warn!(plugin, item, %error, "violation of the contract"),
            Fault::Error | Fault::Uncarried | Fault::Refused => {
                tracing::debug!(plugin, item, %error, "failed")
            }
        }
        if matches!(fault, Fault::Panic | Fault::Violation) {
            self.plugin.fault(item, &error);
        }
        self.named_in(error)
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
