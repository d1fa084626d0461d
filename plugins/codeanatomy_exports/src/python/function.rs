//! The table function.

use std::sync::Arc;

use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{DocSection, Documentation, Expr};
use datafusion_session::{TableFunctionArgs, TableFunctionImpl, TableProvider};

use super::{files::check, kind::Kind, table::PythonTable};

/// `python_syntax(path_or_glob, kind)`.
#[derive(Debug, Default)]
pub struct PythonSyntax;

impl PythonSyntax {
    /// What people read of it.
    pub fn documentation() -> Documentation {
        let section = DocSection {
            include: true,
            label: "Table Functions",
            description: None,
        };
        let description = "The syntax of Python files, one row for each node, edge, definition, call, \
             imported name, docstring or error, with path, span of bytes, lines and columns and what is \
             around it. A file that is not valid gives its errors and what is understood of it.";
        Documentation::builder(section, description, "python_syntax(path_or_glob, kind)")
            .with_argument(
                "path_or_glob",
                "A file, a folder with everything ending in .py below it, or a pattern with * and **. Folders and ** go into no folder that is a link.",
            )
            .with_argument(
                "kind",
                "nodes, edges, defs, calls, imports, docstrings or errors.",
            )
            .with_sql_example(
                "select qualname, end_line - start_line from python_syntax('src/**/*.py', 'defs');",
            )
            .build()
    }
}

impl TableFunctionImpl for PythonSyntax {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [path, kind] = args.exprs() else {
            return plan_err!(
                "python_syntax takes the arguments (path_or_glob, kind), found {}",
                args.exprs().len()
            );
        };
        let path = literal("path_or_glob", path)?;
        let kind: Kind = literal("kind", kind)?.parse()?;
        // What does not exist is an error here and not when it is read.
        check(path)?;
        Ok(Arc::new(PythonTable::new(path, kind)))
    }
}

fn literal<'a>(name: &str, expr: &'a Expr) -> Result<&'a str> {
    match expr {
        Expr::Literal(value, _) => match value.try_as_str() {
            Some(Some(text)) => Ok(text),
            _ => plan_err!(
                "python_syntax: the argument '{name}' is {}, expected a string",
                match value {
                    ScalarValue::Null => "null".to_owned(),
                    other => format!("of type {}", other.data_type()),
                }
            ),
        },
        other => {
            plan_err!("python_syntax: the argument '{name}' is {other}, expected a literal string")
        }
    }
}
