//! An author's function factory behind the contract.

use std::{sync::Arc, task::Poll};

use datafusion::execution::{
    SessionState, SessionStateBuilder,
    context::{FunctionFactory, RegisterFunction},
};
use datafusion_common::{DataFusionError, config::ConfigOptions, plan_err};
use datafusion_execution::config::SessionConfig;

use super::{
    Plugin, pending::Pending, plans::Own, plans::objects_of_creation, session,
    table_function::TableFunctionEntry,
};
use crate::{
    abi::{
        self, CallError, Created, FunctionCreation, FunctionCreationObject, FunctionFactoryObject,
        HostWaker, Parcel, PlanHostObject, message::CreateFunctionRequest,
    },
    df55::{
        create_function::create_function_from_message,
        error::{df, to_call_error},
        parcel::ParcelContent,
        settings::options_from,
    },
};

/// A function factory as exported.
#[derive(Debug, Clone)]
pub(super) struct FactoryEntry {
    pub(super) name: String,
    factory: Arc<dyn FunctionFactory>,
}

impl Plugin {
    /// Exports a function factory, which makes the functions of `CREATE FUNCTION`. The factories of
    /// all plugins are asked in the order of export and install, then the one that the session had;
    /// one that answers "not implemented" leaves the statement to the next.
    ///
    /// What it returns is a function of the plugin's like any other. Its `simplify` is asked too, so
    /// a function may replace itself by the statement's body.
    ///
    /// The state that it is given has the session's id and settings, and the plugin's own runtime
    /// environment. Tables and functions of the session are not in it: what the statement names of
    /// them is in the statement.
    pub fn function_factory(
        mut self,
        name: impl Into<String>,
        factory: Arc<dyn FunctionFactory>,
    ) -> Self {
        let name = name.into();
        self.function_factories.push(FactoryEntry { name, factory });
        self
    }
}

impl FactoryEntry {
    pub(super) fn object(&self, own: Own) -> FunctionFactoryObject {
        FunctionFactoryObject::new(FunctionFactoryExport {
            entry: self.clone(),
            own,
        })
    }
}

struct FunctionFactoryExport {
    entry: FactoryEntry,
    own: Own,
}

impl abi::FunctionFactory for FunctionFactoryExport {
    fn item(&self) -> &str {
        &self.entry.name
    }

    fn create(
        &self,
        request: Parcel,
        host: PlanHostObject,
    ) -> Result<FunctionCreationObject, CallError> {
        let content = ParcelContent::<CreateFunctionRequest>::read(request)?;
        let own = self.own.for_call();
        let objects = objects_of_creation(host, &own, content.message.creation);
        let statement = df(create_function_from_message(&content, &objects))?;
        let state = state(&content.message);
        let factory = Arc::clone(&self.entry.factory);
        Ok(FunctionCreationObject::new(Creation {
            factory: self.entry.name.clone(),
            own,
            work: Pending::new(async move {
                let created = factory.create(&state, statement).await;
                created.map_err(|error| to_call_error(&error))
            }),
        }))
    }
}

/// The session as the factory sees it.
fn state(message: &CreateFunctionRequest) -> SessionState {
    let options = ConfigOptions::clone(&options_from(&message.settings));
    SessionStateBuilder::new()
        .with_config(SessionConfig::from(options))
        .with_runtime_env(session::runtime_env())
        .with_session_id(message.session.clone())
        .build()
}

struct Creation {
    factory: String,
    own: Arc<Own>,
    work: Pending<RegisterFunction>,
}

impl FunctionCreation for Creation {
    fn item(&self) -> &str {
        &self.factory
    }

    fn poll(&mut self, waker: HostWaker) -> Result<Created, CallError> {
        let Poll::Ready(created) = self.work.poll(waker)? else {
            return Ok(Created::Pending);
        };
        match created {
            RegisterFunction::Scalar(udf) if udf.as_async().is_some() => refused(
                &self.factory,
                &format!("the async scalar function '{}'", udf.name()),
            ),
            RegisterFunction::Scalar(udf) => self.own.created_scalar(&udf).map(Created::Scalar),
            RegisterFunction::Aggregate(udf) => {
                Ok(Created::Aggregate(self.own.created_aggregate(udf)))
            }
            RegisterFunction::Window(udf) => Ok(Created::Window(self.own.created_window(udf))),
            RegisterFunction::Table(name, function) => Ok(Created::Table(self.own.table_function(
                TableFunctionEntry {
                    name,
                    function,
                    documentation: None,
                },
            ))),
            RegisterFunction::HigherOrder(udf) => refused(
                &self.factory,
                &format!("the higher-order function '{}'", udf.name()),
            ),
        }
    }
}

/// Not "not implemented": the statement is not for another factory.
fn refused(factory: &str, what: &str) -> Result<Created, CallError> {
    let refused: Result<_, DataFusionError> =
        plan_err!("{what} that factory '{factory}' made cannot cross to the host");
    df(refused)
}
