//! Names of tables, in parts.

use datafusion_common::TableReference;

use crate::abi::{CallError, message::TableName};

/// A table's name in parts.
pub fn table_name(table: Option<&TableReference>) -> TableName {
    table.map_or_else(Vec::new, |table| {
        [table.catalog(), table.schema(), Some(table.table())]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect()
    })
}

/// The table of a name in parts.
///
/// # Errors
/// A contract error for more than three parts.
pub fn table_reference(name: &TableName) -> Result<Option<TableReference>, CallError> {
    match name.as_slice() {
        [] => Ok(None),
        [table] => Ok(Some(TableReference::bare(table.as_str()))),
        [schema, table] => Ok(Some(TableReference::partial(
            schema.as_str(),
            table.as_str(),
        ))),
        [catalog, schema, table] => Ok(Some(TableReference::full(
            catalog.as_str(),
            schema.as_str(),
            table.as_str(),
        ))),
        parts => Err(CallError::contract(format!(
            "a table name of {} parts",
            parts.len()
        ))),
    }
}
