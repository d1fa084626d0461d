//! A Delta table as DataFusion sees it.

mod delete;
mod generated;
mod insert;
mod merge;
mod update;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::{DFSchemaRef, exec_err, plan_err},
    datasource::sink::DataSinkExec,
    error::Result,
    logical_expr::{
        Expr, TableProviderFilterPushDown, TableType,
        dml::{InsertOp, MergeIntoClause},
    },
    physical_plan::ExecutionPlan,
};
use deltalake::{
    DeltaTable,
    delta_datafusion::{DeltaScanConfig, DeltaScanNext},
};

use crate::{
    error::failed,
    location::Location,
    moment::Moment,
    open::{Tables, snapshot},
};

/// A table of one schema, that of the version it was opened at.
///
/// Opened at the latest version, each scan reads the version that is the latest then, with the
/// columns that the table had when it was opened; it fails when these are no longer the same.
/// Opened at another, it always reads that one and cannot be changed.
#[derive(Debug)]
pub(crate) struct Table {
    tables: Arc<Tables>,
    location: Location,
    moment: Moment,
    /// The newest version seen; the one opened where that is not the latest.
    newest: Mutex<DeltaTable>,
    /// As opened: answers what is asked at planning.
    opened: DeltaScanNext,
    partition_columns: Vec<String>,
    config: DeltaScanConfig,
    definition: Option<String>,
}

impl Table {
    /// Opens the table; `session` decides how strings are represented and whether filters are
    /// applied while decoding.
    pub(crate) async fn open(
        tables: Arc<Tables>,
        location: Location,
        moment: Moment,
        config: DeltaScanConfig,
    ) -> Result<Self> {
        let table = tables.open(&location, moment).await?;
        let snapshot = snapshot(&table, &location)?.clone();
        let partition_columns = snapshot.metadata().partition_columns().to_vec();
        let opened = DeltaScanNext::new(snapshot, config.clone())?;
        Ok(Self {
            tables,
            location,
            moment,
            newest: Mutex::new(table),
            opened,
            partition_columns,
            config,
            definition: None,
        })
    }

    /// With the SQL that made the table.
    pub(crate) fn with_definition(mut self, definition: Option<String>) -> Self {
        self.definition = definition;
        self
    }

    /// The table at the version that a scan is to read.
    async fn current(&self) -> Result<DeltaTable> {
        let mut table = self
            .newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if self.moment != Moment::Latest {
            return Ok(table);
        }
        let updated = table.update_state().await;
        updated.map_err(|error| failed("opening", &self.location, error))?;
        self.tables.readable(&self.location, &table)?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = table.clone();
        Ok(table)
    }

    /// The positions, among the columns of `scan`, of the columns that were asked for.
    fn positions(&self, scan: &DeltaScanNext, asked: Option<&Vec<usize>>) -> Result<Vec<usize>> {
        let (then, now) = (self.schema(), scan.schema());
        let asked = asked.cloned();
        let asked = asked.unwrap_or_else(|| (0..then.fields().len()).collect());
        let position = |i| {
            let field = then.field(i);
            match now.column_with_name(field.name()) {
                Some((position, found))
                    if found.data_type() == field.data_type()
                        && (field.is_nullable() || !found.is_nullable()) =>
                {
                    Ok(position)
                }
                found => exec_err!(
                    "column '{}' of the Delta table '{}' was {} when the table was opened and is \
                     {} now; create the table again to read it",
                    field.name(),
                    self.location,
                    described(field),
                    found.map_or("gone".to_owned(), |(_, found)| described(found))
                ),
            }
        };
        asked.into_iter().map(position).collect()
    }

    /// Refuses to change a version that is not the latest.
    fn changeable(&self, what: &str) -> Result<()> {
        match self.moment {
            Moment::Latest => Ok(()),
            moment => plan_err!(
                "{what} on the Delta table '{}': it is opened at {moment}, and only the latest \
                 version can be changed",
                self.location
            ),
        }
    }
}

fn described(field: &datafusion::arrow::datatypes::Field) -> String {
    let null = if field.is_nullable() { "" } else { " not null" };
    format!("{}{null}", field.data_type())
}

/// How tables are scanned in `session`.
pub(crate) fn scan_config(session: &dyn Session) -> DeltaScanConfig {
    // Dictionaries of partition values make joins on them panic in DataFusion 55.
    DeltaScanConfig::new_from_session(session).with_wrap_partition_values(false)
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        self.opened.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn get_table_definition(&self) -> Option<&str> {
        self.definition.as_deref()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.opened.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let table = self.current().await?;
        let snapshot = snapshot(&table, &self.location)?.clone();
        if snapshot.metadata().partition_columns() != self.partition_columns {
            return exec_err!(
                "the partition columns of the Delta table '{}' have changed since it was opened; \
                 create the table again to read it",
                self.location
            );
        }
        let scan = DeltaScanNext::new(snapshot, self.config.clone())?;
        table
            .update_datafusion_session(session)
            .map_err(|error| failed("reading", &self.location, error))?;
        let positions = self.positions(&scan, projection)?;
        scan.scan(session, Some(&positions), filters, limit).await
    }

    async fn insert_into(
        &self,
        _: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        insert: InsertOp,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.changeable("INSERT")?;
        let sink = insert::Sink::new(
            Arc::clone(&self.tables),
            self.location.clone(),
            self.schema(),
            insert,
        )?;
        Ok(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
    }

    async fn delete_from(
        &self,
        _: &dyn Session,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.changeable("DELETE")?;
        delete::plan(&self.tables, &self.location, "DELETE", filters)
    }

    async fn truncate(&self, _: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        self.changeable("TRUNCATE")?;
        delete::plan(&self.tables, &self.location, "TRUNCATE", Vec::new())
    }

    async fn update(
        &self,
        _: &dyn Session,
        assignments: Vec<(String, Expr)>,
        filters: Vec<Expr>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.changeable("UPDATE")?;
        update::plan(&self.tables, &self.location, assignments, filters)
    }

    async fn merge_into(
        &self,
        _: &dyn Session,
        source: Arc<dyn ExecutionPlan>,
        merge_schema: DFSchemaRef,
        on: Expr,
        clauses: Vec<MergeIntoClause>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.changeable("MERGE")?;
        let target_columns = self.schema().fields().len();
        let columns = merge::Columns::new(&merge_schema, target_columns, &source.schema())?;
        merge::plan(&self.tables, &self.location, source, columns, on, clauses)
    }
}
