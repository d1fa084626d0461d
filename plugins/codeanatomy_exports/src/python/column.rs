//! Columns of syntax tables.

use arrow::datatypes::{DataType, Field};

macro_rules! columns {
    ($($column:ident: $name:literal, $type:ident, nullable: $nullable:literal;)*) => {
        /// A column of a syntax table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Column {
            $($column,)*
        }

        impl Column {
            pub(super) fn field(self) -> Field {
                match self {
                    $(Self::$column => Field::new($name, DataType::$type, $nullable),)*
                }
            }
        }
    };
}

columns! {
    Path: "path", Utf8, nullable: false;
    // The number of the node among the file's, tokens included, parents before children.
    Id: "id", Int64, nullable: false;
    // Of nodes and edges the parent; of errors nothing; of everything else the definition around it.
    Parent: "parent", Int64, nullable: true;
    Type: "type", Utf8, nullable: false;
    Name: "name", Utf8, nullable: true;
    Start: "bstart", Int64, nullable: false;
    End: "bend", Int64, nullable: false;
    // Lines from 1 and columns in bytes from 0, as Python's `ast` counts them.
    StartLine: "start_line", Int32, nullable: false;
    StartCol: "start_col", Int32, nullable: false;
    EndLine: "end_line", Int32, nullable: false;
    EndCol: "end_col", Int32, nullable: false;
    Field: "field", Utf8, nullable: true;
    ParentType: "parent_type", Utf8, nullable: true;
    // As Python's `__qualname__`; of a call and of a module's docstring that of what is around it.
    Qualname: "qualname", Utf8, nullable: true;
    Docstring: "docstring", Utf8, nullable: true;
    Arguments: "arguments", Int32, nullable: true;
    Module: "module", Utf8, nullable: true;
    Alias: "alias", Utf8, nullable: true;
    Level: "level", Int32, nullable: true;
    Message: "message", Utf8, nullable: true;
}

impl Column {
    pub(super) const COMMON: &'static [Self] = &[
        Self::Path,
        Self::Id,
        Self::Parent,
        Self::Type,
        Self::Name,
        Self::Start,
        Self::End,
        Self::StartLine,
        Self::StartCol,
        Self::EndLine,
        Self::EndCol,
    ];
}
