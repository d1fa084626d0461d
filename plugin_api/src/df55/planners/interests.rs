//! What planners are asked about.

use sqlparser::ast::TableFactor;

use crate::abi::message::ExpressionHook;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal, )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $( $(#[$vdoc])* $variant, )* }

        impl $name {
            /// Its name in messages.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }
        }
    };
}

named! {
    /// A kind of relation in a `FROM`.
    RelationKind {
        /// A table by name.
        Table = "table",
        /// A table by name, with `TABLESAMPLE`.
        SampledTable = "sampled_table",
        /// A table function by name.
        TableCall = "table_call",
        /// A subquery.
        Derived = "derived",
        /// `TABLE(expression)`.
        TableFunction = "table_function",
        /// `LATERAL function(...)`.
        Function = "function",
        /// `UNNEST(...)`.
        Unnest = "unnest",
        /// `JSON_TABLE(...)`, `OPENJSON(...)`.
        JsonTable = "json_table",
        /// A join in parentheses.
        NestedJoin = "nested_join",
        /// `... PIVOT (...)`.
        Pivot = "pivot",
        /// `... UNPIVOT (...)`.
        Unpivot = "unpivot",
        /// `... MATCH_RECOGNIZE (...)`.
        MatchRecognize = "match_recognize",
        /// Another kind.
        Other = "other",
    }
}

/// The kind of a relation.
pub fn relation_kind(relation: &TableFactor) -> RelationKind {
    match relation {
        TableFactor::Table {
            sample: Some(_), ..
        } => RelationKind::SampledTable,
        TableFactor::Table { args: Some(_), .. } => RelationKind::TableCall,
        TableFactor::Table { .. } => RelationKind::Table,
        TableFactor::Derived {
            sample: Some(_), ..
        } => RelationKind::SampledTable,
        TableFactor::Derived { .. } => RelationKind::Derived,
        TableFactor::TableFunction { .. } => RelationKind::TableFunction,
        TableFactor::Function { .. } => RelationKind::Function,
        TableFactor::UNNEST { .. } => RelationKind::Unnest,
        TableFactor::JsonTable { .. } | TableFactor::OpenJsonTable { .. } => {
            RelationKind::JsonTable
        }
        TableFactor::NestedJoin { .. } => RelationKind::NestedJoin,
        TableFactor::Pivot { .. } => RelationKind::Pivot,
        TableFactor::Unpivot { .. } => RelationKind::Unpivot,
        TableFactor::MatchRecognize { .. } => RelationKind::MatchRecognize,
        _ => RelationKind::Other,
    }
}

named! {
    /// A hook of DataFusion's `ExprPlanner`.
    ExpressionHookKind {
        /// `plan_binary_op`.
        BinaryOp = "binary_op",
        /// `plan_field_access`.
        FieldAccess = "field_access",
        /// `plan_array_literal`.
        ArrayLiteral = "array_literal",
        /// `plan_position`.
        Position = "position",
        /// `plan_dictionary_literal`.
        DictionaryLiteral = "dictionary_literal",
        /// `plan_extract`.
        Extract = "extract",
        /// `plan_substring`.
        Substring = "substring",
        /// `plan_struct_literal`.
        StructLiteral = "struct_literal",
        /// `plan_overlay`.
        Overlay = "overlay",
        /// `plan_make_map`.
        MakeMap = "make_map",
        /// `plan_compound_identifier`.
        CompoundIdentifier = "compound_identifier",
        /// `plan_aggregate`.
        Aggregate = "aggregate",
        /// `plan_window`.
        Window = "window",
    }
}

/// The name of a hook.
pub fn hook_name(hook: &ExpressionHook) -> &'static str {
    match hook {
        ExpressionHook::BinaryOp { .. } => ExpressionHookKind::BinaryOp,
        ExpressionHook::FieldAccess(_) => ExpressionHookKind::FieldAccess,
        ExpressionHook::ArrayLiteral => ExpressionHookKind::ArrayLiteral,
        ExpressionHook::Position => ExpressionHookKind::Position,
        ExpressionHook::DictionaryLiteral => ExpressionHookKind::DictionaryLiteral,
        ExpressionHook::Extract => ExpressionHookKind::Extract,
        ExpressionHook::Substring => ExpressionHookKind::Substring,
        ExpressionHook::StructLiteral { .. } => ExpressionHookKind::StructLiteral,
        ExpressionHook::Overlay => ExpressionHookKind::Overlay,
        ExpressionHook::MakeMap => ExpressionHookKind::MakeMap,
        ExpressionHook::CompoundIdentifier { .. } => ExpressionHookKind::CompoundIdentifier,
        ExpressionHook::Aggregate => ExpressionHookKind::Aggregate,
        ExpressionHook::Window => ExpressionHookKind::Window,
    }
    .name()
}
