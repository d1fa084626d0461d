//! A plugin's table function as a [`TableFunctionImpl`], its tables and scans.

mod scan;

use std::{future::poll_fn, sync::Arc, task::Poll};

use abi_stable::std_types::ROption;
use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, plan_err},
    logical_expr::{Expr, TableType},
    physical_plan::ExecutionPlan,
};
use datafusion_plugin_api::{
    abi::{
        TableFunctionObject, TableObject, import_schema,
        message::{ScanRequest, Settings, TableArgument, TableCall},
    },
    df55::{parcel::ParcelBuilder, settings::settings_of},
};

use self::scan::PluginScanExec;
use super::origin::Origin;

/// A table function of a plugin.
#[derive(Debug)]
pub(crate) struct TableFunction {
    origin: Origin,
    object: TableFunctionObject,
}

impl TableFunction {
    pub(crate) fn new(origin: Origin, object: TableFunctionObject) -> Self {
        Self { origin, object }
    }
}

/// The table function as a session takes it.
#[derive(Debug, Clone)]
pub(crate) struct PluginTableFunction(Arc<TableFunction>);

impl PluginTableFunction {
    pub(crate) fn new(function: Arc<TableFunction>) -> Self {
        Self(function)
    }
}

impl PartialEq for PluginTableFunction {
    fn eq(&self, other: &Self) -> bool {
        self.0.origin == other.0.origin
    }
}

impl TableFunctionImpl for PluginTableFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let origin = &self.0.origin;
        let settings = settings_of(args.session().config_options());
        let mut request = ParcelBuilder::new();
        let mut arguments = Vec::with_capacity(args.exprs().len());
        for (position, expr) in args.exprs().iter().enumerate() {
            arguments.push(match expr {
                Expr::Literal(value, _) => request
                    .value(value)
                    .map(TableArgument::Value)
                    .map_err(|e| origin.error(e))?,
                Expr::Column(column) => {
                    let mut parts = column
                        .relation
                        .as_ref()
                        .map(|r| r.to_vec())
                        .unwrap_or_default();
                    parts.push(column.name.clone());
                    TableArgument::Identifier(parts)
                }
                other => {
                    return plan_err!(
                        "argument {} of table function '{}.{}' is {other}, expected a constant \
                         or an identifier",
                        position + 1,
                        origin.plugin().name(),
                        origin.item()
                    );
                }
            });
        }
        let table = request
            .finish(&TableCall {
                arguments,
                settings,
            })
            .and_then(|request| self.0.object.call(request))
            .map_err(|error| origin.error(error))?;
        let schema = table
            .schema()
            .and_then(|reply| import_schema(&reply.schema))
            .map_err(|error| origin.error(error))?;
        Ok(Arc::new(PluginTable {
            origin: origin.clone(),
            schema: Arc::new(schema),
            table,
        }))
    }
}

/// A table that a plugin's table function yielded.
#[derive(Debug)]
struct PluginTable {
    origin: Origin,
    schema: SchemaRef,
    table: TableObject,
}

#[async_trait]
impl TableProvider for PluginTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let request = ScanRequest {
            projection: projection.cloned(),
            limit,
            settings: Settings::clone(&settings_of(session.config_options())),
        };
        let mut planning = datafusion_plugin_api::abi::Parcel::of(&request)
            .and_then(|request| self.table.scan(request))
            .map_err(|error| self.origin.error(error))?;
        let scan = poll_fn(|context| match planning.poll(context.waker().into()) {
            Ok(ROption::RNone) => Poll::Pending,
            Ok(ROption::RSome(scan)) => Poll::Ready(Ok(scan)),
            Err(error) => Poll::Ready(Err(self.origin.error(error))),
        })
        .await?;
        let expected = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(PluginScanExec::new(
            self.origin.clone(),
            scan,
            &expected,
        )?))
    }
}
