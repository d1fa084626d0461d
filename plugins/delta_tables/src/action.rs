//! Work on a table as an execution plan: nothing happens before the plan is executed.

use std::{
    fmt::{self, Debug},
    sync::Arc,
};

use async_trait::async_trait;
use datafusion::{
    arrow::{
        array::{RecordBatch, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::{Session, TableProvider},
    common::{internal_err, tree_node::TreeNodeRecursion},
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableType},
    physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr, expressions::Column},
    physical_plan::{
        DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
        projection::ProjectionExec,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{future::BoxFuture, stream};

type Work = dyn Fn(
        Option<SendableRecordBatchStream>,
        Arc<TaskContext>,
    ) -> BoxFuture<'static, Result<RecordBatch>>
    + Send
    + Sync;

/// One partition of one batch, which the work yields that is done when the plan is executed.
///
/// Dropping the stream abandons the work where it is; whether anything came of it is the work's
/// business. A commit is one file, so a table is never half changed.
#[derive(Clone)]
pub(crate) struct ActionExec {
    title: String,
    input: Option<Arc<dyn ExecutionPlan>>,
    work: Arc<Work>,
    properties: Arc<PlanProperties>,
}

impl ActionExec {
    /// Work without input; `title` is what EXPLAIN shows of it.
    pub(crate) fn new<F>(
        title: impl Into<String>,
        schema: SchemaRef,
        work: impl Fn(Arc<TaskContext>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<RecordBatch>> + Send + 'static,
    {
        let work: Arc<Work> = Arc::new(move |_, context| Box::pin(work(context)));
        Self::over(title, schema, None, work)
    }

    /// Work that reads all rows of `input` as one partition.
    pub(crate) fn reading<F>(
        title: impl Into<String>,
        schema: SchemaRef,
        input: Arc<dyn ExecutionPlan>,
        work: impl Fn(SendableRecordBatchStream, Arc<TaskContext>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<RecordBatch>> + Send + 'static,
    {
        let work: Arc<Work> = Arc::new(move |rows, context| match rows {
            Some(rows) => Box::pin(work(rows, context)),
            None => Box::pin(async { internal_err!("an action lost its input") }),
        });
        Self::over(title, schema, Some(input), work)
    }

    fn over(
        title: impl Into<String>,
        schema: SchemaRef,
        input: Option<Arc<dyn ExecutionPlan>>,
        work: Arc<Work>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            title: title.into(),
            input,
            work,
            properties: Arc::new(properties),
        }
    }
}

impl Debug for ActionExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionExec")
            .field("title", &self.title)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for ActionExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeltaActionExec: {}", self.title)
    }
}

impl ExecutionPlan for ActionExec {
    fn name(&self) -> &str {
        "DeltaActionExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.input
            .iter()
            .map(|_| Distribution::SinglePartition)
            .collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        self.input.iter().map(|_| false).collect()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.input.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.len() != self.children().len() {
            return internal_err!("an action with {} inputs", children.len());
        }
        let mut action = Self::clone(&self);
        action.input = children.into_iter().next();
        Ok(Arc::new(action))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("an action has one partition, not {}", partition + 1);
        }
        let rows = match &self.input {
            Some(input) => Some(datafusion::physical_plan::execute_stream(
                Arc::clone(input),
                Arc::clone(&context),
            )?),
            None => None,
        };
        let work = Arc::clone(&self.work);
        // The work is not even made before the first poll.
        let batch = async move { work(rows, context).await };
        let schema = self.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            stream::once(batch),
        )))
    }
}

/// A table of what an action yields; each scan is one action.
#[derive(Debug)]
pub(crate) struct ActionTable(ActionExec);

impl ActionTable {
    pub(crate) fn new(action: ActionExec) -> Self {
        Self(action)
    }
}

#[async_trait]
impl TableProvider for ActionTable {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        projected(Arc::new(self.0.clone()), projection)
    }
}

/// The columns of `plan` at these positions.
pub(crate) fn projected(
    plan: Arc<dyn ExecutionPlan>,
    columns: Option<&Vec<usize>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(columns) = columns else {
        return Ok(plan);
    };
    let schema = plan.schema();
    let columns: Vec<(Arc<dyn PhysicalExpr>, String)> = columns
        .iter()
        .map(|&i| {
            let name = schema.field(i).name().clone();
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(&name, i));
            (column, name)
        })
        .collect();
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}

/// The schema of what DML yields.
pub(crate) fn count_schema() -> SchemaRef {
    let count = Field::new("count", DataType::UInt64, false);
    Arc::new(Schema::new(vec![count]))
}

/// How many rows DML touched.
pub(crate) fn count_batch(rows: u64) -> Result<RecordBatch> {
    let counts = Arc::new(UInt64Array::from(vec![rows]));
    Ok(RecordBatch::try_new(count_schema(), vec![counts])?)
}
