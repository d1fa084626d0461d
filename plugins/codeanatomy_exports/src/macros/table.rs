//! Table macros: a query with arguments, planned in the session that calls it.

use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::execution::context::RegisterFunction;
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{
    CreateFunction, Expr, TableType,
    planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use sqlparser::{
    ast::{
        Expr as SqlExpr, FunctionArg, FunctionArgExpr, Query, Statement, TableFactor, Value,
        visit_expressions_mut,
    },
    dialect::GenericDialect,
    parser::Parser,
};

/// Names of macros that were made: other tables' functions are not asked whether they are one.
static MADE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Of the schema by which a macro is known again.
const QUERY: &str = "codeanatomy.macro.query";
const ARGUMENTS: &str = "codeanatomy.macro.arguments";

pub(super) fn made(statement: &CreateFunction, body: &Expr) -> Result<RegisterFunction> {
    let name = statement.name.clone();
    let Expr::Literal(ScalarValue::Utf8(Some(sql)), _) = body else {
        return plan_err!("macro '{name}': the query of a table macro is a string");
    };
    query(&name, sql)?;
    let args = statement.args.iter().flatten().enumerate();
    let names = args.map(|(at, arg)| match &arg.name {
        Some(name) => name.value.to_ascii_lowercase(),
        None => (at + 1).to_string(),
    });
    let metadata = HashMap::from([
        (QUERY.to_owned(), sql.clone()),
        (ARGUMENTS.to_owned(), names.collect::<Vec<_>>().join(",")),
    ]);
    let schema = Schema::empty().with_metadata(metadata);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.insert(name.clone());
    drop(made);
    let function = TableMacro {
        name: name.clone(),
        schema: Arc::new(schema),
    };
    Ok(RegisterFunction::Table(name, Arc::new(function)))
}

/// The one query of a text.
fn query(name: &str, sql: &str) -> Result<Box<Query>> {
    let parsed = Parser::parse_sql(&GenericDialect {}, sql);
    match parsed.as_deref() {
        Ok([Statement::Query(query)]) => Ok(query.clone()),
        Ok(_) => plan_err!("macro '{name}': the body is not one query"),
        Err(error) => plan_err!("macro '{name}': {error}"),
    }
}

/// Says what the query is; it has no rows of its own.
#[derive(Debug, Clone)]
struct TableMacro {
    name: String,
    schema: SchemaRef,
}

impl TableFunctionImpl for TableMacro {
    fn call_with_args(&self, _: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl TableProvider for TableMacro {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan_err!(
            "macro '{}' needs codeanatomy's relation planners, which this session does not have",
            self.name
        )
    }
}

/// Plans a call of a table macro as its query with the arguments in it.
#[derive(Debug)]
pub struct TableMacros;

impl RelationPlanner for TableMacros {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let Some((name, arguments)) = call(&relation, context) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let provider = context.context_provider();
        // The session may have another function of that name, or none.
        let Ok(source) = provider.get_table_function_source(&name, Vec::new()) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let schema = source.schema();
        let Some(sql) = schema.metadata().get(QUERY) else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let names = schema.metadata().get(ARGUMENTS).map_or("", String::as_str);
        let names: Vec<_> = names.split(',').filter(|name| !name.is_empty()).collect();
        if names.len() != arguments.len() {
            let (expected, found) = (names.len(), arguments.len());
            return plan_err!("macro '{name}' takes {expected} arguments, not {found}");
        }
        let mut query = query(&name, sql)?;
        fill(&name, &mut query, &names, &arguments)?;
        let TableFactor::Table { alias, .. } = relation else {
            return plan_err!("macro '{name}' is no table");
        };
        let plan = context.plan(TableFactor::Derived {
            lateral: false,
            subquery: query,
            alias: None,
            sample: None,
        })?;
        let planned = PlannedRelation::new(plan, alias);
        Ok(RelationPlanning::Planned(Box::new(planned)))
    }
}

/// Name and arguments of a call of what may be a macro.
fn call(
    relation: &TableFactor,
    context: &dyn RelationPlannerContext,
) -> Option<(String, Vec<SqlExpr>)> {
    let TableFactor::Table {
        name,
        args: Some(args),
        ..
    } = relation
    else {
        return None;
    };
    let [part] = name.0.as_slice() else {
        return None;
    };
    let name = context.normalize_ident(part.as_ident()?.clone());
    let made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if !made.contains(&name) {
        return None;
    }
    drop(made);
    let arguments = args.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    Some((name, arguments.collect::<Option<_>>()?))
}

/// Puts the arguments in the places of `$1` or `$name`.
fn fill(macro_name: &str, query: &mut Query, names: &[&str], arguments: &[SqlExpr]) -> Result<()> {
    let flow = visit_expressions_mut(query, |expr| {
        let SqlExpr::Value(value) = expr else {
            return ControlFlow::Continue(());
        };
        let Value::Placeholder(placeholder) = &value.value else {
            return ControlFlow::Continue(());
        };
        let name = placeholder.trim_start_matches('$').to_ascii_lowercase();
        let named = names.iter().position(|known| *known == name);
        let at = named.or_else(|| name.parse::<usize>().ok()?.checked_sub(1));
        match at.and_then(|at| arguments.get(at)) {
            Some(argument) => {
                *expr = SqlExpr::Nested(Box::new(argument.clone()));
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(placeholder.clone()),
        }
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(unknown) => {
            plan_err!("macro '{macro_name}' names {unknown}, which is no argument")
        }
    }
}
