//! Plugins' function factories, for `CREATE FUNCTION`.

mod composed;
mod creations;

pub(crate) use composed::FunctionFactories;
pub(crate) use creations::Creations;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use async_trait::async_trait;
use datafusion::{
    common::Result,
    execution::{
        SessionState,
        context::{FunctionFactory, RegisterFunction},
    },
    logical_expr::CreateFunction,
};
use datafusion_plugin_api::{
    abi::{
        CallError, Created, ErrorKind, FunctionCreationObject, FunctionFactoryObject, Parcel,
        PlanHostObject,
        message::{FunctionDescriptor, Settings, TableFunctionDescriptor},
    },
    df55::{
        create_function::{Creating, create_function_to_message},
        plans::HostPlans,
    },
};

use super::{
    aggregate::{AggregateFunction, PluginAggregateUdf},
    origin::Origin,
    pending::planned,
    planner::PlanCall,
    scalar::{PluginScalarUdf, ScalarFunction},
    settings::settings,
    table::{PluginTableFunction, TableFunction},
    window::{PluginWindowUdf, WindowFunction},
};

/// A function factory of a plugin. One object serves all sessions.
#[derive(Debug, Clone)]
pub(crate) struct PluginFunctionFactory {
    origin: Origin,
    object: Arc<FunctionFactoryObject>,
}

/// A function that is asked for, waited for and taken in.
struct Making {
    factory: PluginFunctionFactory,
    stage: Stage,
}

enum Stage {
    Asked(Box<(Parcel, PlanHostObject)>),
    Made(FunctionCreationObject),
    Done,
}

impl Making {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<RegisterFunction, CallError>> {
        let mut creation = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Asked(asked) => {
                let (request, host) = *asked;
                self.factory.object.create(request, host)?
            }
            Stage::Made(creation) => creation,
            Stage::Done => return Poll::Ready(Err(CallError::contract("made already"))),
        };
        match creation.poll(context.waker().into())? {
            Created::Pending => {
                self.stage = Stage::Made(creation);
                Poll::Pending
            }
            created => Poll::Ready(self.factory.take(created)),
        }
    }
}

impl PluginFunctionFactory {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn new(origin: Origin, object: FunctionFactoryObject) -> Self {
        let object = Arc::new(object);
        Self { origin, object }
    }

    fn ask(&self, state: &SessionState, statement: &CreateFunction) -> Result<Making> {
        let PlanCall { objects, .. } = PlanCall::new(&self.origin);
        let creating = Creating {
            session: state.session_id().to_owned(),
            settings: Settings::clone(&settings(state.config_options())),
            creation: self.origin.plugin().creations().add(&objects),
        };
        let request = create_function_to_message(statement, creating, objects.as_ref())?;
        let host = PlanHostObject::new(HostPlans(objects));
        Ok(Making {
            factory: self.clone(),
            stage: Stage::Asked(Box::new((request, host))),
        })
    }

    /// The function under the name that the factory gave it.
    fn take(&self, created: Created) -> Result<RegisterFunction, CallError> {
        Ok(match created {
            Created::Scalar(object) => {
                let Described {
                    name,
                    aliases,
                    origin,
                } = self.described(object.describe()?)?;
                let identity = object.identity()?;
                let make = || {
                    let mut function = ScalarFunction::import_derived(&origin, object)?;
                    function.created = true;
                    Ok(function)
                };
                let function = origin.plugin().sibling(identity, false, make)?;
                let udf = PluginScalarUdf::new(name, aliases, function);
                RegisterFunction::Scalar(Arc::new(udf.into()))
            }
            Created::Aggregate(object) => {
                let Described {
                    name,
                    aliases,
                    origin,
                } = self.described(object.describe()?)?;
                let function = AggregateFunction::import_derived(&origin, object)?;
                let udf = PluginAggregateUdf::new(name, aliases, Arc::new(function));
                RegisterFunction::Aggregate(Arc::new(udf.into()))
            }
            Created::Window(object) => {
                let Described {
                    name,
                    aliases,
                    origin,
                } = self.described(object.describe()?)?;
                let function = WindowFunction::import_derived(&origin, object)?;
                let udf = PluginWindowUdf::new(name, aliases, Arc::new(function));
                RegisterFunction::Window(Arc::new(udf.into()))
            }
            Created::Table(object) => {
                // Exports have their positions.
                static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
                let TableFunctionDescriptor { name, .. } = object.describe()?.message()?;
                let identity = NEXT.fetch_add(1, Ordering::Relaxed);
                let origin = self.origin.named(&name).derived(identity);
                let function = TableFunction::new(origin, object);
                let function = PluginTableFunction::new(Arc::new(function));
                RegisterFunction::Table(name, Arc::new(function))
            }
            Created::Pending => {
                return Err(CallError::contract("a function that is still being made"));
            }
        })
    }

    fn described(&self, description: Parcel) -> Result<Described, CallError> {
        let FunctionDescriptor { name, aliases, .. } = description.message()?;
        Ok(Described {
            origin: self.origin.named(&name),
            name,
            aliases,
        })
    }
}

struct Described {
    name: String,
    aliases: Vec<String>,
    /// Errors name the function; its calls are counted as the factory's.
    origin: Origin,
}

#[async_trait]
impl FunctionFactory for PluginFunctionFactory {
    async fn create(
        &self,
        state: &SessionState,
        statement: CreateFunction,
    ) -> Result<RegisterFunction> {
        let making = self.ask(state, &statement)?;
        // Which errors are failures is told below.
        let made = planned(&self.origin, making, |making, context| {
            making.poll(context).map(Ok)
        });
        made.await?.map_err(|error| match error.kind() {
            // It leaves the statement to others, which is no failure.
            ErrorKind::NotImplemented => self.origin.left_to_others(error),
            _ => self.origin.error(error),
        })
    }
}
