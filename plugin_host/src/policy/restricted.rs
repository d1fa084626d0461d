//! A table of which a part may be seen.
//!
//! It is a leaf: what is below it (the whole table, the condition of the policy, the values that
//! masks hide) is planned by itself and stays closed. So no condition of a query is ever computed on
//! a row or a value that the query may not see, where an error message could tell it; no statistics of
//! the whole table answer a query or are shown by `EXPLAIN`; and a limit counts what passes.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::{
        Column, DFSchema, DataFusionError, Result,
        config::SqlParserOptions,
        exec_datafusion_err, internal_err,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    datasource::TableType,
    execution::{SendableRecordBatchStream, SessionState, TaskContext},
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder, Operator, TableProviderFilterPushDown, try_cast,
    },
    optimizer::{Analyzer, AnalyzerRule, analyzer::type_coercion::TypeCoercion},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
        execution_plan::reset_plan_states, stream::RecordBatchStreamAdapter,
    },
};

use futures::TryStreamExt;

use super::{
    PolicyRefusal,
    guard::{Restriction, TableId},
};

/// The session in which the SQL of policies is read: as it was when it was guarded, so that no `SET`
/// and no `CREATE FUNCTION` gives that SQL another meaning, and with DataFusion's own dialect.
pub(super) fn sql_state(state: &SessionState) -> SessionState {
    let mut state = state.clone();
    state.config_mut().options_mut().sql_parser = SqlParserOptions::default();
    state
}

/// What may be seen of a table, as a table.
#[derive(Debug)]
pub(super) struct Restricted {
    id: TableId,
    /// Analyzed, so that it can be planned without the session's analyzer, which would restrict it
    /// again.
    plan: LogicalPlan,
    schema: SchemaRef,
    masked: Vec<String>,
    table_type: TableType,
}

impl Restricted {
    /// `whole` is the whole table.
    ///
    /// # Errors
    /// A refusal when the restriction makes no sense on this table.
    pub(super) fn new(
        id: &TableId,
        whole: LogicalPlan,
        table_type: TableType,
        restriction: &Restriction,
        state: &SessionState,
    ) -> Result<Self> {
        let part = Part {
            id,
            schema: Arc::clone(whole.schema()),
            state,
        };
        let mut builder = LogicalPlanBuilder::from(whole);
        for (policy, filter) in &restriction.filters {
            builder = builder.filter(part.condition(policy, filter)?)?;
        }
        if let Some((_, limit)) = &restriction.limit {
            let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
            builder = builder.limit(0, Some(limit))?;
        }
        for (column, (policy, _)) in &restriction.masks {
            if part.schema.index_of_column_by_name(None, column).is_none() {
                let problem = format!("there is no column '{column}' to mask");
                return Err(part.nonsense(policy, problem));
            }
        }
        let mut columns = Vec::with_capacity(part.schema.fields().len());
        for (qualifier, field) in part.schema.iter() {
            let name = field.name();
            let column = Expr::Column(Column::from((qualifier, field)));
            let column = match restriction.masks.get(name) {
                Some((policy, mask)) => part.mask(policy, name, mask)?,
                None => column,
            };
            columns.push(column.alias(name));
        }
        let plan = builder.project(columns)?.build()?;
        let plan = analyzed(plan, state)?;
        Ok(Self {
            id: id.clone(),
            schema: Arc::clone(plan.schema().inner()),
            plan,
            masked: restriction.masks.keys().cloned().collect(),
            table_type,
        })
    }
}

/// What a restriction's SQL is read against.
struct Part<'a> {
    id: &'a TableId,
    schema: Arc<DFSchema>,
    state: &'a SessionState,
}

impl Part<'_> {
    fn nonsense(&self, policy: &str, problem: String) -> DataFusionError {
        let refusal = PolicyRefusal::Nonsense {
            policy: policy.to_owned(),
            table: format!("table '{}'", self.id),
            problem,
        };
        refusal.into()
    }

    fn expression(&self, policy: &str, sql: &str) -> Result<Expr> {
        let wrong = |problem: String| self.nonsense(policy, format!("'{sql}': {problem}"));
        let expr = self.state.create_logical_expr(sql, &self.schema);
        let expr = expr.map_err(|error| wrong(error.strip_backtrace()))?;
        let beyond = expr.exists(|part| {
            Ok(matches!(
                part,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
                    | Expr::AggregateFunction(_)
                    | Expr::WindowFunction(_)
                    | Expr::Placeholder(_)
                    | Expr::Unnest(_)
            ))
        })?;
        match beyond {
            true => Err(wrong("looks beyond the row".to_owned())),
            false => Ok(expr),
        }
    }

    fn condition(&self, policy: &str, sql: &str) -> Result<Expr> {
        use datafusion::{arrow::datatypes::DataType, logical_expr::ExprSchemable};

        let condition = self.expression(policy, sql)?;
        // Types as they are after coercion: `1 + 'x'` has one, but cannot be computed.
        let found = self.coerced(policy, sql, condition.clone())?;
        match found.get_type(&self.schema) {
            Ok(DataType::Boolean) => Ok(condition),
            Ok(other) => {
                let problem = format!("'{sql}' is of type {other}, expected Boolean");
                Err(self.nonsense(policy, problem))
            }
            Err(error) => Err(self.nonsense(policy, error.strip_backtrace())),
        }
    }

    fn coerced(&self, policy: &str, sql: &str, expr: Expr) -> Result<Expr> {
        let input = LogicalPlan::EmptyRelation(datafusion::logical_expr::EmptyRelation {
            produce_one_row: false,
            schema: Arc::clone(&self.schema),
        });
        let wrong = |error: DataFusionError| {
            self.nonsense(policy, format!("'{sql}': {}", error.strip_backtrace()))
        };
        let plan = LogicalPlanBuilder::from(input)
            .project([expr.alias("value")])
            .and_then(LogicalPlanBuilder::build)
            .and_then(|plan| analyzed(plan, self.state))
            .map_err(wrong)?;
        match plan {
            LogicalPlan::Projection(projection) if projection.expr.len() == 1 => {
                Ok(projection.expr[0].clone())
            }
            _ => internal_err!("a projection became something else"),
        }
    }

    fn mask(&self, policy: &str, column: &str, sql: &str) -> Result<Expr> {
        use datafusion::logical_expr::ExprSchemable;

        let mask = self.expression(policy, sql)?;
        let coerced = self.coerced(policy, sql, mask.clone())?;
        let found = coerced.get_type(&self.schema);
        let found = found.map_err(|error| self.nonsense(policy, error.strip_backtrace()))?;
        let field = self.schema.field_with_unqualified_name(column)?;
        let expected = field.data_type();
        if found == *expected {
            return Ok(mask);
        }
        if !like(&found, expected) {
            let problem = format!(
                "the mask of column '{column}', '{sql}', is of type {found}, expected {expected}"
            );
            return Err(self.nonsense(policy, problem));
        }
        // A value that does not fit is no error, which would tell it.
        Ok(try_cast(mask, expected.clone()))
    }
}

/// Whether a mask of one type may stand for a column of another.
fn like(
    found: &datafusion::arrow::datatypes::DataType,
    expected: &datafusion::arrow::datatypes::DataType,
) -> bool {
    use datafusion::arrow::datatypes::DataType;

    let is_null = *found == DataType::Null;
    is_null
        || (found.is_string() && expected.is_string())
        || (found.is_numeric() && expected.is_numeric())
        || (found.is_binary() && expected.is_binary())
        || (found.is_temporal()
            && expected.is_temporal()
            && std::mem::discriminant(found) == std::mem::discriminant(expected))
}

/// Function rewrites and coercions, and nothing of the session's own.
fn analyzed(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    let rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(TypeCoercion::new())];
    let mut analyzer = Analyzer::with_rules(rules);
    for rewrite in &state.analyzer().function_rewrites {
        analyzer.add_function_rewrite(Arc::clone(rewrite));
    }
    analyzer.execute_and_check(plan, state.config_options(), |_, _| {})
}

#[async_trait]
impl TableProvider for Restricted {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        self.table_type
    }

    /// Comparisons of columns with constants cannot fail, so they may be computed on rows that are
    /// not to be seen.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match tells_nothing(filter, &self.masked) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let state = session.as_any().downcast_ref::<SessionState>();
        let state = state.ok_or_else(|| exec_datafusion_err!("not DataFusion's own session"))?;
        let mut builder = LogicalPlanBuilder::from(self.plan.clone());
        for filter in filters {
            builder = builder.filter(filter.clone())?;
        }
        if let Some(projection) = projection {
            let columns = projection
                .iter()
                .map(|i| Expr::Column(Column::from(self.plan.schema().qualified_field(*i))));
            builder = builder.project(columns.collect::<Vec<_>>())?;
        }
        if limit.is_some() {
            builder = builder.limit(0, limit)?;
        }
        let plan = state
            .optimizer()
            .optimize(builder.build()?, state, |_, _| {})?;
        let inner = state
            .query_planner()
            .create_physical_plan(&plan, state)
            .await?;
        Ok(Arc::new(RestrictedExec {
            table: self.id.to_string(),
            inner,
        }))
    }
}

/// Whether a condition can neither fail nor look at a masked column.
fn tells_nothing(filter: &Expr, masked: &[String]) -> bool {
    let mut harmless = true;
    let walked = filter.apply(|part| {
        harmless &= match part {
            Expr::Column(column) => !masked.contains(&column.name),
            Expr::Literal(..)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Between(_)
            | Expr::InList(_) => true,
            Expr::BinaryExpr(binary) => matches!(
                binary.op,
                Operator::Eq
                    | Operator::NotEq
                    | Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
                    | Operator::And
                    | Operator::Or
                    | Operator::IsDistinctFrom
                    | Operator::IsNotDistinctFrom
            ),
            _ => false,
        };
        Ok(match harmless {
            true => TreeNodeRecursion::Continue,
            false => TreeNodeRecursion::Stop,
        })
    });
    harmless && walked.is_ok()
}

/// An error below may tell a value that is not to be seen; the log has it.
fn told(table: &str, error: DataFusionError) -> DataFusionError {
    if let DataFusionError::ResourcesExhausted(_) = error.find_root() {
        return error;
    }
    tracing::error!(table, %error, "a restricted table could not be read");
    exec_datafusion_err!("table '{table}' could not be read as it is restricted; the log says why")
}

/// What may be seen of a table, being read.
#[derive(Debug)]
struct RestrictedExec {
    table: String,
    inner: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for RestrictedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "RestrictedExec: table={}", self.table)
    }
}

impl ExecutionPlan for RestrictedExec {
    fn name(&self) -> &str {
        "RestrictedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.inner.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
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
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a restricted table has no children"),
        }
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            table: self.table.clone(),
            inner: reset_plan_states(Arc::clone(&self.inner))?,
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let inner = self.inner.execute(partition, context)?;
        let table = self.table.clone();
        let rows = inner.map_err(move |error| told(&table, error));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
