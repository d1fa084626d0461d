//! Plans as messages.

use std::{cell::RefCell, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{
    DFSchema, DFSchemaRef, Result, TableReference,
    tree_node::{Transformed, TreeNode, TreeNodeRecursion},
};
use datafusion_expr::{
    Expr, ExprSchemable, LogicalPlan, ScalarUDF,
    expr::{Exists, InSubquery, ScalarFunction, SetComparison},
    utils::merge_schema,
};
use serde::Serialize;

use super::{
    expression::{Leaves, crosses},
    functions::FunctionWriter,
    names::NameList,
    objects::{Leaving, ScannedSource},
    schema::SchemaList,
};
use crate::{
    abi::{
        Parcel,
        message::{FunctionReference, Handle, PlanList, Run, SourceReference, TableKind},
    },
    df55::{
        error::from_call_error, expressions::pack, parcel::ParcelBuilder,
        plan_properties::constraints_to_message,
    },
};

/// Writes plans, expressions and schemas into one parcel.
pub struct PlanWriter<'a> {
    objects: &'a dyn Leaving,
    pub(super) list: PlanList,
    exprs: Vec<Expr>,
    pub(super) leaves: Leaves,
    names: NameList,
    schemas: SchemaList,
}

impl<'a> PlanWriter<'a> {
    /// Nothing yet; `objects` says what becomes of what does not travel.
    pub fn new(objects: &'a dyn Leaving) -> Self {
        Self {
            objects,
            list: PlanList::default(),
            exprs: Vec::new(),
            leaves: Leaves::default(),
            names: NameList::default(),
            schemas: SchemaList::default(),
        }
    }

    /// Adds a plan.
    ///
    /// # Errors
    /// Names what cannot cross.
    pub fn plan(&mut self, plan: &LogicalPlan) -> Result<()> {
        let node = self.add(plan)?;
        self.list.plans.push(node);
        Ok(())
    }

    /// Adds the expressions that are no plan's, of values with this schema: once.
    ///
    /// # Errors
    /// Names what cannot cross.
    pub fn exprs<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        schema: &DFSchema,
    ) -> Result<()> {
        self.list.exprs = self.run(exprs, || Ok(schema.clone()))?;
        Ok(())
    }

    /// Adds a table that no plan has.
    ///
    /// # Errors
    /// When it cannot cross.
    pub fn lend(&mut self, scanned: ScannedSource) -> Result<()> {
        self.source(scanned).map(drop)
    }

    /// Adds a type: its position among the parcel's.
    pub fn data_type(&mut self, data_type: &DataType) -> usize {
        let field = Field::new("", data_type.clone(), true);
        self.leaves.fields.add(&Arc::new(field))
    }

    /// Adds a schema.
    pub fn schema(&mut self, schema: &DFSchema) {
        let position = self
            .schemas
            .add(schema, &mut self.leaves.fields, &mut self.names);
        self.list.roots.push(position);
    }

    /// The parcel, with the message that has the list.
    ///
    /// # Errors
    /// Names what cannot cross.
    pub fn finish<M: Serialize>(self, message: impl FnOnce(PlanList) -> M) -> Result<Parcel> {
        let Self {
            objects,
            mut list,
            exprs,
            mut leaves,
            names,
            schemas,
        } = self;
        let mut parcel = ParcelBuilder::new();
        // Expressions add fields while they are written; functions are described afterwards.
        let called = RefCell::new(Vec::new());
        let later = |function: &ScalarUDF| {
            called.borrow_mut().push(function.clone());
            Ok(FunctionReference::default())
        };
        let (mut expressions, blob) = pack(exprs, &mut leaves, &later, &mut parcel)?;
        let mut functions = FunctionWriter::after(objects, std::mem::take(&mut leaves.fields));
        let called = called.into_inner();
        let scalars = called.iter().map(|function| functions.scalar(function));
        expressions.functions = scalars.collect::<Result<_>>()?;
        list.expressions = expressions;
        for function in &leaves.aggregates {
            list.aggregates.push(functions.aggregate(function)?);
        }
        for function in &leaves.windows {
            list.windows.push(functions.window(function)?);
        }
        list.schemas = schemas.into_messages();
        list.names = names.into_inner();
        let (fields, types) = functions.into_types();
        list.signature_types = fields.len();
        parcel
            .fields(&fields)
            .types(&types)
            .blob(blob)
            .finish(&message(list))
            .map_err(from_call_error)
    }

    /// The node of a plan; those of its inputs and subqueries stand before it.
    pub(super) fn add(&mut self, root: &LogicalPlan) -> Result<usize> {
        // No recursion: a plan may be deeper than a stack.
        let mut stack = vec![(root, false)];
        let mut done: Vec<usize> = Vec::new();
        while let Some((plan, entered)) = stack.pop() {
            let inputs = plan.inputs();
            if !entered {
                stack.push((plan, true));
                stack.extend(inputs.into_iter().rev().map(|input| (input, false)));
                continue;
            }
            let inputs = done.split_off(done.len() - inputs.len());
            let node = self.node(plan, inputs)?;
            self.list.nodes.push(node);
            done.push(self.list.nodes.len() - 1);
        }
        done.pop()
            .ok_or_else(|| datafusion_common::internal_datafusion_err!("a plan without nodes"))
    }

    /// Adds expressions over values of `schema`, which is asked for where it is needed alone.
    pub(super) fn run<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        schema: impl Fn() -> Result<DFSchema>,
    ) -> Result<Run> {
        // Subqueries come with expressions of their own, which must not stand inside of the run.
        let exprs = exprs.into_iter().map(|expr| self.prepared(expr, &schema));
        let exprs = exprs.collect::<Result<Vec<_>>>()?;
        let run = (self.exprs.len(), exprs.len());
        self.exprs.extend(exprs);
        Ok(run)
    }

    /// Writes the subqueries of an expression, and has what cannot cross replaced.
    fn prepared(&mut self, expr: &Expr, schema: &impl Fn() -> Result<DFSchema>) -> Result<Expr> {
        let mut whole = true;
        expr.apply(|expr| {
            whole &= crosses(expr);
            if let Expr::ScalarSubquery(subquery)
            | Expr::Exists(Exists { subquery, .. })
            | Expr::InSubquery(InSubquery { subquery, .. })
            | Expr::SetComparison(SetComparison { subquery, .. }) = expr
            {
                let plan = &subquery.subquery;
                let known = &self.leaves.subqueries;
                if !known.iter().any(|(known, _)| Arc::ptr_eq(known, plan)) {
                    let node = self.add(plan)?;
                    self.leaves.subqueries.push((Arc::clone(plan), node));
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if whole {
            return Ok(expr.clone());
        }
        let schema = schema()?;
        let kept = expr.clone().transform_up(|expr| {
            if crosses(&expr) {
                return Ok(Transformed::no(expr));
            }
            // Without a type of its own, such as a lambda, its type is asked by nobody.
            let field = match expr.to_field(&schema) {
                Ok((_, field)) => field,
                Err(_) => Arc::new(Field::new("", DataType::Null, true)),
            };
            let Some(function) = self.objects.keep(&expr, field) else {
                return Ok(Transformed::no(expr));
            };
            let mut args = Vec::new();
            expr.map_children(|child| {
                args.push(child.clone());
                Ok(Transformed::no(child))
            })?;
            let call = ScalarFunction::new_udf(function, args);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        })?;
        Ok(kept.data)
    }

    /// The schema of the values that a node's expressions see.
    pub(super) fn seen(plan: &LogicalPlan) -> Result<DFSchema> {
        let inputs = plan.inputs();
        Ok(match inputs.is_empty() {
            true => plan.schema().as_ref().clone(),
            false => merge_schema(&inputs),
        })
    }

    pub(super) fn shared_schema(&mut self, schema: &DFSchemaRef) -> usize {
        self.schemas
            .add_shared(schema, &mut self.leaves.fields, &mut self.names)
    }

    pub(super) fn name(&mut self, name: &TableReference) -> usize {
        self.names.add(name)
    }

    pub(super) fn held(&self, plan: &LogicalPlan) -> Result<Handle> {
        self.objects.node(plan)
    }

    pub(super) fn source(&mut self, scanned: ScannedSource) -> Result<usize> {
        let source = Arc::clone(&scanned.source);
        let handle = self.objects.source(scanned)?;
        let mut reference = SourceReference {
            handle,
            schema: None,
            kind: TableKind::default(),
            constraints: None,
            view: false,
        };
        if self.objects.describes() && matches!(handle, Handle::Lent(_)) {
            let schema = DFSchema::try_from(source.schema().as_ref().clone())
                .or_else(|_| unnamed(source.schema().fields()))?;
            reference.schema = Some(self.schemas.add(
                &schema,
                &mut self.leaves.fields,
                &mut self.names,
            ));
            reference.kind = match source.table_type() {
                datafusion_expr::TableType::Base => TableKind::Base,
                datafusion_expr::TableType::View => TableKind::View,
                datafusion_expr::TableType::Temporary => TableKind::Temporary,
            };
            reference.constraints = source.constraints().map(constraints_to_message);
            reference.view = source.get_logical_plan().is_some();
        }
        self.list.sources.push(reference);
        Ok(self.list.sources.len() - 1)
    }
}

/// A table may have two columns of one name, as long as nobody names them.
fn unnamed(fields: &[FieldRef]) -> Result<DFSchema> {
    let schema = arrow::datatypes::Schema::new(fields.to_vec());
    DFSchema::from_field_specific_qualified_schema(vec![None; fields.len()], &Arc::new(schema))
}
