//! A statement that may run.

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    common::Result,
    dataframe::DataFrame,
    execution::SendableRecordBatchStream,
};

/// A statement that policies let run, restricted where they said so.
///
/// It is no `DataFrame`: that would hand out the session's catalogs and let the plan be built upon,
/// past the policies.
#[derive(Debug)]
pub struct GuardedQuery {
    frame: DataFrame,
    returns_rows: bool,
}

impl GuardedQuery {
    pub(super) fn new(frame: DataFrame, returns_rows: bool) -> Self {
        Self {
            frame,
            returns_rows,
        }
    }

    /// The columns of its rows.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(self.frame.schema().inner())
    }

    /// Whether it is a statement that can have rows; the others have been run already.
    pub fn returns_rows(&self) -> bool {
        self.returns_rows
    }

    /// Runs it.
    ///
    /// # Errors
    /// Those of planning and running it.
    pub async fn execute_stream(self) -> Result<SendableRecordBatchStream> {
        self.frame.execute_stream().await
    }

    /// Runs it and collects its rows.
    ///
    /// # Errors
    /// Those of planning and running it.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        self.frame.collect().await
    }
}
