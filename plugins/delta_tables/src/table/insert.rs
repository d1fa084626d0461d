//! `INSERT`.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    common::plan_err,
    datasource::{provider_as_source, sink::DataSink},
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{LogicalPlanBuilder, dml::InsertOp},
    physical_plan::{DisplayAs, DisplayFormatType},
};
use deltalake::{operations::write::WriteBuilder, protocol::SaveMode};

use super::generated;
use crate::{
    constraints::{enforceable, explained},
    error::failed,
    location::Location,
    once::once,
    open::{Tables, snapshot},
    session::state_in,
};

/// Writes all rows in one commit, or none.
///
/// `deltalake`'s own sink for DataFusion checks no constraint; this goes through its write
/// operation, which checks them all.
#[derive(Debug)]
pub(super) struct Sink {
    tables: Arc<Tables>,
    location: Location,
    schema: SchemaRef,
    mode: SaveMode,
}

impl Sink {
    pub(super) fn new(
        tables: Arc<Tables>,
        location: Location,
        schema: SchemaRef,
        insert: InsertOp,
    ) -> Result<Self> {
        let mode = match insert {
            InsertOp::Append => SaveMode::Append,
            InsertOp::Overwrite => SaveMode::Overwrite,
            InsertOp::Replace => {
                return plan_err!("REPLACE INTO the Delta table '{location}': it has no keys");
            }
        };
        Ok(Self {
            tables,
            location,
            schema,
            mode,
        })
    }
}

#[async_trait]
impl DataSink for Sink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        rows: SendableRecordBatchStream,
        context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let table = self.tables.open_to_write(&self.location).await?;
        let snapshot = snapshot(&table, &self.location)?.clone();
        enforceable(&self.location, &snapshot)?;
        let state = state_in(context);
        let (source, count) = once(rows)?;
        let source = LogicalPlanBuilder::scan("source", provider_as_source(source), None)?;
        let source = generated::filled(source.build()?, &snapshot, state.as_ref())?;
        WriteBuilder::new(table.log_store(), Some(snapshot.clone()))
            .with_save_mode(self.mode)
            .with_input_plan(source)
            .with_session_state(state)
            .with_commit_properties(self.tables.commit())
            .await
            .map_err(|error| failed("INSERT into the Delta table", &self.location, error))
            .map_err(|error| explained(&snapshot, error))?;
        Ok(count.load(Ordering::Relaxed))
    }
}

impl DisplayAs for Sink {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeltaSink: {:?} into {}", self.mode, self.location)
    }
}
