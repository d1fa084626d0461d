//! A plugin's table as a [`TableProvider`].

use std::{collections::HashMap, sync::Arc};

use abi_stable::std_types::ROption;
use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{ScanArgs, ScanResult, Session, TableProvider},
    common::{Constraints, DFSchemaRef, Result, Statistics, not_impl_err},
    logical_expr::{
        Expr, TableProviderFilterPushDown, TableType,
        dml::{InsertOp, MergeIntoClause, MergeIntoOp},
    },
    physical_plan::{ExecutionPlan, ExecutionPlanProperties},
};
use datafusion_plugin_api::{
    abi::{
        CallError, ScanPlanningObject, TableObject,
        message::{
            ExpressionList, Filters, InsertMode, Pushdown, PushdownReply, ScanRequest,
            TableDescriptor, TableKind, TableStatistics, Write, WriteRequest,
        },
    },
    df55::{
        merge::merge_to_message,
        parcel::{ParcelBuilder, ParcelContent},
        plan_properties::constraints_from_message,
        statistics::statistics_from_message,
    },
};

use super::{
    filters::{Understood, defaults, understood, write},
    input::describe,
    insert::PluginInsertExec,
    planned::Planned,
    scan::PluginScanExec,
};
use crate::import::{
    disposed::Disposed,
    origin::Origin,
    pending::{planned, progress},
    settings::settings_in,
};

/// A table of a plugin.
#[derive(Debug)]
pub(crate) struct PluginTable {
    origin: Origin,
    table: Arc<Disposed<TableObject>>,
    schema: SchemaRef,
    kind: TableType,
    definition: Option<String>,
    constraints: Constraints,
    defaults: HashMap<String, Expr>,
    /// Filters, deletes and updates can be sent.
    takes_expressions: bool,
}

impl PluginTable {
    /// Takes in a table.
    pub(crate) fn new(origin: Origin, table: TableObject) -> Result<Self> {
        let table = Arc::new(Disposed::new(origin.plugin(), table));
        let describe = || {
            let reply = origin.plan(&table, |table, ()| table.get()?.describe(), ())?;
            ParcelContent::<TableDescriptor>::read(reply)
        };
        let content = origin.call(describe)?;
        let schema = content.schema();
        let descriptor = &content.message;
        let constraints = constraints_from_message(&descriptor.constraints, &schema)
            .map_err(|error| origin.error(error))?;
        Ok(Self {
            kind: match descriptor.kind {
                TableKind::View => TableType::View,
                TableKind::Temporary => TableType::Temporary,
                _ => TableType::Base,
            },
            definition: descriptor.definition.clone(),
            constraints,
            defaults: defaults(&content)?,
            takes_expressions: descriptor.takes_expressions
                && origin.plugin().takes_table_expressions(),
            schema,
            origin,
            table,
        })
    }

    /// The plugin's name.
    pub(crate) fn plugin(&self) -> &str {
        self.origin.plugin().name()
    }

    /// Waits for a plan of the plugin's.
    async fn planned(
        &self,
        session: &dyn Session,
        planning: impl FnOnce() -> std::result::Result<ScanPlanningObject, CallError>,
    ) -> Result<Planned> {
        let planning = self.origin.call(planning)?;
        let scan = planned(&self.origin, planning, |planning, context| {
            progress(planning.poll(context.waker().into()))
        });
        let scan = scan.await?;
        let options = Arc::clone(session.config().options());
        Planned::new(self.origin.clone(), scan, options)
    }

    /// The expressions of a request, all of which have to cross.
    fn expressions(
        &self,
        exprs: &[&Expr],
        parcel: &mut ParcelBuilder,
    ) -> Result<(ExpressionList, Vec<u8>)> {
        if exprs.is_empty() {
            return Ok(Default::default());
        }
        if self.takes_expressions
            && let Some(written) = write(&self.origin, exprs.iter().copied(), parcel)?
        {
            return Ok(written);
        }
        let (plugin, item) = (self.origin.plugin().name(), self.origin.item());
        let exprs: Vec<_> = exprs.iter().map(ToString::to_string).collect();
        not_impl_err!(
            "handing {} to table '{item}' of plugin '{plugin}'",
            exprs.join(", ")
        )
    }

    /// Asks how far the filters at `positions` are applied.
    fn ask(
        &self,
        filters: &[&Expr],
        positions: &[usize],
        answers: &mut [TableProviderFilterPushDown],
    ) -> Result<()> {
        let mut parcel = ParcelBuilder::new();
        let exprs = positions.iter().map(|position| filters[*position]);
        let Some((expressions, blob)) = write(&self.origin, exprs, &mut parcel)? else {
            return Ok(());
        };
        let reply: PushdownReply = self.origin.call(|| {
            let request = parcel.blob(blob).finish(&Filters { expressions })?;
            let ask = |table: &Disposed<TableObject>, request| table.get()?.pushdown(request);
            self.origin.plan(&self.table, ask, request)?.message()
        })?;
        if reply.filters.len() != positions.len() {
            return Err(self.origin.breach(format!(
                "answered {} of {} filters",
                reply.filters.len(),
                positions.len()
            )));
        }
        for (position, answer) in positions.iter().zip(reply.filters) {
            answers[*position] = match answer {
                Pushdown::Exact => TableProviderFilterPushDown::Exact,
                Pushdown::Inexact => TableProviderFilterPushDown::Inexact,
                _ => TableProviderFilterPushDown::Unsupported,
            };
        }
        Ok(())
    }

    /// Plans a write. `parcel` has the columns of its input, if it has one.
    async fn planned_write(
        &self,
        session: &dyn Session,
        write: Write,
        exprs: &[&Expr],
        mut parcel: ParcelBuilder,
    ) -> Result<Planned> {
        let (expressions, blob) = self.expressions(exprs, &mut parcel)?;
        let request = WriteRequest {
            write,
            expressions,
            settings: settings_in(session),
        };
        let planning = || {
            let request = parcel.blob(blob).finish(&request)?;
            let write = |table: &Disposed<TableObject>, request| table.get()?.write(request);
            self.origin.plan(&self.table, write, request)
        };
        self.planned(session, planning).await
    }

    /// Plans a write without an input.
    async fn write(
        &self,
        session: &dyn Session,
        write: Write,
        exprs: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let exprs: Vec<_> = exprs.iter().collect();
        let planned = self
            .planned_write(session, write, &exprs, ParcelBuilder::new())
            .await?;
        Ok(Arc::new(PluginScanExec::new(planned)))
    }
}

impl PartialEq for PluginTable {
    fn eq(&self, other: &Self) -> bool {
        self.origin == other.origin
    }
}

#[async_trait]
// `get_logical_plan` does not cross: docs/fidelity.md.
impl TableProvider for PluginTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        (!self.constraints.is_empty()).then_some(&self.constraints)
    }

    fn table_type(&self) -> TableType {
        self.kind
    }

    fn get_table_definition(&self) -> Option<&str> {
        self.definition.as_deref()
    }

    fn get_column_default(&self, column: &str) -> Option<&Expr> {
        self.defaults.get(column)
    }

    fn statistics(&self) -> Option<Statistics> {
        let ask = || {
            let statistics = |table: &Disposed<TableObject>, ()| table.get()?.statistics();
            let ROption::RSome(reply) = self.origin.plan(&self.table, statistics, ())? else {
                return Ok(None);
            };
            let content = ParcelContent::<TableStatistics>::read(reply)?;
            statistics_from_message(&content.message, &content).map(Some)
        };
        ask().unwrap_or_else(|error| self.origin.passed_over(error))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let mut answers = vec![TableProviderFilterPushDown::Unsupported; filters.len()];
        if !self.takes_expressions {
            return Ok(answers);
        }
        // What the plugin would not understand stays above the scan. What it may be built without
        // is asked about by itself, so that the rest does not stay with it.
        let mut known = Vec::with_capacity(filters.len());
        for (position, filter) in filters.iter().enumerate() {
            match understood(&self.origin, filter)? {
                Understood::Yes => known.push(position),
                Understood::Perhaps => self.ask(filters, &[position], &mut answers)?,
                Understood::No => {}
            }
        }
        if !known.is_empty() {
            self.ask(filters, &known, &mut answers)?;
        }
        Ok(answers)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let args = ScanArgs::default()
            .with_projection(projection.map(Vec::as_slice))
            .with_filters(Some(filters))
            .with_limit(limit);
        Ok(self.scan_with_args(session, args).await?.into_inner())
    }

    async fn scan_with_args<'a>(
        &self,
        session: &dyn Session,
        args: ScanArgs<'a>,
    ) -> Result<ScanResult> {
        let mut parcel = ParcelBuilder::new();
        let filters: Vec<_> = args.filters().unwrap_or_default().iter().collect();
        let (filters, blob) = self.expressions(&filters, &mut parcel)?;
        let request = ScanRequest {
            projection: args.projection().map(<[usize]>::to_vec),
            filters,
            limit: args.limit(),
            settings: settings_in(session),
        };
        let planning = || {
            let request = parcel.blob(blob).finish(&request)?;
            let scan = |table: &Disposed<TableObject>, request| table.get()?.scan(request);
            self.origin.plan(&self.table, scan, request)
        };
        let planned = self.planned(session, planning).await?;
        let expected = match args.projection() {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        planned.expect_fields(&expected)?;
        let plan: Arc<dyn ExecutionPlan> = Arc::new(PluginScanExec::new(planned));
        Ok(plan.into())
    }

    async fn insert_into(
        &self,
        session: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        insert_op: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mode = match insert_op {
            InsertOp::Append => InsertMode::Append,
            InsertOp::Overwrite => InsertMode::Overwrite,
            InsertOp::Replace => InsertMode::Replace,
        };
        let described = describe(input.equivalence_properties(), input.output_partitioning());
        let write = Write::Insert {
            mode,
            input: described.clone(),
        };
        let parcel = ParcelBuilder::new().schema(&input.schema());
        let planned = self.planned_write(session, write, &[], parcel).await?;
        Ok(Arc::new(PluginInsertExec::new(planned, input, described)?))
    }

    async fn merge_into(
        &self,
        session: &dyn Session,
        source: Arc<dyn ExecutionPlan>,
        merge_schema: DFSchemaRef,
        on: Expr,
        clauses: Vec<MergeIntoClause>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let described = describe(
            source.equivalence_properties(),
            source.output_partitioning(),
        );
        let rows = source.schema();
        let merge = MergeIntoOp { on, clauses };
        let write = Write::Merge {
            statement: merge_to_message(&merge, &merge_schema, rows.fields().len()),
            input: described.clone(),
        };
        let parcel = ParcelBuilder::new()
            .schema(&rows)
            .fields(merge_schema.fields());
        let planned = self
            .planned_write(session, write, &merge.exprs(), parcel)
            .await?;
        Ok(Arc::new(PluginInsertExec::new(planned, source, described)?))
    }

    async fn delete_from(
        &self,
        session: &dyn Session,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.write(session, Write::Delete, &filters).await
    }

    async fn update(
        &self,
        session: &dyn Session,
        assignments: Vec<(String, Expr)>,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (columns, values): (Vec<_>, Vec<_>) = assignments.into_iter().unzip();
        let exprs: Vec<_> = values.into_iter().chain(filters).collect();
        self.write(session, Write::Update { columns }, &exprs).await
    }

    async fn truncate(&self, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        self.write(session, Write::Truncate, &[]).await
    }
}
