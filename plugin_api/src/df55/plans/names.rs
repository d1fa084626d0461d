//! Names of tables, each once, and of columns.

use std::collections::HashMap;

use datafusion_common::{Column, Result, TableReference};

use crate::{
    abi::message::{ColumnName, TableName},
    df55::{
        error::from_call_error,
        expressions::breach,
        names::{table_name, table_reference},
    },
};

/// Names by position.
#[derive(Debug, Default)]
pub(super) struct NameList {
    names: Vec<TableName>,
    positions: HashMap<TableReference, usize>,
}

impl NameList {
    pub(super) fn add(&mut self, name: &TableReference) -> usize {
        if let Some(position) = self.positions.get(name) {
            return *position;
        }
        self.names.push(table_name(Some(name)));
        self.positions.insert(name.clone(), self.names.len() - 1);
        self.names.len() - 1
    }

    pub(super) fn into_inner(self) -> Vec<TableName> {
        self.names
    }
}

/// The names of a message.
pub(super) fn names_of(names: &[TableName]) -> Result<Vec<TableReference>> {
    let name = |name: &TableName| {
        table_reference(name)
            .map_err(from_call_error)?
            .ok_or_else(|| breach("a table without a name".to_owned()))
    };
    names.iter().map(name).collect()
}

/// A column's name as a message.
pub(super) fn column_name(column: &Column) -> ColumnName {
    ColumnName {
        relation: table_name(column.relation.as_ref()),
        name: column.name.clone(),
    }
}

/// The column of a name.
pub(super) fn column_of(name: &ColumnName) -> Result<Column> {
    let relation = table_reference(&name.relation).map_err(from_call_error)?;
    Ok(Column::new(relation, name.name.clone()))
}
