//! What rows are of.

use std::{str::FromStr, sync::Arc};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion_common::{DataFusionError, Result, plan_err};

use super::column::Column;

/// What the rows of a table are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nodes,
    Edges,
    Definitions,
    Calls,
    Imports,
    Docstrings,
    Errors,
}

const NAMES: [(&str, Kind); 7] = [
    ("nodes", Kind::Nodes),
    ("edges", Kind::Edges),
    ("defs", Kind::Definitions),
    ("calls", Kind::Calls),
    ("imports", Kind::Imports),
    ("docstrings", Kind::Docstrings),
    ("errors", Kind::Errors),
];

impl FromStr for Kind {
    type Err = DataFusionError;

    fn from_str(name: &str) -> Result<Self> {
        match NAMES.iter().find(|(known, _)| *known == name) {
            Some((_, kind)) => Ok(*kind),
            None => {
                let known: Vec<_> = NAMES.iter().map(|(known, _)| *known).collect();
                plan_err!(
                    "python_syntax: the argument 'kind' is '{name}', expected one of {}",
                    known.join(", ")
                )
            }
        }
    }
}

impl Kind {
    /// The columns that all kinds have, and behind them the kind's own.
    pub(super) fn columns(self) -> Vec<Column> {
        let own: &[Column] = match self {
            Self::Nodes => &[Column::Field],
            Self::Edges => &[Column::Field, Column::ParentType],
            Self::Definitions => &[Column::Qualname, Column::Docstring],
            Self::Calls => &[Column::Qualname, Column::Arguments],
            Self::Imports => &[Column::Module, Column::Alias, Column::Level],
            Self::Docstrings => &[Column::Qualname, Column::Docstring],
            Self::Errors => &[Column::Message],
        };
        [Column::COMMON, own].concat()
    }

    /// Whether rows tell of the nodes above theirs.
    pub(super) fn is_of_nodes(self) -> bool {
        matches!(self, Self::Nodes | Self::Edges)
    }

    /// Whether rows are of statements alone.
    pub(super) fn is_of_statements(self) -> bool {
        matches!(self, Self::Definitions | Self::Imports | Self::Docstrings)
    }

    pub(super) fn schema(self) -> SchemaRef {
        let fields = self
            .columns()
            .into_iter()
            .map(|column| match (self, column) {
                // What is wrong with a whole file has no node.
                (Self::Errors, Column::Id) => column.field().with_nullable(true),
                _ => column.field(),
            });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}
