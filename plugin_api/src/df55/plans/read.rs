//! Messages as plans.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::{
    Column, DFSchemaRef, JoinConstraint, JoinType, NullEquality, NullHandling,
    RecursionUnnestOption, Result, Spans, TableReference, UnnestOptions,
    tree_node::{Transformed, TreeNode},
};
use datafusion_expr::{
    Aggregate, ColumnUnnestList, Distinct, DistinctOn, DmlStatement, EmptyRelation, Expr, Filter,
    Join, Limit, LogicalPlan, Partitioning, Projection, RecursiveQuery, Repartition, Sort,
    Subquery, TableScan, TableSource, Union, Unnest, Values, Window, WriteOp,
    dml::InsertOp,
    expr::{Exists, InSubquery, SetComparison, Sort as SortExpr},
};

use super::{
    expression::{Arrives, sorts},
    foreign::KeptExpr,
    names::{column_of, names_of},
    objects::{Arriving, HeldNode, ScannedSource, Types},
    schema::schema_of,
};
use crate::{
    abi::message::{
        DmlOperation, NullRows, PlanList, PlanNode, Repartitioning, Run, SortDirection,
    },
    df55::{
        expressions::{MAX_DEPTH, breach, unpack},
        parcel::ParcelContent,
    },
};

/// What a list has.
#[derive(Default)]
pub struct ReadPlans {
    /// Its plans.
    pub plans: Vec<LogicalPlan>,
    /// The expressions that are no plan's.
    pub exprs: Vec<Expr>,
    /// The schemas that are no node's.
    pub schemas: Vec<DFSchemaRef>,
    /// All its tables.
    pub sources: Vec<Arc<dyn TableSource>>,
}

impl ReadPlans {
    /// The one plan.
    ///
    /// # Errors
    /// A breach of the contract when there is another number of plans.
    pub fn only_plan(mut self) -> Result<LogicalPlan> {
        match (self.plans.pop(), self.plans.len()) {
            (Some(plan), 0) => Ok(plan),
            (last, rest) => Err(breach(format!(
                "{} plans where one was expected",
                rest + usize::from(last.is_some())
            ))),
        }
    }

    /// The one expression.
    ///
    /// # Errors
    /// A breach of the contract when there is another number of expressions.
    pub fn only_expr(mut self) -> Result<Expr> {
        match (self.exprs.pop(), self.exprs.len()) {
            (Some(expr), 0) => Ok(expr),
            (last, rest) => Err(breach(format!(
                "{} expressions where one was expected",
                rest + usize::from(last.is_some())
            ))),
        }
    }
}

/// Reads what a [`PlanWriter`](super::PlanWriter) of the other side wrote.
///
/// # Errors
/// A breach of the contract: positions that do not exist, what is used twice, unknown handles.
pub fn read_plans<M>(
    content: &ParcelContent<M>,
    list: &PlanList,
    objects: &dyn Arriving,
) -> Result<ReadPlans> {
    let all_types = content.types();
    let types = Types {
        signatures: all_types.get(list.signature_types..).unwrap_or_default(),
        fields: &content.fields,
    };
    let names = names_of(&list.names)?;
    let schemas = list.schemas.iter();
    let schemas = schemas.map(|schema| schema_of(schema, &content.fields, &names).map(Arc::new));
    let schemas = schemas.collect::<Result<Vec<_>>>()?;
    let scalars = list.expressions.functions.iter();
    let scalars = scalars.map(|reference| objects.scalar(reference, types));
    let aggregates = list.aggregates.iter();
    let aggregates = aggregates.map(|reference| objects.aggregate(reference, types));
    let windows = list.windows.iter();
    let windows = windows.map(|reference| objects.window(reference, types));
    let sources = list.sources.iter().map(|reference| {
        let schema = reference.schema.map(|schema| at(&schemas, schema));
        let schema = schema
            .transpose()?
            .map(|schema| SchemaRef::clone(schema.inner()));
        objects.source(reference, schema)
    });
    let stand_ins: Vec<_> = list.nodes.iter().map(|_| stand_in()).collect();
    let scalars = scalars.collect::<Result<Vec<_>>>()?;
    let exprs = match list.expressions.roots {
        0 => Vec::new(),
        _ => unpack(
            &list.expressions,
            &content.blob,
            &content.values,
            scalars.clone(),
            &Arrives {
                fields: &content.fields,
                aggregates: &aggregates.collect::<Result<Vec<_>>>()?,
                windows: &windows.collect::<Result<Vec<_>>>()?,
                subqueries: &stand_ins,
            },
        )?,
    };
    let mut reader = PlanReader {
        objects,
        names,
        sources: sources.collect::<Result<Vec<_>>>()?,
        exprs: exprs.into_iter().map(Some).collect(),
        keeps: scalars
            .iter()
            .any(|function| objects.kept(function).is_some()),
        nodes: Vec::with_capacity(list.nodes.len()),
        depths: Vec::with_capacity(list.nodes.len()),
        deepest: 0,
        used: vec![false; list.nodes.len()],
        stand_ins,
        schemas,
    };
    for node in &list.nodes {
        reader.deepest = 0;
        let plan = reader.plan(node)?;
        reader.nodes.push(Arc::new(plan));
        let depth = reader.deepest + 1;
        if depth > MAX_DEPTH {
            return Err(breach(format!("a plan of more than {MAX_DEPTH} levels")));
        }
        reader.depths.push(depth);
    }
    let exprs = reader.run(list.exprs)?;
    let plans = list.plans.iter().map(|node| reader.input(*node));
    let plans = plans.collect::<Result<Vec<_>>>()?;
    let roots = list
        .roots
        .iter()
        .map(|root| at(&reader.schemas, *root).cloned());
    let schemas = roots.collect::<Result<_>>()?;
    let sources = reader.sources.iter();
    let sources = sources.map(|scanned| Arc::clone(&scanned.source)).collect();
    drop(reader);
    Ok(ReadPlans {
        sources,
        plans: plans.into_iter().map(Arc::unwrap_or_clone).collect(),
        exprs,
        schemas,
    })
}

/// What stands for a subquery's plan: told from others by its address.
fn stand_in() -> Arc<LogicalPlan> {
    Arc::new(LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: false,
        schema: Arc::new(datafusion_common::DFSchema::empty()),
    }))
}

fn at<T>(list: &[T], position: usize) -> Result<&T> {
    list.get(position)
        .ok_or_else(|| breach(format!("position {position} of a list of {}", list.len())))
}

struct PlanReader<'a> {
    objects: &'a dyn Arriving,
    names: Vec<TableReference>,
    schemas: Vec<DFSchemaRef>,
    sources: Vec<ScannedSource>,
    exprs: Vec<Option<Expr>>,
    /// Whether some expressions stand in for ones that did not travel.
    keeps: bool,
    nodes: Vec<Arc<LogicalPlan>>,
    /// The depth of each node, subqueries among its inputs.
    depths: Vec<usize>,
    /// Of the inputs of the node that is being read.
    deepest: usize,
    used: Vec<bool>,
    stand_ins: Vec<Arc<LogicalPlan>>,
}

impl PlanReader<'_> {
    /// Each node is the input of one other.
    fn input(&mut self, node: usize) -> Result<Arc<LogicalPlan>> {
        let plan = Arc::clone(at(&self.nodes, node)?);
        match self.used.get_mut(node) {
            Some(used) if !*used => *used = true,
            _ => return Err(breach(format!("node {node} is used twice"))),
        }
        self.deepest = self
            .deepest
            .max(self.depths.get(node).copied().unwrap_or_default());
        Ok(plan)
    }

    fn schema(&self, position: usize) -> Result<DFSchemaRef> {
        at(&self.schemas, position).cloned()
    }

    fn name(&self, position: usize) -> Result<TableReference> {
        at(&self.names, position).cloned()
    }

    fn source(&self, position: usize) -> Result<ScannedSource> {
        at(&self.sources, position).cloned()
    }

    fn expr(&mut self, position: usize) -> Result<Expr> {
        let expr = self.exprs.get_mut(position).and_then(Option::take);
        let expr = expr.ok_or_else(|| {
            breach(format!(
                "expression {position} is not there, or is used twice"
            ))
        })?;
        let has_subqueries = expr.exists(|expr| {
            Ok(matches!(
                expr,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
            ))
        })?;
        if !self.keeps && !has_subqueries {
            return Ok(expr);
        }
        let transformed = expr.transform_up(|expr| self.completed(expr));
        transformed.map(|expr| expr.data)
    }

    /// Puts in the plans of subqueries and what stayed here.
    fn completed(&self, mut expr: Expr) -> Result<Transformed<Expr>> {
        match &mut expr {
            Expr::ScalarSubquery(subquery)
            | Expr::Exists(Exists { subquery, .. })
            | Expr::InSubquery(InSubquery { subquery, .. })
            | Expr::SetComparison(SetComparison { subquery, .. }) => {
                let stand_ins = self.stand_ins.iter();
                let mut node = stand_ins
                    .enumerate()
                    .filter(|(_, stand_in)| Arc::ptr_eq(stand_in, &subquery.subquery));
                let (node, _) = node
                    .next()
                    .ok_or_else(|| breach("a subquery without a plan".to_owned()))?;
                // Expressions may share a subquery.
                subquery.subquery = Arc::clone(at(&self.nodes, node)?);
                Ok(Transformed::yes(expr))
            }
            Expr::ScalarFunction(call) => match self.objects.kept(&call.func) {
                Some(kept) => rejoined(kept, std::mem::take(&mut call.args)).map(Transformed::yes),
                None => Ok(Transformed::no(expr)),
            },
            _ => Ok(Transformed::no(expr)),
        }
    }

    fn run(&mut self, (start, count): Run) -> Result<Vec<Expr>> {
        let end = start
            .checked_add(count)
            .filter(|end| *end <= self.exprs.len());
        let end = end.ok_or_else(|| breach(format!("{count} expressions from {start} on")))?;
        (start..end).map(|position| self.expr(position)).collect()
    }

    fn sorts(&mut self, run: Run, directions: &[SortDirection]) -> Result<Vec<SortExpr>> {
        sorts(self.run(run)?.into_iter(), directions)
    }

    fn columns(names: &[crate::abi::message::ColumnName]) -> Result<Vec<Column>> {
        names.iter().map(column_of).collect()
    }

    fn plan(&mut self, node: &PlanNode) -> Result<LogicalPlan> {
        Ok(match node {
            PlanNode::Projection {
                input,
                exprs,
                schema,
            } => LogicalPlan::Projection(Projection::try_new_with_schema(
                self.run(*exprs)?,
                self.input(*input)?,
                self.schema(*schema)?,
            )?),
            // The predicate was checked where the node was made.
            PlanNode::Filter { input, predicate } => {
                LogicalPlan::Filter(Filter::new(self.expr(*predicate)?, self.input(*input)?))
            }
            PlanNode::Window {
                input,
                exprs,
                schema,
            } => LogicalPlan::Window(Window::try_new_with_schema(
                self.run(*exprs)?,
                self.input(*input)?,
                self.schema(*schema)?,
            )?),
            PlanNode::Aggregate {
                input,
                groups,
                aggregates,
                schema,
            } => {
                let schema = self.schema(*schema)?;
                let aggregate = Aggregate::try_new_with_schema(
                    self.input(*input)?,
                    self.run(*groups)?,
                    self.run(*aggregates)?,
                    Arc::clone(&schema),
                );
                let mut aggregate = aggregate?;
                aggregate.schema = schema;
                LogicalPlan::Aggregate(aggregate)
            }
            PlanNode::Sort {
                input,
                exprs,
                directions,
                fetch,
            } => LogicalPlan::Sort(Sort {
                expr: self.sorts(*exprs, directions)?,
                input: self.input(*input)?,
                fetch: *fetch,
            }),
            PlanNode::Join { .. } => self.join(node)?,
            PlanNode::Repartition { input, scheme } => LogicalPlan::Repartition(Repartition {
                partitioning_scheme: match scheme {
                    Repartitioning::RoundRobin(count) => Partitioning::RoundRobinBatch(*count),
                    Repartitioning::Hash(exprs, count) => {
                        Partitioning::Hash(self.run(*exprs)?, *count)
                    }
                    Repartitioning::DistributeBy(exprs) => {
                        Partitioning::DistributeBy(self.run(*exprs)?)
                    }
                },
                input: self.input(*input)?,
            }),
            PlanNode::Union { inputs, schema } => LogicalPlan::Union(Union {
                inputs: inputs
                    .iter()
                    .map(|input| self.input(*input))
                    .collect::<Result<_>>()?,
                schema: self.schema(*schema)?,
            }),
            PlanNode::TableScan {
                table,
                source,
                projection,
                filters,
                fetch,
                schema,
            } => {
                let ScannedSource { source, requests } = self.source(*source)?;
                LogicalPlan::TableScan(TableScan {
                    table_name: self.name(*table)?,
                    source,
                    projection: projection.clone(),
                    projected_schema: self.schema(*schema)?,
                    filters: self.run(*filters)?,
                    fetch: *fetch,
                    statistics_requests: requests,
                })
            }
            PlanNode::EmptyRelation { one_row, schema } => {
                LogicalPlan::EmptyRelation(EmptyRelation {
                    produce_one_row: *one_row,
                    schema: self.schema(*schema)?,
                })
            }
            PlanNode::Subquery { input, outer } => LogicalPlan::Subquery(Subquery {
                subquery: self.input(*input)?,
                outer_ref_columns: self.run(*outer)?,
                spans: Spans::new(),
            }),
            PlanNode::SubqueryAlias {
                input,
                alias,
                schema,
            } => self.alias(*input, *alias, *schema)?,
            PlanNode::Limit { input, skip, fetch } => LogicalPlan::Limit(Limit {
                skip: skip.map(|expr| self.expr(expr).map(Box::new)).transpose()?,
                fetch: fetch
                    .map(|expr| self.expr(expr).map(Box::new))
                    .transpose()?,
                input: self.input(*input)?,
            }),
            PlanNode::Values {
                exprs,
                width,
                schema,
            } => {
                let exprs = self.run(*exprs)?;
                if *width == 0 || !exprs.len().is_multiple_of(*width) {
                    return Err(breach(format!("{} values in rows of {width}", exprs.len())));
                }
                LogicalPlan::Values(Values {
                    schema: self.schema(*schema)?,
                    values: exprs.chunks_exact(*width).map(<[_]>::to_vec).collect(),
                })
            }
            PlanNode::Distinct { input } => {
                LogicalPlan::Distinct(Distinct::All(self.input(*input)?))
            }
            PlanNode::DistinctOn {
                input,
                on,
                select,
                sort,
                schema,
            } => LogicalPlan::Distinct(Distinct::On(DistinctOn {
                on_expr: self.run(*on)?,
                select_expr: self.run(*select)?,
                sort_expr: match sort {
                    Some((run, directions)) => Some(self.sorts(*run, directions)?),
                    None => None,
                },
                input: self.input(*input)?,
                schema: self.schema(*schema)?,
            })),
            PlanNode::Dml {
                input,
                table,
                target,
                operation,
                schema,
            } => LogicalPlan::Dml(DmlStatement {
                table_name: self.name(*table)?,
                target: self.source(*target)?.source,
                op: write_op(*operation),
                input: self.input(*input)?,
                output_schema: self.schema(*schema)?,
            }),
            PlanNode::Unnest { .. } => self.unnest(node)?,
            PlanNode::RecursiveQuery {
                name,
                fixed,
                recursive,
                distinct,
                schema,
            } => LogicalPlan::RecursiveQuery(RecursiveQuery {
                name: name.clone(),
                static_term: self.input(*fixed)?,
                recursive_term: self.input(*recursive)?,
                is_distinct: *distinct,
                schema: self.schema(*schema)?,
            }),
            PlanNode::Held {
                handle,
                name,
                text,
                inputs,
                exprs,
                schema,
            } => {
                let inputs = inputs.iter().map(|input| self.input(*input));
                let inputs = inputs.collect::<Result<Vec<_>>>()?;
                let held = HeldNode {
                    handle: *handle,
                    name: name.clone(),
                    text: text.clone(),
                    schema: self.schema(*schema)?,
                    inputs: inputs.into_iter().map(Arc::unwrap_or_clone).collect(),
                    exprs: self.run(*exprs)?,
                };
                self.objects.node(held)?
            }
        })
    }

    fn alias(&mut self, input: usize, alias: usize, schema: usize) -> Result<LogicalPlan> {
        let input = self.input(input)?;
        let schema = self.schema(schema)?;
        let alias = self.name(alias)?;
        let made = datafusion_expr::SubqueryAlias::try_new(input, alias)?;
        if made.schema.fields().len() != schema.fields().len() {
            return Err(breach(format!(
                "an alias of {} columns for {}",
                schema.fields().len(),
                made.schema.fields().len()
            )));
        }
        let mut made = made;
        made.schema = schema;
        Ok(LogicalPlan::SubqueryAlias(made))
    }

    fn join(&mut self, node: &PlanNode) -> Result<LogicalPlan> {
        let PlanNode::Join {
            left,
            right,
            on,
            filter,
            kind,
            using,
            nulls_equal,
            null_aware,
            schema,
        } = node
        else {
            return Err(breach("a join that is none".to_owned()));
        };
        let on = self.run(*on)?;
        if !on.len().is_multiple_of(2) {
            return Err(breach(format!("a join on {} expressions", on.len())));
        }
        let mut exprs = on.into_iter();
        let pairs = std::iter::from_fn(|| Some((exprs.next()?, exprs.next()?)));
        let on = pairs.collect();
        Ok(LogicalPlan::Join(Join {
            left: self.input(*left)?,
            right: self.input(*right)?,
            on,
            filter: filter.map(|expr| self.expr(expr)).transpose()?,
            join_type: kind.parse::<JoinType>()?,
            join_constraint: match using {
                true => JoinConstraint::Using,
                false => JoinConstraint::On,
            },
            schema: self.schema(*schema)?,
            null_equality: match nulls_equal {
                true => NullEquality::NullEqualsNull,
                false => NullEquality::NullEqualsNothing,
            },
            null_aware: *null_aware,
        }))
    }

    fn unnest(&mut self, node: &PlanNode) -> Result<LogicalPlan> {
        let PlanNode::Unnest {
            input,
            columns,
            lists,
            structs,
            dependencies,
            nulls,
            recursions,
            schema,
        } = node
        else {
            return Err(breach("an unnesting that is none".to_owned()));
        };
        let recursions = recursions.iter().map(|(from, to, depth)| {
            Ok(RecursionUnnestOption {
                input_column: column_of(from)?,
                output_column: column_of(to)?,
                depth: *depth,
            })
        });
        let schema = self.schema(*schema)?;
        let input = self.input(*input)?;
        let columns_of_input = input.schema().fields().len();
        // DataFusion looks them up unchecked.
        let positions = lists.iter().map(|(position, ..)| position);
        let mut positions = positions.chain(structs).chain(dependencies);
        if let Some(position) = positions.find(|at| **at >= columns_of_input) {
            return Err(breach(format!("column {position} of {columns_of_input}")));
        }
        let lists = lists.iter().map(|(position, column, depth)| {
            let output_column = column_of(column)?;
            let depth = *depth;
            Ok((
                *position,
                ColumnUnnestList {
                    output_column,
                    depth,
                },
            ))
        });
        Ok(LogicalPlan::Unnest(Unnest {
            input,
            exec_columns: Self::columns(columns)?,
            list_type_columns: lists.collect::<Result<_>>()?,
            struct_type_columns: structs.clone(),
            dependency_indices: dependencies.clone(),
            schema,
            options: UnnestOptions {
                null_handling: match nulls {
                    NullRows::Preserve => NullHandling::Preserve,
                    NullRows::Drop => NullHandling::Drop,
                    NullRows::Expand => NullHandling::PreserveAndExpandEmpty,
                },
                recursions: recursions.collect::<Result<_>>()?,
            },
        }))
    }
}

/// `expr` with the expressions that functions in it stand in for.
///
/// # Errors
/// A breach of the contract when one of them lost a part.
pub fn with_kept(expr: Expr) -> Result<Expr> {
    let completed = expr.transform_up(|mut expr| {
        if let Expr::ScalarFunction(call) = &mut expr
            && let Some(kept) = call.func.inner().downcast_ref::<KeptExpr>()
        {
            let args = std::mem::take(&mut call.args);
            return rejoined(kept.expr.clone(), args).map(Transformed::yes);
        }
        Ok(Transformed::no(expr))
    });
    completed.map(|expr| expr.data)
}

fn rejoined(kept: Expr, args: Vec<Expr>) -> Result<Expr> {
    let mut args = args.into_iter();
    let rejoined = kept.map_children(|_| match args.next() {
        Some(child) => Ok(Transformed::yes(child)),
        None => Err(breach("an expression that lost a part".to_owned())),
    })?;
    match args.next() {
        None => Ok(rejoined.data),
        Some(extra) => Err(breach(format!(
            "{} with a part too many, {extra}",
            rejoined.data
        ))),
    }
}

fn write_op(operation: DmlOperation) -> WriteOp {
    match operation {
        DmlOperation::Append => WriteOp::Insert(InsertOp::Append),
        DmlOperation::Overwrite => WriteOp::Insert(InsertOp::Overwrite),
        DmlOperation::Replace => WriteOp::Insert(InsertOp::Replace),
        DmlOperation::Delete => WriteOp::Delete,
        DmlOperation::Update => WriteOp::Update,
        DmlOperation::Ctas => WriteOp::Ctas,
        DmlOperation::Truncate => WriteOp::Truncate,
    }
}
