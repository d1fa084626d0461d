//! Which columns of which tables a plan reads, and in which clause.
//!
//! A column of a projection counts as read when something above reads it: `SELECT id FROM v` reads
//! no other column of the table under `v`. What decides on rows (conditions, keys, orderings) counts
//! always. Where the way of a column cannot be followed, all that could be it counts.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    common::{
        Column, DFSchema, JoinType, Result,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Distinct, Expr, LogicalPlan, TableScan, WindowFunctionDefinition, WriteOp},
};
use datafusion_plugin_api::abi::message::{Access, Clause, FunctionClass};

use super::{
    Identities,
    record::{Base, Records, bit},
};

/// Per column of a plan's schema, what it is made of.
pub(super) type Lineage = Vec<Vec<Base>>;

/// Walks plans.
pub(super) struct Walk<'a, 'i> {
    pub(super) identities: &'i mut Identities<'a>,
    pub(super) records: Records,
    pub(super) functions: BTreeSet<(String, FunctionClass)>,
    pub(super) extensions: BTreeSet<String>,
    /// Whether functions are wanted.
    pub(super) with_functions: bool,
    /// Whether the plan is the statement's, not a view's.
    named: bool,
    /// The rows that a subquery's outer references speak of, the innermost last.
    outer: Vec<(Arc<DFSchema>, Lineage)>,
}

impl<'a, 'i> Walk<'a, 'i> {
    pub(super) fn new(identities: &'i mut Identities<'a>, with_functions: bool) -> Self {
        Self {
            identities,
            records: Records::default(),
            functions: BTreeSet::new(),
            extensions: BTreeSet::new(),
            with_functions,
            named: true,
            outer: Vec::new(),
        }
    }

    /// Walks a plan whose rows are the statement's.
    pub(super) fn output(&mut self, plan: &LogicalPlan) -> Result<()> {
        let lineage = self.plan(plan)?;
        self.read_all(&lineage, Clause::Select);
        Ok(())
    }

    /// Walks the bodies of views, until no column is found that was not read before.
    pub(super) fn bodies(&mut self) -> Result<()> {
        self.named = false;
        let mut position = 0;
        while position < self.records.tables.len() {
            let identified = &self.records.tables[position].identified;
            if let Some(body) = identified.body(self.identities)? {
                let outer = std::mem::take(&mut self.outer);
                let lineage = self.plan(&body)?;
                self.outer = outer;
                self.records.tables[position].made_of = Some(lineage);
            }
            position += 1;
        }
        self.named = true;
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for view in 0..self.records.tables.len() {
                let Some(made_of) = self.records.tables[view].made_of.take() else {
                    continue;
                };
                for (column, bases) in made_of.iter().enumerate() {
                    let read = self.records.tables[view].read.get(column);
                    let clauses = read.copied().unwrap_or_default();
                    for (table, column) in bases {
                        let read = self.records.tables[*table].read.get_mut(*column);
                        let Some(read) = read else { continue };
                        changed |= *read | clauses != *read;
                        *read |= clauses;
                    }
                }
                self.records.tables[view].made_of = Some(made_of);
            }
        }
        Ok(())
    }

    fn read_all(&mut self, lineage: &Lineage, clause: Clause) {
        for bases in lineage {
            self.records.read(bases, bit(clause));
        }
    }

    /// Expressions that decide on rows.
    fn read_exprs<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        inputs: &[(&Arc<DFSchema>, &Lineage)],
        clause: Clause,
    ) -> Result<()> {
        for expr in exprs {
            let bases = self.expr(expr, inputs, clause)?;
            self.records.read(&bases, bit(clause));
        }
        Ok(())
    }

    pub(super) fn plan(&mut self, plan: &LogicalPlan) -> Result<Lineage> {
        Ok(match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan)?,
            LogicalPlan::Projection(node) => {
                let lineage = self.plan(&node.input)?;
                self.exprs(
                    &node.expr,
                    &[(node.input.schema(), &lineage)],
                    Clause::Select,
                )?
            }
            LogicalPlan::SubqueryAlias(node) => self.plan(&node.input)?,
            LogicalPlan::Subquery(node) => self.plan(&node.subquery)?,
            LogicalPlan::Filter(node) => {
                let lineage = self.plan(&node.input)?;
                let inputs = [(node.input.schema(), &lineage)];
                self.read_exprs([&node.predicate], &inputs, Clause::Where)?;
                lineage
            }
            LogicalPlan::Sort(node) => {
                let lineage = self.plan(&node.input)?;
                let inputs = [(node.input.schema(), &lineage)];
                self.read_exprs(node.expr.iter().map(|s| &s.expr), &inputs, Clause::OrderBy)?;
                lineage
            }
            LogicalPlan::Limit(node) => {
                let lineage = self.plan(&node.input)?;
                let inputs = [(node.input.schema(), &lineage)];
                let exprs = node.skip.iter().chain(&node.fetch);
                self.read_exprs(exprs.map(AsRef::as_ref), &inputs, Clause::Other)?;
                lineage
            }
            LogicalPlan::Aggregate(node) => {
                let lineage = self.plan(&node.input)?;
                let inputs = [(node.input.schema(), &lineage)];
                self.read_exprs(&node.group_expr, &inputs, Clause::GroupBy)?;
                let groups = self.exprs(&node.group_expr, &inputs, Clause::GroupBy)?;
                let aggregates = self.exprs(&node.aggr_expr, &inputs, Clause::Select)?;
                let all: Vec<Base> = groups.iter().flatten().copied().collect();
                let fields = plan.schema().fields().len() - node.aggr_expr.len();
                // Grouping sets have other fields than expressions.
                let groups = match fields == groups.len() {
                    true => groups,
                    false => vec![all; fields],
                };
                groups.into_iter().chain(aggregates).collect()
            }
            LogicalPlan::Window(node) => {
                let lineage = self.plan(&node.input)?;
                let inputs = [(node.input.schema(), &lineage)];
                let windows = self.exprs(&node.window_expr, &inputs, Clause::Select)?;
                lineage.into_iter().chain(windows).collect()
            }
            LogicalPlan::Join(node) => {
                let left = self.plan(&node.left)?;
                let right = self.plan(&node.right)?;
                let inputs = [(node.left.schema(), &left), (node.right.schema(), &right)];
                let keys = node.on.iter().flat_map(|(left, right)| [left, right]);
                self.read_exprs(keys.chain(&node.filter), &inputs, Clause::Join)?;
                match node.join_type {
                    JoinType::LeftSemi | JoinType::LeftAnti => left,
                    JoinType::RightSemi | JoinType::RightAnti => right,
                    JoinType::LeftMark => left.into_iter().chain([Vec::new()]).collect(),
                    JoinType::RightMark => right.into_iter().chain([Vec::new()]).collect(),
                    _ => left.into_iter().chain(right).collect(),
                }
            }
            LogicalPlan::Union(node) => {
                let mut merged: Lineage = vec![Vec::new(); node.schema.fields().len()];
                for input in &node.inputs {
                    let lineage = self.plan(input)?;
                    if lineage.len() == merged.len() {
                        merge(&mut merged, lineage);
                    } else {
                        self.read_all(&lineage, Clause::Other);
                    }
                }
                merged
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let lineage = self.plan(input)?;
                self.read_all(&lineage, Clause::Distinct);
                lineage
            }
            LogicalPlan::Distinct(Distinct::On(node)) => {
                let lineage = self.plan(&node.input)?;
                let inputs = [(node.input.schema(), &lineage)];
                self.read_exprs(&node.on_expr, &inputs, Clause::Distinct)?;
                let sorts = node.sort_expr.iter().flatten().map(|sort| &sort.expr);
                self.read_exprs(sorts, &inputs, Clause::OrderBy)?;
                self.exprs(&node.select_expr, &inputs, Clause::Select)?
            }
            LogicalPlan::RecursiveQuery(node) => {
                // The recursive part reads the static one through a work table, which hides it.
                let mut lineage = self.plan(&node.static_term)?;
                self.read_all(&lineage, Clause::Select);
                let recursive = self.plan(&node.recursive_term)?;
                self.read_all(&recursive, Clause::Select);
                merge(&mut lineage, recursive);
                lineage
            }
            LogicalPlan::Unnest(node) => {
                let lineage = self.plan(&node.input)?;
                let column = |column: &Column| node.input.schema().maybe_index_of_column(column);
                for column in node.exec_columns.iter().filter_map(column) {
                    self.records.read(&lineage[column], bit(Clause::Select));
                }
                let inputs = node.dependency_indices.iter();
                inputs
                    .map(|i| lineage.get(*i).cloned().unwrap_or_default())
                    .collect()
            }
            LogicalPlan::Dml(node) => {
                let lineage = self.plan(&node.input)?;
                self.read_all(&lineage, Clause::Select);
                if let WriteOp::MergeInto(merge) = &node.op {
                    self.merge_into(merge, node, &lineage)?;
                }
                Vec::new()
            }
            other => self.unknown(other)?,
        })
    }

    fn scan(&mut self, scan: &TableScan) -> Result<Lineage> {
        let Some(identified) = self.identities.of(&scan.table_name, &scan.source) else {
            return Ok(vec![Vec::new(); scan.projected_schema.fields().len()]);
        };
        let schema = scan.source.schema();
        let columns = schema.fields().len();
        let position = self.records.position(identified, schema);
        let record = &mut self.records.tables[position];
        record.access.insert(Access::Read);
        record.named |= self.named;
        let whole: Lineage = (0..columns)
            .map(|column| vec![(position, column)])
            .collect();
        if !scan.filters.is_empty() {
            let source = scan.source.schema();
            let schema = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &source)?;
            let schema = Arc::new(schema);
            self.read_exprs(&scan.filters, &[(&schema, &whole)], Clause::Where)?;
        }
        Ok(match &scan.projection {
            Some(projection) => projection.iter().map(|i| whole[*i].clone()).collect(),
            None => whole,
        })
    }

    /// The conditions and values of `MERGE` speak of the target and of the source.
    fn merge_into(
        &mut self,
        merge: &datafusion::logical_expr::dml::MergeIntoOp,
        node: &datafusion::logical_expr::DmlStatement,
        source: &Lineage,
    ) -> Result<()> {
        let Some(target) = self.identities.of(&node.table_name, &node.target) else {
            return Ok(());
        };
        let schema = node.target.schema();
        let position = self.records.position(target, Arc::clone(&schema));
        let columns = 0..schema.fields().len();
        let lineage: Lineage = columns.map(|column| vec![(position, column)]).collect();
        let schema = DFSchema::try_from_qualified_schema(node.table_name.clone(), &schema)?;
        let schema = Arc::new(schema);
        let inputs = [(&schema, &lineage), (node.input.schema(), source)];
        self.read_exprs(merge.exprs(), &inputs, Clause::Other)
    }

    /// A node whose columns cannot be followed: all count as read, and make up all that comes out.
    fn unknown(&mut self, plan: &LogicalPlan) -> Result<Lineage> {
        if let LogicalPlan::Extension(extension) = plan {
            self.extensions.insert(extension.node.name().to_owned());
        }
        let mut lineages = Vec::new();
        for input in plan.inputs() {
            let lineage = self.plan(input)?;
            self.read_all(&lineage, Clause::Other);
            lineages.push((input.schema(), lineage));
        }
        let inputs: Vec<_> = lineages.iter().map(|(s, lineage)| (*s, lineage)).collect();
        self.read_exprs(&plan.expressions(), &inputs, Clause::Other)?;
        if let (LogicalPlan::Repartition(_), [(_, lineage)]) = (plan, lineages.as_slice()) {
            return Ok(lineage.clone());
        }
        let all: Vec<Base> = lineages
            .iter()
            .flat_map(|(_, lineage)| lineage.iter().flatten().copied())
            .collect();
        Ok(vec![all; plan.schema().fields().len()])
    }

    fn exprs(
        &mut self,
        exprs: &[Expr],
        inputs: &[(&Arc<DFSchema>, &Lineage)],
        clause: Clause,
    ) -> Result<Lineage> {
        exprs
            .iter()
            .map(|expr| self.expr(expr, inputs, clause))
            .collect()
    }

    /// What an expression is made of. What its subqueries yield counts as read.
    fn expr(
        &mut self,
        expr: &Expr,
        inputs: &[(&Arc<DFSchema>, &Lineage)],
        clause: Clause,
    ) -> Result<Vec<Base>> {
        let mut bases = Vec::new();
        expr.apply(|part| {
            match part {
                Expr::Column(column) => bases.extend(find(column, inputs)),
                Expr::OuterReferenceColumn(_, column) => {
                    let found = self.outer.iter().rev().find_map(|(schema, lineage)| {
                        let position = schema.maybe_index_of_column(column)?;
                        lineage.get(position).cloned()
                    });
                    let all = || {
                        let outer = self.outer.iter().flat_map(|(_, lineage)| lineage.iter());
                        outer.flatten().copied().collect()
                    };
                    let found = found.unwrap_or_else(all);
                    self.records.read(&found, bit(clause));
                }
                Expr::ScalarSubquery(subquery) => {
                    self.subquery(&subquery.subquery, inputs, clause)?;
                }
                Expr::Exists(exists) => {
                    self.subquery(&exists.subquery.subquery, inputs, clause)?;
                }
                Expr::InSubquery(within) => {
                    self.subquery(&within.subquery.subquery, inputs, clause)?;
                }
                Expr::SetComparison(comparison) => {
                    self.subquery(&comparison.subquery.subquery, inputs, clause)?;
                }
                _ if self.with_functions => self.function(part),
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(bases)
    }

    fn subquery(
        &mut self,
        plan: &LogicalPlan,
        inputs: &[(&Arc<DFSchema>, &Lineage)],
        clause: Clause,
    ) -> Result<()> {
        let depth = self.outer.len();
        let outer = inputs
            .iter()
            .map(|(s, lineage)| (Arc::clone(s), (*lineage).clone()));
        self.outer.extend(outer);
        let lineage = self.plan(plan);
        self.outer.truncate(depth);
        self.read_all(&lineage?, clause);
        Ok(())
    }

    fn function(&mut self, expr: &Expr) {
        let (name, class) = match expr {
            Expr::ScalarFunction(call) => (call.func.name(), FunctionClass::Scalar),
            Expr::HigherOrderFunction(call) => (call.func.name(), FunctionClass::Scalar),
            Expr::AggregateFunction(call) => (call.func.name(), FunctionClass::Aggregate),
            Expr::WindowFunction(call) => match &call.fun {
                WindowFunctionDefinition::AggregateUDF(f) => (f.name(), FunctionClass::Aggregate),
                WindowFunctionDefinition::WindowUDF(f) => (f.name(), FunctionClass::Window),
            },
            _ => return,
        };
        if !self
            .functions
            .iter()
            .any(|(known, of)| known == name && *of == class)
        {
            self.functions.insert((name.to_owned(), class));
        }
    }
}

/// What a column is made of; everything, when it is in none of the inputs.
fn find(column: &Column, inputs: &[(&Arc<DFSchema>, &Lineage)]) -> Vec<Base> {
    let found = inputs.iter().find_map(|(schema, lineage)| {
        let position = schema.maybe_index_of_column(column)?;
        lineage.get(position).cloned()
    });
    let all = || {
        let columns = inputs.iter().flat_map(|(_, lineage)| lineage.iter());
        columns.flatten().copied().collect()
    };
    found.unwrap_or_else(all)
}

fn merge(into: &mut Lineage, other: Lineage) {
    for (into, other) in into.iter_mut().zip(other) {
        into.extend(other);
    }
}
