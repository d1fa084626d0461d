//! What plans of the plugin's have that is the plugin's.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use abi_stable::std_types::ROption;
use datafusion_catalog::default_table_source::DefaultTableSource;
use datafusion_expr::{AggregateUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion_session::TableProvider;
use serde::Serialize;

use super::{
    aggregate::{AggregateExport, AggregateFunctions},
    functions::Functions,
    interned::Interned,
    table::TableExport,
    window::{WindowExport, WindowFunctions},
};
use crate::{
    abi::{
        AggregateFunctionObject, CallError, Parcel, PlanHostObject, PlanObjects, PlanObjectsObject,
        Planned, ScalarFunctionObject, TableObject, WindowFunctionObject,
        message::FunctionReference,
    },
    df55::plans::{HostConnection, OwnFunctions, PluginObjects},
};

/// The plugin's functions, and the tables of one call.
pub(super) struct Own {
    scalar: Arc<Functions>,
    aggregate: Arc<AggregateFunctions>,
    window: Arc<WindowFunctions>,
    tables: Mutex<Vec<Arc<dyn TableProvider>>>,
}

impl Own {
    pub(super) fn new(
        scalar: &Arc<Functions>,
        aggregate: &Arc<AggregateFunctions>,
        window: &Arc<WindowFunctions>,
    ) -> Self {
        Self {
            scalar: Arc::clone(scalar),
            aggregate: Arc::clone(aggregate),
            window: Arc::clone(window),
            tables: Mutex::default(),
        }
    }

    /// The same plugin's, for another call.
    pub(super) fn for_call(&self) -> Arc<Self> {
        Arc::new(Self::new(&self.scalar, &self.aggregate, &self.window))
    }

    fn tables(&self) -> MutexGuard<'_, Vec<Arc<dyn TableProvider>>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken_tables(&self) -> Vec<Arc<dyn TableProvider>> {
        std::mem::take(&mut *self.tables())
    }

    #[cfg(feature = "function-factory")]
    pub(super) fn created_scalar(
        &self,
        udf: &Arc<ScalarUDF>,
    ) -> Result<ScalarFunctionObject, CallError> {
        self.scalar.created(udf)
    }

    #[cfg(feature = "function-factory")]
    pub(super) fn created_aggregate(&self, udf: Arc<AggregateUDF>) -> AggregateFunctionObject {
        self.aggregate.add(&udf);
        self.aggregate_object(udf)
    }

    #[cfg(feature = "function-factory")]
    pub(super) fn created_window(&self, udf: Arc<WindowUDF>) -> WindowFunctionObject {
        self.window.add(&udf);
        self.window_object(udf)
    }

    #[cfg(feature = "function-factory")]
    pub(super) fn table_function(
        &self,
        entry: super::table_function::TableFunctionEntry,
    ) -> crate::abi::TableFunctionObject {
        crate::abi::TableFunctionObject::new(super::table_function::TableFunctionExport {
            entry,
            functions: Arc::clone(&self.scalar),
        })
    }

    fn aggregate_object(&self, udf: Arc<AggregateUDF>) -> AggregateFunctionObject {
        AggregateExport::object(udf, &self.aggregate)
    }

    fn window_object(&self, udf: Arc<WindowUDF>) -> WindowFunctionObject {
        WindowExport::object(udf, &self.window)
    }

    /// A reply, with what the host asks for the plugin's objects in it.
    pub(super) fn planned(self: Arc<Self>, item: &str, reply: Parcel) -> Planned {
        let tables = self.taken_tables();
        let objects = PlanObjectsObject::new(Lent {
            item: item.to_owned(),
            own: self,
            tables,
        });
        Planned {
            reply,
            objects: ROption::RSome(objects),
        }
    }
}

/// The reply of one who declines, or leaves everything as it is.
pub(super) fn declined<M: Serialize + Default>() -> Result<Planned, CallError> {
    Ok(Planned {
        reply: Parcel::of(&M::default())?,
        objects: ROption::RNone,
    })
}

fn interned<T: PartialEq>(
    functions: &Interned<T>,
    function: &Arc<T>,
    name: &str,
    debug: String,
) -> FunctionReference {
    let identity = functions.identity(function);
    let export = usize::try_from(identity).ok();
    FunctionReference {
        name: name.to_owned(),
        debug,
        export: export.filter(|position| *position < functions.exports().len()),
        identity,
        ..FunctionReference::default()
    }
}

impl OwnFunctions for Own {
    fn scalar_reference(&self, function: &ScalarUDF) -> FunctionReference {
        self.scalar.table().reference(function)
    }

    fn aggregate_reference(&self, function: &Arc<AggregateUDF>) -> FunctionReference {
        let debug = format!("{:?}", function.inner());
        interned(&self.aggregate, function, function.name(), debug)
    }

    fn window_reference(&self, function: &Arc<WindowUDF>) -> FunctionReference {
        let debug = format!("{:?}", function.inner());
        interned(&self.window, function, function.name(), debug)
    }

    fn scalar(&self, reference: &FunctionReference) -> Option<Arc<ScalarUDF>> {
        self.scalar.table().get(reference.identity)
    }

    fn aggregate(&self, reference: &FunctionReference) -> Option<Arc<AggregateUDF>> {
        self.aggregate.get(reference.identity)
    }

    fn window(&self, reference: &FunctionReference) -> Option<Arc<WindowUDF>> {
        self.window.get(reference.identity)
    }

    fn source(&self, source: &Arc<dyn TableSource>) -> Option<u64> {
        let source = source.downcast_ref::<DefaultTableSource>()?;
        let mut tables = self.tables();
        tables.push(Arc::clone(&source.table_provider));
        Some(tables.len() as u64 - 1)
    }
}

struct Lent {
    item: String,
    own: Arc<Own>,
    /// By the number under which the host got them. They may hold what the host lent, and so `own`.
    tables: Vec<Arc<dyn TableProvider>>,
}

fn unknown<T>(what: &str, number: u64) -> Result<T, CallError> {
    Err(CallError::contract(format!("there is no {what} {number}")))
}

impl PlanObjects for Lent {
    fn item(&self) -> &str {
        &self.item
    }

    fn scalar_function(&self, identity: u64) -> Result<ScalarFunctionObject, CallError> {
        self.own.scalar.object_by_identity(identity)
    }

    fn aggregate_function(&self, identity: u64) -> Result<AggregateFunctionObject, CallError> {
        match self.own.aggregate.get(identity) {
            Some(udf) => Ok(self.own.aggregate_object(udf)),
            None => unknown("aggregate function", identity),
        }
    }

    fn window_function(&self, identity: u64) -> Result<WindowFunctionObject, CallError> {
        match self.own.window.get(identity) {
            Some(udf) => Ok(self.own.window_object(udf)),
            None => unknown("window function", identity),
        }
    }

    fn table(&self, number: u64) -> Result<TableObject, CallError> {
        let table = usize::try_from(number).ok();
        match table.and_then(|number| self.tables.get(number)) {
            Some(table) => Ok(TableExport::object(
                &self.item,
                Arc::clone(table),
                &self.own.scalar,
            )),
            None => unknown("table", number),
        }
    }
}

/// The host, as it is asked of its objects.
struct Connection(Arc<PlanHostObject>);

impl HostConnection for Connection {
    fn ask(&self, request: Parcel) -> Result<Parcel, CallError> {
        self.0.ask(request)
    }
}

/// The objects of a call until it ends.
pub(super) struct CallObjects {
    objects: PluginObjects,
    own: Arc<Own>,
}

/// The objects of a call.
pub(super) fn objects(host: &Arc<PlanHostObject>, own: &Arc<Own>) -> CallObjects {
    let host = Arc::new(Connection(Arc::clone(host)));
    CallObjects {
        objects: PluginObjects::new(host, Arc::clone(own) as _),
        own: Arc::clone(own),
    }
}

impl Deref for CallObjects {
    type Target = PluginObjects;

    fn deref(&self) -> &PluginObjects {
        &self.objects
    }
}

impl Drop for CallObjects {
    fn drop(&mut self) {
        self.objects.end();
        drop(self.own.taken_tables());
    }
}

/// The objects of a call that makes a function, which may keep them.
#[cfg(feature = "function-factory")]
pub(super) fn objects_of_creation(
    host: PlanHostObject,
    own: &Arc<Own>,
    creation: u64,
) -> PluginObjects {
    let own: Arc<Own> = Arc::clone(own);
    PluginObjects::of_creation(Arc::new(Connection(Arc::new(host))), own, creation)
}
