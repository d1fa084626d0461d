//! An author's table function behind the contract, and the tables that it yields.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use abi_stable::std_types::ROption;
use datafusion_common::{Column, Result, TableReference};
use datafusion_execution::TaskContext;
use datafusion_expr::{Documentation, Expr};
use datafusion_physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, display::DisplayableExecutionPlan,
    execution_plan::Boundedness,
};
use datafusion_session::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};

use super::{
    runtime::{self, Inside},
    session::PluginSession,
    stream::Streaming,
};
use crate::{
    abi::{
        BatchStreamObject, CallError, HostWaker, Parcel, Scan, ScanObject, ScanPlanning,
        ScanPlanningObject, Table, TableFunction, TableObject, export_schema,
        message::{
            FieldsReply, ScanDescriptor, ScanRequest, TableArgument, TableCall,
            TableFunctionDescriptor,
        },
    },
    df55::{documentation::documentation_to_message, error::to_call_error, parcel::ParcelContent},
};

/// A table function as exported.
#[derive(Debug, Clone)]
pub(super) struct TableFunctionEntry {
    pub(super) name: String,
    pub(super) function: Arc<dyn TableFunctionImpl>,
    pub(super) documentation: Option<Documentation>,
}

impl TableFunctionEntry {
    pub(super) fn descriptor(&self) -> TableFunctionDescriptor {
        TableFunctionDescriptor {
            name: self.name.clone(),
            syntax: self
                .documentation
                .as_ref()
                .map(|doc| doc.syntax_example.clone()),
            documentation: self.documentation.as_ref().map(documentation_to_message),
        }
    }
}

fn df<T>(result: Result<T>) -> Result<T, CallError> {
    result.map_err(|error| to_call_error(&error))
}

impl TableFunction for TableFunctionEntry {
    fn item(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        Parcel::of(&self.descriptor())
    }

    fn call(&self, request: Parcel) -> Result<TableObject, CallError> {
        let call = ParcelContent::<TableCall>::read(request)?;
        let argument = |argument: &TableArgument| match argument {
            TableArgument::Value(position) => call
                .value(*position)
                .map(|value| Expr::Literal(value.clone(), None)),
            TableArgument::Identifier(parts) => identifier(parts),
        };
        let exprs: Vec<Expr> = call
            .message
            .arguments
            .iter()
            .map(argument)
            .collect::<Result<_, _>>()?;
        let session = PluginSession::new(&call.message.settings);
        let _entered = runtime::enter()?;
        let provider = df(self
            .function
            .call_with_args(TableFunctionArgs::new(&exprs, &session)))?;
        Ok(TableObject::new(TableExport {
            name: self.name.clone(),
            provider: Inside::new(provider),
        }))
    }
}

fn identifier(parts: &[String]) -> Result<Expr, CallError> {
    let relation = match parts {
        [_] => None,
        [table, _] => Some(TableReference::bare(table.as_str())),
        [schema, table, _] => Some(TableReference::partial(schema.as_str(), table.as_str())),
        [catalog, schema, table, _] => Some(TableReference::full(
            catalog.as_str(),
            schema.as_str(),
            table.as_str(),
        )),
        _ => {
            return Err(CallError::contract(format!(
                "an identifier of {} parts",
                parts.len()
            )));
        }
    };
    let name = parts.last().cloned().unwrap_or_default();
    Ok(Expr::Column(Column::new(relation, name)))
}

/// A table of the plugin.
struct TableExport {
    name: String,
    provider: Inside<Arc<dyn TableProvider>>,
}

impl Table for TableExport {
    fn item(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> Result<Parcel, CallError> {
        with_schema(&FieldsReply {}, &self.provider.get()?.schema())
    }

    fn scan(&self, request: Parcel) -> Result<ScanPlanningObject, CallError> {
        let request: ScanRequest = request.message()?;
        let provider = Arc::clone(self.provider.get()?);
        let name = self.name.clone();
        let plan = async move {
            let session = PluginSession::new(&request.settings);
            let plan = provider
                .scan(&session, request.projection.as_ref(), &[], request.limit)
                .await;
            let context = session.task_ctx();
            Ok(ScanExport {
                name,
                plan: Inside::new(df(plan)?),
                context,
            })
        };
        Ok(ScanPlanningObject::new(Planning {
            name: self.name.clone(),
            work: Some(Box::pin(plan)),
        }))
    }
}

fn with_schema<M: serde::Serialize>(
    message: &M,
    schema: &arrow::datatypes::Schema,
) -> Result<Parcel, CallError> {
    let mut parcel = Parcel::of(message)?;
    parcel.schema = export_schema(schema)?;
    parcel.types = schema.fields().len();
    Ok(parcel)
}

type Work = Pin<Box<dyn Future<Output = Result<ScanExport, CallError>> + Send>>;

/// A scan that is being planned, inside the plugin's runtime.
struct Planning {
    name: String,
    work: Option<Work>,
}

impl ScanPlanning for Planning {
    fn item(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, waker: HostWaker) -> Result<ROption<ScanObject>, CallError> {
        // Entered first, and so left last: the work is dropped inside the runtime too.
        let _entered = runtime::enter()?;
        let Some(mut work) = self.work.take() else {
            return Err(CallError::contract("polled again after its end"));
        };
        match waker.with(|waker| work.as_mut().poll(&mut Context::from_waker(waker))) {
            Poll::Ready(scan) => Ok(ROption::RSome(ScanObject::new(scan?))),
            Poll::Pending => {
                self.work = Some(work);
                Ok(ROption::RNone)
            }
        }
    }
}

impl Drop for Planning {
    fn drop(&mut self) {
        runtime::drop_inside(self.work.take());
    }
}

/// A planned scan.
struct ScanExport {
    name: String,
    plan: Inside<Arc<dyn ExecutionPlan>>,
    context: Arc<TaskContext>,
}

impl Scan for ScanExport {
    fn item(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        let plan = self.plan.get()?;
        let descriptor = ScanDescriptor {
            partitions: plan.output_partitioning().partition_count(),
            unbounded: matches!(plan.boundedness(), Boundedness::Unbounded { .. }),
            display: DisplayableExecutionPlan::new(plan.as_ref())
                .one_line()
                .to_string()
                .trim_end()
                .to_owned(),
        };
        with_schema(&descriptor, &plan.schema())
    }

    fn execute(&self, partition: usize) -> Result<BatchStreamObject, CallError> {
        let _entered = runtime::enter()?;
        let plan = self.plan.get()?;
        let stream = df(plan.execute(partition, Arc::clone(&self.context)))?;
        Ok(BatchStreamObject::new(Streaming::new(
            &self.name,
            plan.schema(),
            stream,
        )))
    }
}
