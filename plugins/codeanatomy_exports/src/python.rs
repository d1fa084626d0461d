//! Python's syntax as tables: `python_syntax(path_or_glob, kind)`.

mod column;
mod files;
mod function;
mod grammar;
mod kind;
mod names;
mod parse;
mod rows;
mod scan;
mod table;
mod walk;

pub use function::PythonSyntax;
