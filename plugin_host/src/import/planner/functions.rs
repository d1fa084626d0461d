//! The functions and tables that a plugin's plans name.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
};

use datafusion::{
    common::Result,
    datasource::provider_as_source,
    execution::SessionStateDefaults,
    logical_expr::{AggregateUDF, ScalarUDF, TableSource, WindowUDF},
};
use datafusion_plugin_api::{
    abi::{CallError, Parcel, PlanObjectsObject, Planned, message::FunctionReference},
    df55::plans::{HostObjects, PluginFunctions},
};

use crate::import::{
    aggregate::{self, AggregateFunction, PluginAggregateUdf},
    origin::Origin,
    scalar::{PluginScalarUdf, ScalarFunction, builtins, reference_of},
    table::PluginTable,
    window::{self, PluginWindowUdf, WindowFunction},
};

/// The objects of one call of a planner or rule.
pub(in crate::import) struct PlanCall {
    /// The host's.
    pub(in crate::import) objects: Arc<HostObjects>,
    /// What the reply brings; nothing before.
    brought: Arc<OnceLock<PlanObjectsObject>>,
}

impl PlanCall {
    pub(in crate::import) fn new(origin: &Origin) -> Self {
        let brought = Arc::new(OnceLock::new());
        let objects = HostObjects::new(PlannedFunctions {
            origin: origin.clone(),
            objects: Arc::clone(&brought),
            sent: Mutex::default(),
        });
        Self { objects, brought }
    }

    /// The reply, whose objects are at hand from now on.
    pub(in crate::import) fn reply(&self, planned: Planned) -> Parcel {
        if let Some(brought) = planned.objects.into_option() {
            // There is one reply in a call.
            let _ = self.brought.set(brought);
        }
        planned.reply
    }
}

/// What the host knows of the plugin, during one call.
struct PlannedFunctions {
    origin: Origin,
    objects: Arc<OnceLock<PlanObjectsObject>>,
    sent: Mutex<Sent>,
}

/// The plugin's own functions that went to it, by its numbers for them: those that come back have the names that
/// they have in the session, which columns are named after.
#[derive(Default)]
struct Sent {
    scalar: HashMap<u64, Arc<ScalarUDF>>,
    aggregate: HashMap<u64, Arc<AggregateUDF>>,
    window: HashMap<u64, Arc<WindowUDF>>,
}

impl PlannedFunctions {
    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn objects(&self) -> Result<&PlanObjectsObject, CallError> {
        self.objects.get().ok_or_else(|| {
            CallError::contract(
                "a question with an object of the plugin's, which only replies have",
            )
        })
    }

    fn imported<T>(&self, result: Result<T, CallError>) -> Result<T> {
        self.origin.call(|| result)
    }

    /// The name that every session has the function under.
    fn qualified(&self, name: &str) -> String {
        format!("{}.{name}", self.origin.plugin().name())
    }
}

/// The functions that DataFusion brings along, by name.
fn builtin_aggregates() -> &'static HashMap<String, Arc<AggregateUDF>> {
    static BUILTINS: LazyLock<HashMap<String, Arc<AggregateUDF>>> = LazyLock::new(|| {
        let functions = SessionStateDefaults::default_aggregate_functions().into_iter();
        functions.map(|f| (f.name().to_owned(), f)).collect()
    });
    &BUILTINS
}

fn builtin_windows() -> &'static HashMap<String, Arc<WindowUDF>> {
    static BUILTINS: LazyLock<HashMap<String, Arc<WindowUDF>>> = LazyLock::new(|| {
        let functions = SessionStateDefaults::default_window_functions().into_iter();
        functions.map(|f| (f.name().to_owned(), f)).collect()
    });
    &BUILTINS
}

impl PluginFunctions for PlannedFunctions {
    fn scalar_reference(&self, function: &ScalarUDF) -> Option<FunctionReference> {
        let reference = reference_of(self.origin.plugin(), function)?;
        let mut sent = self.sent();
        let known = sent.scalar.entry(reference.identity);
        known.or_insert_with(|| Arc::new(function.clone()));
        Some(reference)
    }

    fn aggregate_reference(&self, function: &AggregateUDF) -> Option<FunctionReference> {
        let reference = aggregate::reference_of(self.origin.plugin(), function)?;
        let mut sent = self.sent();
        let known = sent.aggregate.entry(reference.identity);
        known.or_insert_with(|| Arc::new(function.clone()));
        Some(reference)
    }

    fn window_reference(&self, function: &WindowUDF) -> Option<FunctionReference> {
        let reference = window::reference_of(self.origin.plugin(), function)?;
        let mut sent = self.sent();
        let known = sent.window.entry(reference.identity);
        known.or_insert_with(|| Arc::new(function.clone()));
        Some(reference)
    }

    fn scalar(&self, reference: &FunctionReference) -> Result<Arc<ScalarUDF>> {
        // A plugin that exports a copy of a built-in means its own.
        if reference.export.is_none()
            && let Some(builtin) = builtins().find(reference)
        {
            return Ok(builtin);
        }
        if let Some(sent) = self.sent().scalar.get(&reference.identity) {
            return Ok(Arc::clone(sent));
        }
        let exported = reference.export.is_some();
        let function = self
            .origin
            .plugin()
            .sibling(reference.identity, exported, || {
                let object = self.objects()?.scalar_function(reference.identity)?;
                ScalarFunction::import_derived(&self.origin, object)
            });
        let function = self.imported(function)?;
        let name = function.name_in_sessions();
        Ok(Arc::new(
            PluginScalarUdf::new(name, Vec::new(), function).into(),
        ))
    }

    fn aggregate(&self, reference: &FunctionReference) -> Result<Arc<AggregateUDF>> {
        if reference.export.is_none()
            && let Some(builtin) = builtin_aggregates().get(&reference.name)
            && format!("{:?}", builtin.inner()) == reference.debug
        {
            return Ok(Arc::clone(builtin));
        }
        if let Some(sent) = self.sent().aggregate.get(&reference.identity) {
            return Ok(Arc::clone(sent));
        }
        let import = || {
            let object = self.objects()?.aggregate_function(reference.identity)?;
            AggregateFunction::import_derived(&self.origin, object)
        };
        let function = Arc::new(self.imported(import())?);
        let name = self.qualified(&reference.name);
        Ok(Arc::new(
            PluginAggregateUdf::new(name, Vec::new(), function).into(),
        ))
    }

    fn window(&self, reference: &FunctionReference) -> Result<Arc<WindowUDF>> {
        if reference.export.is_none()
            && let Some(builtin) = builtin_windows().get(&reference.name)
            && format!("{:?}", builtin.inner()) == reference.debug
        {
            return Ok(Arc::clone(builtin));
        }
        if let Some(sent) = self.sent().window.get(&reference.identity) {
            return Ok(Arc::clone(sent));
        }
        let import = || {
            let object = self.objects()?.window_function(reference.identity)?;
            WindowFunction::import_derived(&self.origin, object)
        };
        let function = Arc::new(self.imported(import())?);
        let name = self.qualified(&reference.name);
        Ok(Arc::new(
            PluginWindowUdf::new(name, Vec::new(), function).into(),
        ))
    }

    fn source(&self, number: u64) -> Result<Arc<dyn TableSource>> {
        let table = self.imported(self.objects().and_then(|objects| objects.table(number)))?;
        let table = PluginTable::new(self.origin.clone(), table)?;
        Ok(provider_as_source(Arc::new(table)))
    }
}
