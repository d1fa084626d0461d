//! The tables of a statement while its plan is walked.

use std::collections::{BTreeSet, HashMap};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion_plugin_api::abi::message::{Access, Clause, ColumnUse, TableUse};

use super::{super::guard::TableId, Identified};

/// The clauses of a column, as bits.
pub(super) type Clauses = u8;

pub(super) const ALL: [Clause; 7] = [
    Clause::Select,
    Clause::Where,
    Clause::Join,
    Clause::GroupBy,
    Clause::OrderBy,
    Clause::Distinct,
    Clause::Other,
];

pub(super) fn bit(clause: Clause) -> Clauses {
    let position = ALL.iter().position(|known| *known == clause);
    1 << position.unwrap_or(ALL.len() - 1)
}

/// A column of a table, both by position.
pub(super) type Base = (usize, usize);

/// A table of the statement.
pub(super) struct Record {
    pub(super) identified: Identified,
    pub(super) schema: SchemaRef,
    pub(super) access: BTreeSet<Access>,
    /// By column.
    pub(super) read: Vec<Clauses>,
    pub(super) written: BTreeSet<String>,
    pub(super) named: bool,
    /// Per column of a view, what it is made of; once the body was walked.
    pub(super) made_of: Option<Vec<Vec<Base>>>,
}

/// The tables of the statement.
#[derive(Default)]
pub(super) struct Records {
    pub(super) tables: Vec<Record>,
    positions: HashMap<TableId, usize>,
}

impl Records {
    /// The position of a table, which is there from now on.
    pub(super) fn position(&mut self, identified: Identified, schema: SchemaRef) -> usize {
        if let Some(position) = self.positions.get(&identified.id) {
            return *position;
        }
        let position = self.tables.len();
        self.positions.insert(identified.id.clone(), position);
        self.tables.push(Record {
            read: vec![0; schema.fields().len()],
            identified,
            schema,
            access: BTreeSet::new(),
            written: BTreeSet::new(),
            named: false,
            made_of: None,
        });
        position
    }

    pub(super) fn read(&mut self, bases: &[Base], clauses: Clauses) {
        for (table, column) in bases {
            if let Some(read) = self.tables[*table].read.get_mut(*column) {
                *read |= clauses;
            }
        }
    }

    pub(super) fn into_uses(self, columns: bool) -> Vec<TableUse> {
        let tables = self.tables.into_iter();
        tables.map(|table| table.into_use(columns)).collect()
    }
}

impl Record {
    fn into_use(self, columns: bool) -> TableUse {
        let reads = self.access.contains(&Access::Read) || self.read.iter().any(|c| *c != 0);
        let read = (columns && reads).then(|| {
            let columns = self.schema.fields().iter().zip(&self.read);
            columns
                .filter(|(_, clauses)| **clauses != 0)
                .map(|(field, clauses)| ColumnUse {
                    column: field.name().clone(),
                    clauses: ALL.into_iter().filter(|c| clauses & bit(*c) != 0).collect(),
                })
                .collect()
        });
        let TableId {
            catalog,
            schema,
            table,
        } = self.identified.id;
        TableUse {
            catalog,
            schema,
            table,
            relation: self.identified.relation,
            access: self.access.into_iter().collect(),
            read,
            written: self.written.into_iter().collect(),
            named: self.named,
        }
    }
}
