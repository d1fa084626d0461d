//! An author's table behind the contract.

use std::sync::Arc;

use abi_stable::std_types::ROption;
use datafusion_common::Result;
use datafusion_expr::{
    TableProviderFilterPushDown, TableType,
    dml::{InsertOp, MergeIntoOp},
};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{ScanArgs, Session, TableProvider};

use super::{
    expressions::expressions,
    functions::Functions,
    input::HostInputExec,
    pending::Pending,
    runtime::{self, Inside},
    scan::ScanExport,
    session::PluginSession,
};
use crate::{
    abi::{
        CallError, ErrorKind, HostWaker, Parcel, ScanObject, ScanPlanning, ScanPlanningObject,
        Table, TableObject,
        message::{
            Filters, InsertMode, Pushdown, PushdownReply, ScanRequest, Settings, TableDescriptor,
            TableKind, Write, WriteRequest,
        },
    },
    df55::{
        error::{from_call_error, to_call_error},
        merge::merge_from_message,
        parcel::{ParcelBuilder, ParcelContent},
        plan_properties::constraints_to_message,
        statistics::statistics_to_message,
    },
};

/// A table of the plugin.
pub(super) struct TableExport {
    name: String,
    provider: Inside<Arc<dyn TableProvider>>,
    functions: Arc<Functions>,
}

impl TableExport {
    pub(super) fn object(
        name: &str,
        provider: Arc<dyn TableProvider>,
        functions: &Arc<Functions>,
    ) -> TableObject {
        TableObject::new(Self {
            name: name.to_owned(),
            provider: Inside::new(provider),
            functions: Arc::clone(functions),
        })
    }

    /// Plans inside the plugin's runtime, with a session of the host's settings.
    fn planning<F>(
        &self,
        settings: Settings,
        plan: impl FnOnce(Arc<dyn TableProvider>, Arc<PluginSession>) -> F,
    ) -> Result<ScanPlanningObject, CallError>
    where
        F: Future<Output = Result<Arc<dyn ExecutionPlan>>> + Send + 'static,
    {
        let session = Arc::new(PluginSession::new(&settings));
        let plan = plan(Arc::clone(self.provider.get()?), Arc::clone(&session));
        let name = self.name.clone();
        let functions = Arc::clone(&self.functions);
        let work = async move {
            let plan = plan.await.map_err(|error| to_call_error(&error))?;
            ScanExport::new(&name, plan, session.task_ctx(), &functions)
        };
        Ok(ScanPlanningObject::new(Planning {
            name: self.name.clone(),
            work: Pending::new(work),
        }))
    }
}

impl Table for TableExport {
    fn item(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> Result<Parcel, CallError> {
        let _entered = runtime::enter()?;
        let provider = self.provider.get()?;
        let schema = provider.schema();
        let mut parcel = ParcelBuilder::new();
        let columns = schema.fields().iter();
        let defaults = columns.filter_map(|field| {
            let default = provider.get_column_default(field.name())?;
            Some((field.name().clone(), default))
        });
        let (defaults, exprs): (Vec<_>, Vec<_>) = defaults.unzip();
        let (expressions, blob) = self.functions.write_expressions(&exprs, &mut parcel)?;
        let descriptor = TableDescriptor {
            kind: match provider.table_type() {
                TableType::Base => TableKind::Base,
                TableType::View => TableKind::View,
                TableType::Temporary => TableKind::Temporary,
            },
            definition: provider.get_table_definition().map(str::to_owned),
            constraints: provider
                .constraints()
                .map(constraints_to_message)
                .unwrap_or_default(),
            takes_expressions: cfg!(feature = "table-expressions"),
            defaults,
            expressions,
        };
        parcel.schema(&schema).blob(blob).finish(&descriptor)
    }

    fn statistics(&self) -> Result<ROption<Parcel>, CallError> {
        let _entered = runtime::enter()?;
        let Some(statistics) = self.provider.get()?.statistics() else {
            return Ok(ROption::RNone);
        };
        let mut parcel = ParcelBuilder::new();
        let message = statistics_to_message(&statistics, &mut parcel)?;
        parcel.finish(&message).map(ROption::RSome)
    }

    fn pushdown(&self, request: Parcel) -> Result<Parcel, CallError> {
        let _entered = runtime::enter()?;
        let content = ParcelContent::<Filters>::read(request)?;
        let list = &content.message.expressions;
        let filters = match expressions(&content, list, &self.functions) {
            Ok(filters) => filters,
            // A function that this plugin is built without: the filters stay above.
            Err(error) if error.kind() == ErrorKind::NotImplemented => {
                return Parcel::of(&PushdownReply {
                    filters: vec![Pushdown::Unsupported; list.roots],
                });
            }
            Err(error) => return Err(error),
        };
        let answers = self
            .provider
            .get()?
            .supports_filters_pushdown(&filters.iter().collect::<Vec<_>>())
            .map_err(|error| to_call_error(&error))?;
        Parcel::of(&PushdownReply {
            filters: answers.into_iter().map(pushdown).collect(),
        })
    }

    fn scan(&self, request: Parcel) -> Result<ScanPlanningObject, CallError> {
        let content = ParcelContent::<ScanRequest>::read(request)?;
        let filters = expressions(&content, &content.message.filters, &self.functions)?;
        let request = content.message;
        let settings = request.settings;
        self.planning(settings, |provider, session| async move {
            let args = ScanArgs::default()
                .with_projection(request.projection.as_deref())
                .with_filters(Some(&filters))
                .with_limit(request.limit);
            Ok(provider
                .scan_with_args(session.as_ref(), args)
                .await?
                .into_inner())
        })
    }

    fn write(&self, request: Parcel) -> Result<ScanPlanningObject, CallError> {
        let content = ParcelContent::<WriteRequest>::read(request)?;
        let mut exprs = expressions(&content, &content.message.expressions, &self.functions)?;
        let schema = content.schema();
        let WriteRequest {
            write, settings, ..
        } = content.message;
        self.planning(settings, |provider, session| async move {
            let session: &dyn Session = session.as_ref();
            match write {
                Write::Insert { mode, input } => {
                    let input = HostInputExec::new(schema, &input).map_err(from_call_error)?;
                    let mode = match mode {
                        InsertMode::Append => InsertOp::Append,
                        InsertMode::Overwrite => InsertOp::Overwrite,
                        InsertMode::Replace => InsertOp::Replace,
                    };
                    provider.insert_into(session, Arc::new(input), mode).await
                }
                Write::Delete => provider.delete_from(session, exprs).await,
                Write::Update { columns } => {
                    let filters = exprs.split_off(columns.len().min(exprs.len()));
                    let assignments = columns.into_iter().zip(exprs).collect();
                    provider.update(session, assignments, filters).await
                }
                Write::Truncate => provider.truncate(session).await,
                Write::Merge { statement, input } => {
                    let (source, columns, MergeIntoOp { on, clauses }) =
                        merge_from_message(statement, &schema, exprs).map_err(from_call_error)?;
                    let input = HostInputExec::new(source, &input).map_err(from_call_error)?;
                    let input = Arc::new(input);
                    provider
                        .merge_into(session, input, columns, on, clauses)
                        .await
                }
            }
        })
    }
}

fn pushdown(answer: TableProviderFilterPushDown) -> Pushdown {
    match answer {
        TableProviderFilterPushDown::Unsupported => Pushdown::Unsupported,
        TableProviderFilterPushDown::Inexact => Pushdown::Inexact,
        TableProviderFilterPushDown::Exact => Pushdown::Exact,
    }
}

/// A scan or a write that is being planned.
struct Planning {
    name: String,
    work: Pending<ScanExport>,
}

impl ScanPlanning for Planning {
    fn item(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, waker: HostWaker) -> Result<ROption<ScanObject>, CallError> {
        Ok(match self.work.poll(waker)? {
            std::task::Poll::Ready(scan) => ROption::RSome(ScanObject::new(scan)),
            std::task::Poll::Pending => ROption::RNone,
        })
    }
}
