//! Files as a table.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use arrow::{
    array::{Array, AsArray, RecordBatch, StringArray},
    datatypes::{Schema, SchemaRef},
};
use async_trait::async_trait;
use datafusion_common::{Column, DFSchema, Result, project_schema};
use datafusion_expr::{
    Expr, TableProviderFilterPushDown, TableType, expr_rewriter::unnormalize_col,
    utils::conjunction,
};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{Session, TableProvider};

use super::{
    column,
    files::{files, shared},
    kind::Kind,
    scan::PythonScan,
};

/// The rows of one kind of all files of a path or pattern. Which files there are is looked up when
/// the table is scanned.
#[derive(Debug)]
pub(super) struct PythonTable {
    path_or_glob: String,
    kind: Kind,
    schema: SchemaRef,
}

impl PythonTable {
    pub(super) fn new(path_or_glob: &str, kind: Kind) -> Self {
        Self {
            path_or_glob: path_or_glob.to_owned(),
            kind,
            schema: kind.schema(),
        }
    }
}

/// Whether the filter speaks of paths alone and always says the same of one.
fn is_about_paths(filter: &Expr) -> bool {
    let columns: HashSet<&Column> = filter.column_refs();
    !columns.is_empty()
        && columns.iter().all(|column| column.name() == "path")
        && !filter.is_volatile()
}

/// The files whose paths pass all filters.
fn passing(files: Vec<PathBuf>, filters: &[Expr], session: &dyn Session) -> Result<Vec<PathBuf>> {
    let Some(filter) = conjunction(filters.iter().cloned()) else {
        return Ok(files);
    };
    let path = column::Column::Path.field();
    let schema = Arc::new(Schema::new(vec![path]));
    let filter = unnormalize_col(filter);
    let planned = DFSchema::try_from(schema.as_ref().clone())?;
    let filter = session.create_physical_expr(filter, &planned)?;
    let paths = files.iter().map(|path| path.to_string_lossy());
    let paths = StringArray::from_iter_values(paths);
    let batch = RecordBatch::try_new(schema, vec![Arc::new(paths)])?;
    let keep = filter.evaluate(&batch)?.into_array(batch.num_rows())?;
    let keep = keep.as_boolean();
    let files = files.into_iter().enumerate();
    let kept = files.filter(|(row, _)| keep.is_valid(*row) && keep.value(*row));
    Ok(kept.map(|(_, file)| file).collect())
}

#[async_trait]
impl TableProvider for PythonTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushed = filters.iter().map(|filter| match is_about_paths(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        });
        Ok(pushed.collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = passing(files(&self.path_or_glob)?.collect(), filters, session)?;
        let partitions = session.config().target_partitions();
        let columns = self.kind.columns();
        let columns = match projection {
            None => columns,
            Some(projection) => projection.iter().map(|&at| columns[at]).collect(),
        };
        let schema = project_schema(&self.schema, projection)?;
        let files = shared(files, partitions);
        let batch_size = session.config().batch_size();
        Ok(Arc::new(PythonScan::new(
            self.kind, columns, schema, files, limit, batch_size,
        )))
    }
}
