//! The table functions.

mod add_actions;
mod arguments;
mod cdf;
mod checkpoint;
mod history;
mod optimize;
mod read;
mod restore;
mod snapshot;
mod vacuum;

use std::{fmt, sync::Arc};

use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    error::Result,
    logical_expr::{DocSection, Documentation},
};

use self::arguments::Arguments;
use crate::{open::Tables, options::Options};

/// Checks arguments and answers with a table; changes nothing.
type Call = fn(&Arc<Tables>, &Arguments<'_>) -> Result<Arc<dyn TableProvider>>;

/// A function's name, what it does, and how people call it.
struct Entry {
    name: &'static str,
    syntax: &'static str,
    description: &'static str,
    arguments: &'static [(&'static str, &'static str)],
    example: &'static str,
    call: Call,
}

static ENTRIES: [&Entry; 9] = [
    &read::ENTRY,
    &cdf::ENTRY,
    &snapshot::ENTRY,
    &add_actions::ENTRY,
    &history::ENTRY,
    &optimize::ENTRY,
    &vacuum::ENTRY,
    &checkpoint::ENTRY,
    &restore::ENTRY,
];

/// One of the plugin's table functions.
#[derive(Clone)]
pub struct DeltaFunction {
    entry: &'static Entry,
    tables: Arc<Tables>,
}

impl fmt::Debug for DeltaFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeltaFunction")
            .field(&self.entry.name)
            .finish()
    }
}

impl TableFunctionImpl for DeltaFunction {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let arguments = Arguments::new(self.entry, &args)?;
        (self.entry.call)(&self.tables, &arguments)
    }
}

/// The table functions under their names, with what people read of them.
///
/// # Errors
/// When the options allow something that is not implemented.
pub fn table_functions(
    options: &Options,
) -> Result<Vec<(&'static str, DeltaFunction, Documentation)>> {
    let tables = Arc::new(Tables::new(options.clone())?);
    let function = |entry: &&'static Entry| {
        let tables = Arc::clone(&tables);
        (
            entry.name,
            DeltaFunction { entry, tables },
            documentation(entry),
        )
    };
    Ok(ENTRIES.iter().map(function).collect())
}

fn documentation(entry: &Entry) -> Documentation {
    let section = DocSection {
        include: true,
        label: "Table Functions",
        description: None,
    };
    let arguments = entry.arguments.iter();
    let documentation = Documentation::builder(section, entry.description, entry.syntax)
        .with_sql_example(entry.example);
    arguments
        .fold(documentation, |documentation, (name, meaning)| {
            documentation.with_argument(*name, *meaning)
        })
        .build()
}
