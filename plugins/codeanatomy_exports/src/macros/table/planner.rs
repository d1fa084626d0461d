//! The relation planner that puts a macro's query in the place of its call.

use std::sync::PoisonError;

use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion_common::{DFSchema, DataFusionError, Result, plan_err, tree_node::TreeNode};
use datafusion_expr::{
    Expr, ExprSchemable,
    planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
};
use sqlparser::ast::{
    Expr as SqlExpr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, TableAlias, TableFactor, Value,
};

use super::{MADE, QUERY, query};

/// Plans a call of a table macro as its query with the arguments in it.
#[derive(Debug)]
pub struct TableMacros;

impl RelationPlanner for TableMacros {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Table {
            name,
            args: Some(args),
            alias,
            with_hints,
            ..
        } = &relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let ident = match name.0.as_slice() {
            [part] => part.as_ident(),
            _ => None,
        };
        let known = ident.and_then(|ident| Some((ident, Macro::called(ident, context)?)));
        let Some((ident, known)) = known else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let mut query = query::parsed(&known.name, &known.sql)?;
        query::nest(&known.name, &mut query, with_hints)?;
        let values = known.values(&args.args, context)?;
        query::fill(&known.name, &mut query, known.arguments.fields(), &values)?;
        let alias = alias.clone().unwrap_or_else(|| TableAlias {
            explicit: false,
            name: ident.clone(),
            columns: Vec::new(),
            at: None,
        });
        let plan = context.plan(TableFactor::Derived {
            lateral: false,
            subquery: query,
            alias: None,
            sample: None,
        });
        let plan = plan.map_err(|error| known.explained(error))?;
        let planned = PlannedRelation::new(plan, Some(alias));
        Ok(RelationPlanning::Planned(Box::new(planned)))
    }
}

struct Macro {
    name: String,
    arguments: SchemaRef,
    sql: String,
}

impl Macro {
    /// The session may have another function of that name, or none.
    fn called(ident: &Ident, context: &dyn RelationPlannerContext) -> Option<Self> {
        let made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let names = made.iter().filter(|name| match ident.quote_style {
            Some(_) => **name == ident.value,
            None => name.eq_ignore_ascii_case(&ident.value),
        });
        let mut names: Vec<_> = names.cloned().collect();
        drop(made);
        // As it is written comes first.
        names.sort_by_key(|name| *name != ident.value);
        let provider = context.context_provider();
        names.into_iter().find_map(|name| {
            let source = provider.get_table_function_source(&name, Vec::new()).ok()?;
            let arguments = source.schema();
            let sql = arguments.metadata().get(QUERY)?.clone();
            Some(Self {
                name,
                arguments,
                sql,
            })
        })
    }

    /// The arguments of a call as they stand in the query.
    fn values(
        &self,
        args: &[FunctionArg],
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Vec<SqlExpr>> {
        let fields = self.arguments.fields();
        if fields.len() != args.len() {
            let (name, expected, found) = (&self.name, fields.len(), args.len());
            return plan_err!("macro '{name}' takes {expected} arguments, not {found}");
        }
        let values = fields.iter().zip(args).map(|(field, arg)| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => self.value(field, value, context),
            other => plan_err!("macro '{}' takes no argument {other}", self.name),
        });
        values.collect()
    }

    /// An argument has no columns: those of the query would take its place. What it is cast to is what
    /// was declared.
    fn value(
        &self,
        field: &Field,
        value: &SqlExpr,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<SqlExpr> {
        let (name, argument) = (&self.name, field.name());
        let schema = DFSchema::empty();
        let planned = context.sql_to_expr(value.clone(), &schema);
        let planned = planned.map_err(|error| {
            error.context(format!(
                "macro '{name}': the argument '{argument}', which has no columns"
            ))
        })?;
        if planned.exists(|expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..))))? {
            return plan_err!(
                "macro '{name}': the argument '{argument}' has no columns of queries around it"
            );
        }
        let declared = field.data_type();
        let own_type = planned.get_type(&schema).ok();
        let fits = |own: DataType| own == *declared || (own.is_string() && declared.is_string());
        Ok(match own_type.is_some_and(fits) {
            true if matches!(value, SqlExpr::Value(_)) => value.clone(),
            true => SqlExpr::Nested(Box::new(value.clone())),
            false => cast(value, &declared.to_string()),
        })
    }

    /// DataFusion looks up the tables of a statement before it plans it.
    fn explained(&self, error: DataFusionError) -> DataFusionError {
        let text = error.strip_backtrace();
        let is_missing = text.contains("table '") && text.contains("' not found");
        if !is_missing || text.contains("a table that its query reads") {
            return error;
        }
        error.context(format!(
            "macro '{}': a table that its query reads must be named in the statement, too: \
             WITH t AS (SELECT * FROM t)",
            self.name
        ))
    }
}

/// `arrow_cast(value, 'type')`: a type of DataFusion's has no name in every dialect.
fn cast(value: &SqlExpr, data_type: &str) -> SqlExpr {
    let data_type = SqlExpr::value(Value::SingleQuotedString(data_type.to_owned()));
    let args = [value.clone(), data_type];
    let args = args.map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    SqlExpr::Function(Function {
        name: ObjectName::from(vec![Ident::new("arrow_cast")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
