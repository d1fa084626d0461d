//! `MERGE INTO`: its clauses, and the columns that its expressions speak of.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::{DFSchema, DFSchemaRef};
use datafusion_expr::{
    Expr,
    dml::{MergeIntoAction, MergeIntoClause, MergeIntoClauseKind, MergeIntoOp},
};

use super::{
    error::df,
    names::{table_name, table_reference},
};
use crate::abi::{
    CallError,
    message::{MergeAction, MergeClause, MergeRows, MergeStatement},
};

/// A statement as a message. Its expressions, in the order of [`MergeIntoOp::exprs`], are the
/// request's; the fields of `schema` follow the `rows` fields of the source among its types.
pub fn merge_to_message(merge: &MergeIntoOp, schema: &DFSchema, rows: usize) -> MergeStatement {
    MergeStatement {
        rows,
        relations: schema
            .iter()
            .map(|(relation, _)| table_name(relation))
            .collect(),
        clauses: merge.clauses.iter().map(clause_to_message).collect(),
    }
}

/// The source's schema, the schema that the expressions speak of, and the statement. `types` are
/// those of the request.
///
/// # Errors
/// A contract error when the message does not agree with types and expressions.
pub fn merge_from_message(
    message: MergeStatement,
    types: &Schema,
    exprs: Vec<Expr>,
) -> Result<(SchemaRef, DFSchemaRef, MergeIntoOp), CallError> {
    let MergeStatement {
        rows,
        relations,
        clauses,
    } = message;
    let Some((source, columns)) = types
        .fields()
        .split_at_checked(rows)
        .filter(|(_, columns)| columns.len() >= relations.len())
    else {
        return Err(CallError::contract(format!(
            "a merge of {rows} columns into {} with {} types",
            relations.len(),
            types.fields().len()
        )));
    };
    // Before stand-ins are made for them.
    if clauses.iter().any(|clause| {
        matches!(clause.action, MergeAction::Insert { values, .. } if values > exprs.len())
    }) {
        return Err(CallError::contract("a merge of more values than it has"));
    }
    let qualified = relations
        .iter()
        .zip(columns)
        .map(|(relation, field)| Ok((table_reference(relation)?, Arc::clone(field))))
        .collect::<Result<_, CallError>>()?;
    let outline = MergeIntoOp {
        on: Expr::default(),
        clauses: clauses.into_iter().map(clause_from_message).collect(),
    };
    let source = Schema::new_with_metadata(source.to_vec(), types.metadata().clone());
    let columns = df(DFSchema::new_with_metadata(qualified, HashMap::new()))?;
    Ok((
        Arc::new(source),
        Arc::new(columns),
        df(outline.with_new_exprs(exprs))?,
    ))
}

fn clause_to_message(clause: &MergeIntoClause) -> MergeClause {
    MergeClause {
        rows: match clause.kind {
            MergeIntoClauseKind::Matched => MergeRows::Matched,
            MergeIntoClauseKind::NotMatched => MergeRows::NotMatched,
            MergeIntoClauseKind::NotMatchedByTarget => MergeRows::NotMatchedByTarget,
            MergeIntoClauseKind::NotMatchedBySource => MergeRows::NotMatchedBySource,
        },
        predicate: clause.predicate.is_some(),
        action: match &clause.action {
            MergeIntoAction::Update(set) => MergeAction::Update {
                columns: set.iter().map(|(column, _)| column.clone()).collect(),
            },
            MergeIntoAction::Insert { columns, values } => MergeAction::Insert {
                columns: columns.clone(),
                values: values.len(),
            },
            MergeIntoAction::Delete => MergeAction::Delete,
        },
    }
}

/// The clause, with a stand-in for every expression.
fn clause_from_message(clause: MergeClause) -> MergeIntoClause {
    MergeIntoClause {
        kind: match clause.rows {
            MergeRows::Matched => MergeIntoClauseKind::Matched,
            MergeRows::NotMatched => MergeIntoClauseKind::NotMatched,
            MergeRows::NotMatchedByTarget => MergeIntoClauseKind::NotMatchedByTarget,
            MergeRows::NotMatchedBySource => MergeIntoClauseKind::NotMatchedBySource,
        },
        predicate: clause.predicate.then(Expr::default),
        action: match clause.action {
            MergeAction::Update { columns } => MergeIntoAction::Update(
                columns
                    .into_iter()
                    .map(|column| (column, Expr::default()))
                    .collect(),
            ),
            MergeAction::Insert { columns, values } => MergeIntoAction::Insert {
                columns,
                values: std::iter::repeat_n(Expr::default(), values).collect(),
            },
            MergeAction::Delete => MergeIntoAction::Delete,
        },
    }
}
