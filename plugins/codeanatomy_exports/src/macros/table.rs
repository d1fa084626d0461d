//! Table macros: a query with arguments, planned in the session that calls it.

mod planner;
mod query;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::execution::context::RegisterFunction;
use datafusion_common::{DataFusionError, Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion_expr::{CreateFunction, Expr, TableType};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_session::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use sqlparser::ast::{Expr as SqlExpr, Value};

pub use planner::TableMacros;

/// Names of macros that were made: other tables' functions are not asked whether they are one.
static MADE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Of the schema by which a macro is known again; the schema's fields are its arguments.
const QUERY: &str = "codeanatomy.macro.query";

pub(super) fn made(
    statement: CreateFunction,
    arguments: &SchemaRef,
    body: &Expr,
) -> Result<RegisterFunction> {
    let name = statement.name;
    let Expr::Literal(ScalarValue::Utf8(Some(sql)), _) = body else {
        return plan_err!("macro '{name}': the query of a table macro is a string");
    };
    if statement.return_type.is_some() {
        return plan_err!("macro '{name}': a table has the columns of its query, and no RETURNS");
    }
    let mut args = statement.args.iter().flatten();
    if args.any(|arg| arg.default_expr.is_some()) {
        return plan_err!("macro '{name}': arguments of a table have no defaults");
    }
    let fields = arguments.fields();
    let anything = vec![SqlExpr::value(Value::Null); fields.len()];
    let mut query = query::parsed(&name, sql)?;
    query::fill(&name, &mut query, fields, &anything)?;
    let metadata = HashMap::from([(QUERY.to_owned(), sql.clone())]);
    let schema = arguments.as_ref().clone().with_metadata(metadata);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.insert(name.clone());
    drop(made);
    let function = TableMacro {
        name: name.clone(),
        schema: Arc::new(schema),
    };
    Ok(RegisterFunction::Table(name, Arc::new(function)))
}

/// Says what the query is; it has no rows of its own.
#[derive(Debug, Clone)]
struct TableMacro {
    name: String,
    schema: SchemaRef,
}

impl TableMacro {
    fn not_planned(&self) -> DataFusionError {
        plan_datafusion_err!(
            "macro '{}' was not planned as its query: another version of the plugin made it (create it \
             again), or it stands after LATERAL, or the session has no relation planner 'table_macros' \
             of codeanatomy, which needs a grant",
            self.name
        )
    }
}

impl TableFunctionImpl for TableMacro {
    /// The planner asks without arguments.
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        match args.exprs() {
            [] => Ok(Arc::new(self.clone())),
            _ => Err(self.not_planned()),
        }
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
        Err(self.not_planned())
    }
}
