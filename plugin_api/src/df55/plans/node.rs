//! The message of each node.

use datafusion_common::{
    DFSchema, JoinConstraint, NullEquality, NullHandling, Result, not_impl_err,
};
use datafusion_expr::{
    Distinct, DmlStatement, Expr, Join, LogicalPlan, Partitioning, Repartition, TableScan, Unnest,
    Values, WriteOp, dml::InsertOp, expr::Sort,
};

use super::{
    expression::directions, names::column_name, objects::ScannedSource, write::PlanWriter,
};
use crate::{
    abi::message::{DmlOperation, Handle, NullRows, PlanNode, Repartitioning, Run},
    df55::expressions::breach,
};

fn one(inputs: &[usize]) -> Result<usize> {
    match inputs {
        [input] => Ok(*input),
        other => Err(breach(format!("a node of {} inputs", other.len()))),
    }
}

impl PlanWriter<'_> {
    /// The message of `plan`, whose inputs are written.
    pub(super) fn node(&mut self, plan: &LogicalPlan, inputs: Vec<usize>) -> Result<PlanNode> {
        let seen = || Self::seen(plan);
        let sorted =
            |sorts: &[Sort]| -> Vec<Expr> { sorts.iter().map(|sort| sort.expr.clone()).collect() };
        Ok(match plan {
            LogicalPlan::Projection(projection) => PlanNode::Projection {
                input: one(&inputs)?,
                exprs: self.run(&projection.expr, seen)?,
                schema: self.shared_schema(&projection.schema),
            },
            LogicalPlan::Filter(filter) => PlanNode::Filter {
                input: one(&inputs)?,
                predicate: self.run([&filter.predicate], seen)?.0,
            },
            LogicalPlan::Window(window) => PlanNode::Window {
                input: one(&inputs)?,
                exprs: self.run(&window.window_expr, seen)?,
                schema: self.shared_schema(&window.schema),
            },
            LogicalPlan::Aggregate(aggregate) => PlanNode::Aggregate {
                input: one(&inputs)?,
                groups: self.run(&aggregate.group_expr, seen)?,
                aggregates: self.run(&aggregate.aggr_expr, seen)?,
                schema: self.shared_schema(&aggregate.schema),
            },
            LogicalPlan::Sort(sort) => PlanNode::Sort {
                input: one(&inputs)?,
                exprs: self.run(&sorted(&sort.expr), seen)?,
                directions: directions(&sort.expr),
                fetch: sort.fetch,
            },
            LogicalPlan::Join(join) => self.join(join, &inputs, plan)?,
            LogicalPlan::Repartition(repartition) => {
                self.repartition(repartition, one(&inputs)?, plan)?
            }
            LogicalPlan::Union(union) => PlanNode::Union {
                inputs,
                schema: self.shared_schema(&union.schema),
            },
            LogicalPlan::TableScan(scan) => self.scan(scan, plan)?,
            LogicalPlan::EmptyRelation(empty) => PlanNode::EmptyRelation {
                one_row: empty.produce_one_row,
                schema: self.shared_schema(&empty.schema),
            },
            LogicalPlan::Subquery(subquery) => PlanNode::Subquery {
                input: one(&inputs)?,
                outer: self.run(&subquery.outer_ref_columns, seen)?,
            },
            LogicalPlan::SubqueryAlias(alias) => PlanNode::SubqueryAlias {
                input: one(&inputs)?,
                alias: self.name(&alias.alias),
                schema: self.shared_schema(&alias.schema),
            },
            LogicalPlan::Limit(limit) => {
                let mut optional = |expr: Option<&Expr>| -> Result<Option<usize>> {
                    expr.map(|expr| self.run([expr], seen).map(|run| run.0))
                        .transpose()
                };
                PlanNode::Limit {
                    input: one(&inputs)?,
                    skip: optional(limit.skip.as_deref())?,
                    fetch: optional(limit.fetch.as_deref())?,
                }
            }
            LogicalPlan::Values(Values { schema, values }) => {
                let width = values.first().map_or(0, Vec::len);
                if values.iter().any(|row| row.len() != width) {
                    return not_impl_err!("rows of different lengths do not cross");
                }
                PlanNode::Values {
                    exprs: self.run(values.iter().flatten(), seen)?,
                    width,
                    schema: self.shared_schema(schema),
                }
            }
            LogicalPlan::Distinct(Distinct::All(_)) => PlanNode::Distinct {
                input: one(&inputs)?,
            },
            LogicalPlan::Distinct(Distinct::On(distinct)) => {
                let sort = distinct.sort_expr.as_ref().map(|sort| -> Result<_> {
                    Ok((self.run(&sorted(sort), seen)?, directions(sort)))
                });
                PlanNode::DistinctOn {
                    input: one(&inputs)?,
                    sort: sort.transpose()?,
                    on: self.run(&distinct.on_expr, seen)?,
                    select: self.run(&distinct.select_expr, seen)?,
                    schema: self.shared_schema(&distinct.schema),
                }
            }
            LogicalPlan::Dml(dml) => match operation(dml) {
                Some(operation) => PlanNode::Dml {
                    input: one(&inputs)?,
                    table: self.name(&dml.table_name),
                    target: self.source(ScannedSource {
                        source: dml.target.clone(),
                        requests: Default::default(),
                    })?,
                    operation,
                    schema: self.shared_schema(&dml.output_schema),
                },
                None => self.held_node(plan, inputs)?,
            },
            LogicalPlan::Unnest(unnest) => self.unnest(unnest, one(&inputs)?),
            LogicalPlan::RecursiveQuery(query) => {
                let [fixed, recursive] = inputs.as_slice() else {
                    return Err(breach(format!(
                        "a recursive query of {} inputs",
                        inputs.len()
                    )));
                };
                PlanNode::RecursiveQuery {
                    name: query.name.clone(),
                    fixed: *fixed,
                    recursive: *recursive,
                    distinct: query.is_distinct,
                    schema: self.shared_schema(&query.schema),
                }
            }
            LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Extension(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_) => self.held_node(plan, inputs)?,
        })
    }

    fn held_node(&mut self, plan: &LogicalPlan, inputs: Vec<usize>) -> Result<PlanNode> {
        let handle = self.held(plan)?;
        let (name, text) = match (handle, plan) {
            (Handle::Returned(_), _) => Default::default(),
            (_, LogicalPlan::Extension(extension)) => {
                (extension.node.name().to_owned(), plan.display().to_string())
            }
            _ => (String::new(), plan.display().to_string()),
        };
        Ok(PlanNode::Held {
            handle,
            name,
            text,
            inputs,
            exprs: self.run(&plan.expressions(), || Self::seen(plan))?,
            schema: self.shared_schema(plan.schema()),
        })
    }

    fn join(&mut self, join: &Join, inputs: &[usize], plan: &LogicalPlan) -> Result<PlanNode> {
        let seen = || Self::seen(plan);
        let [left, right] = inputs else {
            return Err(breach(format!("a join of {} inputs", inputs.len())));
        };
        let on = join.on.iter().flat_map(|(left, right)| [left, right]);
        let filter = |filter: &Expr, writer: &mut Self| writer.run([filter], seen);
        Ok(PlanNode::Join {
            left: *left,
            right: *right,
            on: self.run(on, seen)?,
            filter: match &join.filter {
                Some(expr) => Some(filter(expr, self)?.0),
                None => None,
            },
            kind: join.join_type.to_string(),
            using: join.join_constraint == JoinConstraint::Using,
            nulls_equal: join.null_equality == NullEquality::NullEqualsNull,
            null_aware: join.null_aware,
            schema: self.shared_schema(&join.schema),
        })
    }

    fn repartition(
        &mut self,
        repartition: &Repartition,
        input: usize,
        plan: &LogicalPlan,
    ) -> Result<PlanNode> {
        let run = |writer: &mut Self, exprs: &[Expr]| -> Result<Run> {
            writer.run(exprs, || Self::seen(plan))
        };
        let scheme = match &repartition.partitioning_scheme {
            Partitioning::RoundRobinBatch(count) => Repartitioning::RoundRobin(*count),
            Partitioning::Hash(exprs, count) => Repartitioning::Hash(run(self, exprs)?, *count),
            Partitioning::DistributeBy(exprs) => Repartitioning::DistributeBy(run(self, exprs)?),
            other => return not_impl_err!("a repartitioning by {other:?} does not cross"),
        };
        Ok(PlanNode::Repartition { input, scheme })
    }

    fn scan(&mut self, scan: &TableScan, plan: &LogicalPlan) -> Result<PlanNode> {
        // Filters may speak of columns that the scan does not yield.
        let seen = || {
            let schema = scan.source.schema();
            let whole = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &schema);
            whole.or_else(|_| Self::seen(plan))
        };
        Ok(PlanNode::TableScan {
            table: self.name(&scan.table_name),
            source: self.source(ScannedSource {
                source: scan.source.clone(),
                requests: scan.statistics_requests.clone(),
            })?,
            projection: scan.projection.clone(),
            filters: self.run(&scan.filters, seen)?,
            fetch: scan.fetch,
            schema: self.shared_schema(&scan.projected_schema),
        })
    }

    fn unnest(&mut self, unnest: &Unnest, input: usize) -> PlanNode {
        let lists = unnest.list_type_columns.iter();
        let recursions = unnest.options.recursions.iter();
        PlanNode::Unnest {
            input,
            columns: unnest.exec_columns.iter().map(column_name).collect(),
            lists: lists
                .map(|(position, list)| (*position, column_name(&list.output_column), list.depth))
                .collect(),
            structs: unnest.struct_type_columns.clone(),
            dependencies: unnest.dependency_indices.clone(),
            nulls: match unnest.options.null_handling {
                NullHandling::Preserve => NullRows::Preserve,
                NullHandling::Drop => NullRows::Drop,
                NullHandling::PreserveAndExpandEmpty => NullRows::Expand,
            },
            recursions: recursions
                .map(|r| {
                    let (from, to) = (&r.input_column, &r.output_column);
                    (column_name(from), column_name(to), r.depth)
                })
                .collect(),
            schema: self.shared_schema(&unnest.schema),
        }
    }
}

fn operation(dml: &DmlStatement) -> Option<DmlOperation> {
    Some(match &dml.op {
        WriteOp::Insert(InsertOp::Append) => DmlOperation::Append,
        WriteOp::Insert(InsertOp::Overwrite) => DmlOperation::Overwrite,
        WriteOp::Insert(InsertOp::Replace) => DmlOperation::Replace,
        WriteOp::Delete => DmlOperation::Delete,
        WriteOp::Update => DmlOperation::Update,
        WriteOp::Ctas => DmlOperation::Ctas,
        WriteOp::Truncate => DmlOperation::Truncate,
        _ => return None,
    })
}
