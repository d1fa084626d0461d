//! `MERGE`.

use std::{collections::HashSet, sync::Arc};

use datafusion::datasource::provider_as_source;
use datafusion::{
    arrow::datatypes::{Schema, SchemaRef},
    common::{
        Column, DFSchemaRef, exec_datafusion_err, internal_err,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    execution::{SendableRecordBatchStream, SessionState, TaskContext},
    logical_expr::{
        Expr, LogicalPlanBuilder,
        dml::{MergeIntoAction, MergeIntoClause, MergeIntoClauseKind},
    },
    physical_plan::{ExecutionPlan, stream::RecordBatchStreamAdapter},
    prelude::DataFrame,
};
use deltalake::{DeltaResult, operations::merge::MergeBuilder};
use futures::StreamExt;

use super::update::refuse_subqueries;
use crate::{
    action::{ActionExec, count_batch, count_schema},
    constraints::{enforceable, explained},
    error::failed,
    location::Location,
    once::once,
    open::{Tables, snapshot},
    session::state_in,
};

const TARGET: &str = "target";
const SOURCE: &str = "source";

/// What the columns of a statement are in the merge: target and source as two relations, each with
/// names of its own.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    merge_schema: DFSchemaRef,
    target: usize,
    source: SchemaRef,
}

impl Columns {
    /// `merge_schema` has the `target` columns of the table, then those of the source.
    pub(super) fn new(merge_schema: &DFSchemaRef, target: usize, source: &Schema) -> Result<Self> {
        if merge_schema.fields().len() != target + source.fields().len() {
            return internal_err!(
                "MERGE over {} columns, but target and source have {target} and {}",
                merge_schema.fields().len(),
                source.fields().len()
            );
        }
        // The source may be a join with a name twice.
        let mut taken = HashSet::new();
        let fields: Vec<_> = source
            .fields()
            .iter()
            .enumerate()
            .map(|(i, field)| {
                let mut name = field.name().clone();
                while !taken.insert(name.clone()) {
                    name = format!("{}_{i}", field.name());
                }
                Arc::new(field.as_ref().clone().with_name(name))
            })
            .collect();
        Ok(Self {
            merge_schema: Arc::clone(merge_schema),
            target,
            source: Arc::new(Schema::new(fields)),
        })
    }

    fn resolved(&self, expr: Expr) -> Result<Expr> {
        // The optimizer leaves aliases, which `deltalake` cannot write to the log.
        let resolved = expr.unalias_nested().data.transform(|part| {
            let Expr::Column(column) = &part else {
                return Ok(Transformed::no(part));
            };
            let i = self.merge_schema.index_of_column(column)?;
            let (relation, name) = match i.checked_sub(self.target) {
                None => (TARGET, self.merge_schema.field(i).name()),
                Some(i) => (SOURCE, self.source.field(i).name()),
            };
            Ok(Transformed::yes(Expr::Column(Column::new(
                Some(relation),
                name,
            ))))
        })?;
        Ok(resolved.data)
    }

    fn clause(&self, clause: MergeIntoClause) -> Result<MergeIntoClause> {
        let action = match clause.action {
            MergeIntoAction::Update(set) => MergeIntoAction::Update(
                set.into_iter()
                    .map(|(column, value)| Ok((column, self.resolved(value)?)))
                    .collect::<Result<_>>()?,
            ),
            MergeIntoAction::Insert { columns, values } => MergeIntoAction::Insert {
                columns,
                values: values
                    .into_iter()
                    .map(|value| self.resolved(value))
                    .collect::<Result<_>>()?,
            },
            MergeIntoAction::Delete => MergeIntoAction::Delete,
        };
        let predicate = clause
            .predicate
            .map(|expr| self.resolved(expr))
            .transpose()?;
        Ok(MergeIntoClause {
            kind: clause.kind,
            predicate,
            action,
        })
    }
}

/// Merges the rows of `source` into the table, in one commit. Yields how many rows were inserted,
/// updated or deleted.
pub(super) fn plan(
    tables: &Arc<Tables>,
    location: &Location,
    source: Arc<dyn ExecutionPlan>,
    columns: Columns,
    on: Expr,
    clauses: Vec<MergeIntoClause>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let on = columns.resolved(on)?;
    let clauses: Vec<MergeIntoClause> = clauses
        .into_iter()
        .map(|clause| columns.clause(clause))
        .collect::<Result<_>>()?;
    let merge = Merge {
        tables: Arc::clone(tables),
        location: location.clone(),
        source: columns.source,
        on,
        clauses,
    };
    merge.refuse_subqueries()?;
    let title = format!("MERGE into {location} on {}", merge.on);
    let merge = Arc::new(merge);
    let action = ActionExec::reading(title, count_schema(), source, move |rows, context| {
        let merge = Arc::clone(&merge);
        async move { count_batch(merge.run(rows, &context).await?) }
    });
    Ok(Arc::new(action))
}

struct Merge {
    tables: Arc<Tables>,
    location: Location,
    source: SchemaRef,
    on: Expr,
    clauses: Vec<MergeIntoClause>,
}

impl Merge {
    fn refuse_subqueries(&self) -> Result<()> {
        let mut exprs = vec![self.on.clone()];
        for clause in &self.clauses {
            exprs.extend(clause.predicate.clone());
            match &clause.action {
                MergeIntoAction::Update(set) => {
                    exprs.extend(set.iter().map(|(_, value)| value.clone()));
                }
                MergeIntoAction::Insert { values, .. } => exprs.extend(values.iter().cloned()),
                MergeIntoAction::Delete => {}
            }
        }
        refuse_subqueries("MERGE", &self.location, &exprs)
    }

    async fn run(&self, rows: SendableRecordBatchStream, context: &TaskContext) -> Result<u64> {
        let table = self.tables.open_to_write(&self.location).await?;
        let snapshot = snapshot(&table, &self.location)?.clone();
        enforceable(&self.location, &snapshot)?;
        let state = state_in(context);
        let source = self.source(rows, state.as_any().downcast_ref())?;
        let failed = |error| failed("MERGE into the Delta table", &self.location, error);
        let mut merge = table
            .merge(source, self.on.clone())
            .with_source_alias(SOURCE)
            .with_target_alias(TARGET)
            // The rows come once.
            .with_streaming(true)
            .with_session_state(state)
            .with_commit_properties(self.tables.commit());
        for clause in &self.clauses {
            merge = with_clause(merge, clause.clone()).map_err(failed)?;
        }
        let (_, metrics) = merge
            .await
            .map_err(failed)
            .map_err(|error| explained(&snapshot, error))?;
        let touched = metrics.num_target_rows_inserted
            + metrics.num_target_rows_updated
            + metrics.num_target_rows_deleted;
        Ok(touched as u64)
    }

    fn source(
        &self,
        rows: SendableRecordBatchStream,
        state: Option<&SessionState>,
    ) -> Result<DataFrame> {
        let state = state.ok_or_else(|| exec_datafusion_err!("a session that cannot plan"))?;
        let schema = Arc::clone(&self.source);
        let named = rows.map(move |batch| Ok(batch?.with_schema(Arc::clone(&schema))?));
        let named = RecordBatchStreamAdapter::new(Arc::clone(&self.source), named);
        let (source, _) = once(Box::pin(named))?;
        let source = LogicalPlanBuilder::scan(SOURCE, provider_as_source(source), None)?;
        Ok(DataFrame::new(state.clone(), source.build()?))
    }
}

fn with_clause(merge: MergeBuilder, clause: MergeIntoClause) -> DeltaResult<MergeBuilder> {
    let MergeIntoClause {
        kind,
        predicate,
        action,
    } = clause;
    let unsupported = |action: &str| {
        let message = format!("{kind:?} rows cannot be {action}");
        Err(deltalake::DeltaTableError::generic(message))
    };
    let by_source = kind == MergeIntoClauseKind::NotMatchedBySource;
    match action {
        MergeIntoAction::Insert { columns, values } if kind.is_not_matched_by_target() => merge
            .when_not_matched_insert(|mut insert| {
                if let Some(predicate) = predicate {
                    insert = insert.predicate(predicate);
                }
                for (column, value) in columns.into_iter().zip(values) {
                    insert = insert.set(Column::from_name(column), value);
                }
                insert
            }),
        MergeIntoAction::Insert { .. } => unsupported("inserted"),
        _ if kind.is_not_matched_by_target() => unsupported("updated or deleted"),
        MergeIntoAction::Update(set) => {
            let update = |mut update: deltalake::operations::merge::UpdateBuilder| {
                if let Some(predicate) = predicate {
                    update = update.predicate(predicate);
                }
                for (column, value) in set {
                    update = update.update(Column::from_name(column), value);
                }
                update
            };
            if by_source {
                merge.when_not_matched_by_source_update(update)
            } else {
                merge.when_matched_update(update)
            }
        }
        MergeIntoAction::Delete => {
            let delete = |delete: deltalake::operations::merge::DeleteBuilder| match predicate {
                Some(predicate) => delete.predicate(predicate),
                None => delete,
            };
            if by_source {
                merge.when_not_matched_by_source_delete(delete)
            } else {
                merge.when_matched_delete(delete)
            }
        }
    }
}
